import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ask, Nothing, rememberCsrf } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import { chooseDirection, chooseTheme, useDirection, useTheme } from "../frame/theme.ts";
import { Button } from "../look/Button.tsx";
import { Part } from "../look/Part.tsx";
import { Segments } from "../look/Segments.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { roles } from "../words/roles.ts";
import { ChangePassword, Places } from "./Yours.tsx";

/** Who is signed in, where else, and how the pages look here. */
export function YouPage(): ReactNode {
  const session = useQuery(queries.session());
  const user = session.data?.user;
  return (
    <>
      <Part title="You">
        <p>
          {user?.email}
          <span className="text-soft">{user && ` ${roles[user.role]}`}</span>
        </p>
        <SignOut />
      </Part>
      <Part title="Where you are signed in">
        <Places />
      </Part>
      <Part title="Password">{user && <ChangePassword />}</Part>
      <Part title="This page">
        <Look />
      </Part>
      <Part title="For programs">
        <p className="max-w-[62ch]">
          Everything seen here can be read and done by API too.{" "}
          <a href="/api/openapi.json" className="reach underline decoration-edge underline-offset-2 hover:decoration-ink">
            OpenAPI document
          </a>
        </p>
      </Part>
    </>
  );
}

function SignOut() {
  const client = useQueryClient();
  const router = useRouter();
  const signOut = useMutation({
    mutationFn: (everywhere: boolean) => ask(Nothing, `/session${everywhere ? "?everywhere=1" : ""}`, { method: "DELETE" }),
    onSuccess: () => {
      rememberCsrf(null);
      client.clear();
      void router.navigate({ to: "/sign-in" });
    },
  });
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Button busy={signOut.isPending} onClick={() => signOut.mutate(false)}>
          Sign out
        </Button>
        <Button look="bare" busy={signOut.isPending} onClick={() => signOut.mutate(true)}>
          Sign out on every machine
        </Button>
      </div>
      {signOut.error && <Trouble error={signOut.error} />}
    </>
  );
}

function Look() {
  const theme = useTheme();
  const direction = useDirection();
  return (
    <>
      <Segments
        label="Light or dark"
        value={theme}
        options={[
          ["system", "As the system"],
          ["light", "Light"],
          ["dark", "Dark"],
        ]}
        onChoose={chooseTheme}
      />
      <Segments
        label="Reading direction"
        value={direction}
        options={[
          ["ltr", "Left to right"],
          ["rtl", "Right to left"],
        ]}
        onChoose={chooseDirection}
      />
    </>
  );
}
