import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { ApiKey, MadeApiKey } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, TextField } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Part } from "../look/Part.tsx";
import { Question } from "../look/Question.tsx";
import { ShownOnce } from "../look/ShownOnce.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { roles } from "../words/roles.ts";
import { NotYours } from "./SettingsFrame.tsx";

/** Keys by which programs use the API: made, seen once, ended for good. */
export function KeysPage(): ReactNode {
  return (
    <NotYours needs="keys.manage">
      <Part title="Keys for programs" about="A program shows its key instead of signing in.">
        <Keys />
      </Part>
    </NotYours>
  );
}

function Keys() {
  const keys = useQuery(queries.keys());
  const living = keys.data?.filter((key) => key.revoked_at === null) ?? [];
  return (
    <>
      <MakeKey />
      {keys.isError && <Trouble error={keys.error} onRetry={() => void keys.refetch()} />}
      {keys.isPending && <div className="bone h-10 w-full max-w-3xl" />}
      {keys.data && living.length === 0 && <p className="text-soft">No key yet. A program needs one to place calls or read them.</p>}
      {living.length > 0 && (
        <ul className="w-full max-w-3xl border-t border-line">
          {living.map((key) => (
            <Key key={key.id} one={key} />
          ))}
        </ul>
      )}
    </>
  );
}

function Key({ one }: { one: ApiKey }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: () => ask(ApiKey, `/keys/${one.id}`, { method: "DELETE" }),
    onSuccess: () => {
      setAsking(false);
      void client.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-0.5 border-b border-line py-2">
      <div className="min-w-0 grow basis-0">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <bdi className="font-strong">{one.name}</bdi>
          <span className="font-mono text-small text-soft">{one.prefix}…</span>
        </p>
        <p className="text-small text-soft">
          {roles[one.role]}, {one.last_used_at === null ? "never used" : "last used "}
          {one.last_used_at !== null && <Moment at={one.last_used_at} />}
          {one.from_environment && ", from the configuration"}
        </p>
      </div>
      <Button look="bare" onClick={() => setAsking(true)}>
        Revoke
      </Button>
      {asking && (
        <Question title="Revoke this key?" verb="Revoke" keep="Keep it" asked={revoke} onClose={() => setAsking(false)}>
          <p>
            Programs that use <bdi className="font-strong">{one.name}</bdi> are refused from now on. It cannot be brought back.
          </p>
        </Question>
      )}
    </li>
  );
}

function MakeKey() {
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: (body: unknown) => ask(MadeApiKey, "/keys", { method: "POST", body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["keys"] }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (make.isPending) return;
    const form = event.currentTarget;
    make.mutate(Object.fromEntries(new FormData(form)), { onSuccess: () => form.reset() });
  };
  const field = (name: string) => (make.error instanceof Refused ? make.error.field(name) : null);
  return (
    <>
      <form onSubmit={submit} className="flex w-full max-w-3xl flex-wrap items-start gap-3">
        <TextField
          label="A new key for"
          name="name"
          required
          maxLength={100}
          autoComplete="off"
          placeholder="The order system"
          className="min-w-48 grow"
          wrong={field("name")}
        />
        <Choice label="It" name="role" defaultValue="member" wrong={field("role")} className="min-w-48">
          {Object.entries(roles).map(([role, may]) => (
            <option key={role} value={role}>
              {may}
            </option>
          ))}
        </Choice>
        <Button type="submit" busy={make.isPending} className="sm:mt-6">
          Make a key
        </Button>
      </form>
      {make.error && !field("name") && <Trouble error={make.error} />}
      {make.data && <ShownOnce title="Keep this key now. It is not stored and cannot be shown again." secret={make.data.key} />}
    </>
  );
}
