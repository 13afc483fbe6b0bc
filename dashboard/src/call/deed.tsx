/** What every decision about keeping has: a reason, whose it was and when, and the way to the server. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { Keeping } from "../ask/shapes.ts";
import { TextArea } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useWho } from "../session/use-who.ts";

export function Whose({ by, at, did }: { by: string; at: string; did: string }) {
  const who = useWho(by);
  return (
    <p className="text-small text-soft">
      {did} <Moment at={at} /> by <bdi className="wrap-anywhere">{who}</bdi>
    </p>
  );
}

/** A deed of keeping: the answer is what is decided now, and what the page shows of the call is read again. */
export function useDeed(call: string, done: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: "PUT" | "POST" | "DELETE"; body?: unknown }) =>
      ask(Keeping, `/calls/${call}/${path}`, { method, ...(body === undefined ? {} : { body }) }),
    onSuccess: (kept) => {
      client.setQueryData(queries.keeping(call).queryKey, kept);
      for (const name of ["call", "events", "utterances", "recordings"]) void client.invalidateQueries({ queryKey: [name, call] });
      done();
    },
  });
}

/** Why something is decided: it is written down with it. */
export function Why({ name, label, error }: { name: string; label: string; error: unknown }) {
  const wrong = error instanceof Refused ? error.field(name) : null;
  return (
    <>
      <TextArea label={label} name={name} required maxLength={500} rows={2} data-first hint="Kept with the decision." wrong={wrong} />
      {error && !wrong ? <Trouble error={error} /> : null}
    </>
  );
}
