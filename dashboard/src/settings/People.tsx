import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask, Nothing } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { InvitedUser, PasswordLink, type Role, User } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, TextField } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Part } from "../look/Part.tsx";
import { Question } from "../look/Question.tsx";
import { Select } from "../look/Select.tsx";
import { ShownOnce } from "../look/ShownOnce.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { roleNames, roles } from "../words/roles.ts";
import { count } from "../words/text.ts";
import { exactly } from "../words/time.ts";
import { NotYours } from "./SettingsFrame.tsx";

/** Who may come in, as what: invited by a link that is handed over, changed, locked out. */
export function PeoplePage(): ReactNode {
  return (
    <NotYours needs="users.manage">
      <Part title="Invite somebody" about="They choose their password by a link that works once. You hand it to them; nothing is mailed.">
        <Invite />
      </Part>
      <Part title="People">
        <List />
      </Part>
    </NotYours>
  );
}

function Invite() {
  const client = useQueryClient();
  const invite = useMutation({
    mutationFn: (body: unknown) => ask(InvitedUser, "/users", { method: "POST", body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["users"] }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (invite.isPending) return;
    const form = event.currentTarget;
    invite.mutate(Object.fromEntries(new FormData(form)), { onSuccess: () => form.reset() });
  };
  const wrong = invite.error instanceof Refused ? invite.error.field("email") : null;
  const remedy = invite.error instanceof Refused ? invite.error.problem.remedy : "";
  return (
    <>
      <form onSubmit={submit} className="flex w-full max-w-3xl flex-wrap items-start gap-3">
        <TextField
          label="E-mail"
          name="email"
          type="email"
          required
          maxLength={254}
          autoComplete="off"
          className="min-w-48 grow"
          wrong={wrong && `It ${wrong}. ${remedy}`}
        />
        <Choice label="Who" name="role" defaultValue="member" className="min-w-48">
          {(Object.keys(roles) as Role[]).map((role) => (
            <option key={role} value={role}>
              {roleNames[role]}: {roles[role]}
            </option>
          ))}
        </Choice>
        <Button type="submit" busy={invite.isPending} className="sm:mt-6">
          Make an invitation
        </Button>
      </form>
      {invite.error && !wrong && <Trouble error={invite.error} />}
      {invite.data && (
        <ShownOnce
          title={`Give this link to ${invite.data.email}. It cannot be shown again.`}
          secret={invite.data.link.url}
          onDone={invite.reset}
        >
          Whoever opens it first chooses the password. It ends{" "}
          <time dateTime={invite.data.link.expires_at}>{exactly(invite.data.link.expires_at)}</time>.
        </ShownOnce>
      )}
    </>
  );
}

function List() {
  const users = useQuery(queries.users());
  const session = useQuery(queries.session());
  if (users.isPending) return <div className="bone h-24 w-full max-w-3xl" />;
  if (users.isError) return <Trouble error={users.error} onRetry={() => void users.refetch()} />;
  return (
    <ul className="w-full max-w-3xl border-t border-line">
      {users.data.map((user) => (
        <Person key={user.id} user={user} self={user.id === session.data?.user.id} />
      ))}
    </ul>
  );
}

function Person({ user, self }: { user: User; self: boolean }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const reread = () => void client.invalidateQueries({ queryKey: ["users"] });
  const change = useMutation({
    mutationFn: (body: { role?: Role; disabled?: boolean }) => ask(User, `/users/${user.id}`, { method: "PATCH", body }),
    onSuccess: () => {
      setAsking(false);
      if (self) void client.invalidateQueries({ queryKey: ["session"] });
    },
    onSettled: reread,
  });
  const link = useMutation({
    mutationFn: () => ask(PasswordLink, `/users/${user.id}/password-link`, { method: "POST" }),
    onSuccess: reread,
  });
  const signOut = useMutation({ mutationFn: () => ask(Nothing, `/users/${user.id}/sessions`, { method: "DELETE" }), onSuccess: reread });
  const disabled = user.state === "disabled";
  const failed = [link, signOut].find(({ error }) => error)?.error ?? (asking ? null : change.error);
  return (
    <li className="border-b border-line py-2">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 md:grid md:grid-cols-[minmax(0,1fr)_8.5rem_7.5rem_7rem_5rem]">
        <div className="min-w-0 max-md:w-full">
          <p className="wrap-anywhere">
            <bdi className={disabled ? "text-soft line-through decoration-1" : "font-strong"}>{user.email}</bdi>
            {self && <span className="text-soft"> you</span>}
          </p>
          <p className="text-small text-soft first-letter:uppercase">
            <State user={user} />
          </p>
        </div>
        <Select
          aria-label={`Role of ${user.email}`}
          value={user.role}
          disabled={user.from_environment || disabled || change.isPending}
          title={user.from_environment ? "Follows the configuration" : roles[user.role]}
          onChange={(event) => change.mutate({ role: event.target.value as Role })}
          wide="md:w-full"
          className="press w-full rounded border border-line bg-raised ps-2.5 hover:border-edge"
        >
          {(Object.keys(roleNames) as Role[]).map((role) => (
            <option key={role} value={role}>
              {roleNames[role]}
            </option>
          ))}
        </Select>
        {!user.from_environment && !disabled && (
          <Button
            look="bare"
            className="md:col-start-3"
            busy={link.isPending}
            onClick={() => link.mutate()}
            aria-label={`New password link for ${user.email}`}
          >
            Password link
          </Button>
        )}
        {!user.from_environment && (
          <Button
            look="bare"
            className="md:col-start-4"
            aria-label={`${disabled ? "Let in" : "Lock out"} ${user.email}`}
            busy={change.isPending}
            onClick={() => (disabled ? change.mutate({ disabled: false }) : setAsking(true))}
          >
            {disabled ? "Let in again" : "Lock out"}
          </Button>
        )}
        {user.sessions > 0 && !self && (
          <Button
            look="bare"
            className="md:col-start-5"
            busy={signOut.isPending}
            onClick={() => signOut.mutate()}
            aria-label={`Sign ${user.email} out everywhere`}
          >
            Sign out
          </Button>
        )}
      </div>
      {failed ? <Trouble error={failed} className="mt-2" /> : null}
      {link.data && (
        <div className="pt-2">
          <ShownOnce title={`Give this link to ${user.email}. It cannot be shown again.`} secret={link.data.url} onDone={link.reset}>
            With it a new password is chosen. The old one works until then. It ends{" "}
            <time dateTime={link.data.expires_at}>{exactly(link.data.expires_at)}</time>.
          </ShownOnce>
        </div>
      )}
      {asking && (
        <Question
          title="Lock this person out?"
          verb="Lock out"
          keep="Leave it"
          asked={{ ...change, mutate: () => change.mutate({ disabled: true }) }}
          onClose={() => setAsking(false)}
        >
          <p>
            <bdi className="font-strong wrap-anywhere">{user.email}</bdi> is signed out everywhere at once, and the links they shared end.
            What they did stays on record. They can be let in again.
          </p>
        </Question>
      )}
    </li>
  );
}

function State({ user }: { user: User }) {
  if (user.state === "disabled") return "Locked out";
  if (user.state === "invited")
    return (
      <>
        Invited <Moment at={user.created_at} />
        {user.link_expires_at === null ? ", the link has ended: make a new one" : ", has not come yet"}
      </>
    );
  return (
    <>
      {user.from_environment && "From the configuration, "}
      {user.last_seen_at === null ? (
        "not signed in"
      ) : (
        <>
          signed in at {count(user.sessions, "place")}, last <Moment at={user.last_seen_at} />
        </>
      )}
    </>
  );
}
