import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ask, Nothing, rememberCsrf } from "../ask/ask.ts";
import { queries } from "../ask/queries.ts";
import type { Role } from "../ask/shapes.ts";
import { chooseDirection, chooseTheme, useDirection, useTheme } from "../frame/theme.ts";
import { Button } from "../look/Button.tsx";
import { Part } from "../look/Part.tsx";
import { Segments } from "../look/Segments.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";
import { Keys } from "./Keys.tsx";
import { Line, Work } from "./Line.tsx";

export const roles = {
  admin: "may do everything",
  member: "may place calls and change agents",
  viewer: "may look and listen",
} as const satisfies Record<Role, string>;

export function SettingsPage(): ReactNode {
  useTitle("Settings");
  const session = useQuery(queries.session());
  const mayKeys = useMay("keys.manage");
  const mayMend = useMay("recordings.mend");
  return (
    <main className="px-4 pt-4 pb-24 sm:px-6 lg:pt-5">
      <h1 className="text-title font-strong">Settings</h1>
      <Part title="You">
        <p>
          {session.data?.user.email}
          <span className="text-soft">{session.data && ` ${roles[session.data.user.role]}`}</span>
        </p>
        <SignOut />
      </Part>
      <Part title="This page">
        <Look />
      </Part>
      <Part title="The phone line">
        <Line />
      </Part>
      {mayMend && (
        <Part title="Work on recordings">
          <Work />
        </Part>
      )}
      {mayKeys && (
        <Part title="Keys for programs">
          <Keys />
        </Part>
      )}
      <Part title="For programs">
        <p className="max-w-[62ch]">
          Everything seen here can be read and done by API too.{" "}
          <a href="/api/openapi.json" className="underline decoration-edge underline-offset-2 hover:decoration-ink">
            OpenAPI document
          </a>
        </p>
      </Part>
    </main>
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
