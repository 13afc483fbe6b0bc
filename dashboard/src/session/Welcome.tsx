import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { Session } from "../ask/shapes.ts";
import { Outer } from "../frame/Outer.tsx";
import { Button, buttonClass } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";

/** The end of an invitation, or of a link for a forgotten password: a password is chosen, and the way goes on. */
export function WelcomePage(): ReactNode {
  useTitle("Choose a password");
  const { token } = useSearch({ from: "/welcome" });
  const client = useQueryClient();
  const router = useRouter();
  const [unlike, setUnlike] = useState(false);
  const choose = useMutation({
    mutationFn: (password: string) => ask(Session, "/session/password", { method: "POST", body: { token, password } }),
    onSuccess: () => {
      client.clear();
      router.history.replace("/calls");
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (choose.isPending) return;
    const { password = "", again = "" } = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setUnlike(password !== again);
    if (password === again) choose.mutate(password);
  };
  const wrong = choose.error instanceof Refused ? choose.error.field("password") : null;
  if (token === undefined)
    return (
      <Outer>
        <h1 className="text-lead font-strong">This link is not whole</h1>
        <p className="text-soft">The address holds no token. Copy the whole link you were given.</p>
        <Link to="/sign-in" className={`${buttonClass("plain")} self-start`}>
          Sign in with a password
        </Link>
      </Outer>
    );
  return (
    <Outer>
      <div>
        <h1 className="text-lead font-strong">Choose a password</h1>
        <p className="text-soft">You sign in with it and your e-mail from now on. This link works once.</p>
      </div>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={1024}
          autoFocus
          hint="At least 12 characters; several words are easy to keep in mind."
          wrong={wrong}
        />
        <TextField
          label="The same again"
          name="again"
          type="password"
          autoComplete="new-password"
          required
          wrong={unlike ? "The two are not the same." : null}
        />
        {choose.error && <Trouble error={choose.error} />}
        <Button type="submit" look="main" busy={choose.isPending}>
          Keep it and sign in
        </Button>
      </form>
    </Outer>
  );
}
