import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { ask } from "../ask/ask.ts";
import { Session } from "../ask/shapes.ts";
import { Outer } from "../frame/Outer.tsx";
import { buttonClass } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";

/** The end of the one-time link from the terminal: its token is traded for a session, and the way goes on. */
export function EnterPage(): ReactNode {
  const { token, to } = useSearch({ from: "/enter" });
  const client = useQueryClient();
  const router = useRouter();
  const traded = useRef(false);
  const { mutate, error } = useMutation({
    mutationFn: (body: { token: string }) => ask(Session, "/session/link", { method: "POST", body }),
    onSuccess: () => {
      client.clear();
      router.history.replace(to ?? "/calls");
    },
  });
  useEffect(() => {
    if (token === undefined || traded.current) return;
    traded.current = true;
    mutate({ token });
  }, [token, mutate]);

  const lost = token === undefined;
  return (
    <Outer>
      <h1 className="text-lead font-strong">{error || lost ? "This link does not open the door" : "Signing in"}</h1>
      {lost && <p className="text-soft">The address holds no token. Copy the whole link from the terminal.</p>}
      {error && <Trouble error={error} />}
      {(error || lost) && (
        <Link to="/sign-in" className={`${buttonClass("plain")} self-start`}>
          Sign in with a password
        </Link>
      )}
    </Outer>
  );
}
