import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ask, Nothing } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import type { OpenSession } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { browserSaid } from "../words/browser.ts";

/** Where somebody is signed in; what they do not know, they end. */
export function Places() {
  const sessions = useQuery(queries.sessions());
  if (sessions.isPending) return <div className="bone h-12 w-full max-w-3xl" />;
  if (sessions.isError) return <Trouble error={sessions.error} onRetry={() => void sessions.refetch()} />;
  return (
    <ul className="w-full max-w-3xl border-t border-line">
      {sessions.data.map((session) => (
        <Place key={session.id} session={session} />
      ))}
    </ul>
  );
}

function Place({ session }: { session: OpenSession }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => ask(Nothing, `/sessions/${session.id}`, { method: "DELETE" }),
    onSettled: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-0.5 border-b border-line py-2">
      <div className="min-w-0 grow basis-0">
        <p title={session.program ?? undefined}>
          <span className={session.here ? "font-strong" : ""}>{browserSaid(session.program)}</span>
          {session.here && <span className="text-good"> here</span>}
        </p>
        <p className="text-small text-soft">
          {session.address !== null && (
            <>
              from <span dir="ltr">{session.address}</span>,{" "}
            </>
          )}
          since <Moment at={session.created_at} />
          {!session.here && (
            <>
              , last used <Moment at={session.last_seen_at} />
            </>
          )}
        </p>
        {end.error && <Trouble error={end.error} className="mt-2" />}
      </div>
      {!session.here && (
        <Button look="bare" busy={end.isPending} aria-label={`Sign out ${browserSaid(session.program)}`} onClick={() => end.mutate()}>
          Sign out
        </Button>
      )}
    </li>
  );
}

export function ChangePassword() {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const change = useMutation({
    mutationFn: (body: { current: string; password: string }) => ask(Nothing, "/session/password", { method: "PUT", body }),
    onSuccess: () => {
      setOpen(false);
      void client.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  const [unlike, setUnlike] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (change.isPending) return;
    const { current = "", password = "", again = "" } = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setUnlike(password !== again);
    if (password === again) change.mutate({ current, password });
  };
  const wrong = (name: string) => (change.error instanceof Refused ? change.error.field(name) : null);
  if (!open)
    return (
      <div className="flex flex-wrap items-center gap-3">
        <Button onClick={() => setOpen(true)}>Change the password</Button>
        <span role="status" className="text-soft">
          {change.isSuccess && "Changed. Everywhere else you are signed out."}
        </span>
      </div>
    );
  return (
    <form onSubmit={submit} className="flex w-full max-w-sm flex-col gap-4">
      <TextField
        label="Current password"
        name="current"
        type="password"
        autoComplete="current-password"
        required
        autoFocus
        wrong={wrong("current")}
      />
      <TextField
        label="New password"
        name="password"
        type="password"
        autoComplete="new-password"
        required
        minLength={12}
        maxLength={1024}
        hint="At least 12 characters; several words are easy to keep in mind."
        wrong={wrong("password")}
      />
      <TextField
        label="New password again"
        name="again"
        type="password"
        autoComplete="new-password"
        required
        wrong={unlike ? "The two are not the same." : null}
      />
      {change.error && !wrong("current") && <Trouble error={change.error} />}
      <div className="flex gap-2">
        <Button type="submit" look="main" busy={change.isPending}>
          Change it
        </Button>
        <Button look="bare" onClick={() => setOpen(false)}>
          Leave it
        </Button>
      </div>
    </form>
  );
}
