import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { KeepRule, LineKept, page } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { inputClass } from "../look/Field.tsx";
import { Question } from "../look/Question.tsx";
import { Select } from "../look/Select.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { count } from "../words/text.ts";
import { type Changed, changesIn, type KeepDraft, keepDraftOf, stricter, wrongIn } from "./keep-draft.ts";

const columns = { audio: "Audio", transcript: "Transcript", journal: "Journal" } as const;
/** Where nothing is typed. A journal is kept three days then: the recording made from it stays. */
const unless = { audio: "for ever", transcript: "for ever", journal: "3" } as const;
const raw = { webhooks_days: "The carrier's requests to us", exchanges_days: "Our requests to the carrier" } as const;

const narrowRow = "max-sm:grid max-sm:grid-cols-3 max-sm:gap-x-2";

/** The rules of keeping as a table: all agents, each that has a rule of its own, and the raw requests. */
export function KeepRules() {
  const rules = useQuery(queries.keepRules());
  const line = useQuery(queries.lineKept());
  if (rules.isPending || line.isPending) return <div className="bone h-40 w-full max-w-3xl" />;
  const failed = rules.error ?? line.error;
  if (!rules.data || !line.data) return <Trouble error={failed} onRetry={() => void Promise.all([rules.refetch(), line.refetch()])} />;
  const draft = keepDraftOf(rules.data, line.data);
  return <Table key={JSON.stringify(draft)} before={draft} />;
}

function Table({ before }: { before: KeepDraft }) {
  const client = useQueryClient();
  const may = useMay("keeping.manage");
  const agents = useQuery(queries.agents());
  const [draft, setDraft] = useState(before);
  const [asking, setAsking] = useState(false);
  const changes = changesIn(before, draft);
  const wrong = wrongIn(draft);
  const save = useMutation({
    mutationFn: async (changed: Changed) => {
      for (const body of changed.rules) await ask(page(KeepRule), "/keep-rules", { method: "PUT", body });
      if (changed.line) await ask(LineKept, "/carrier/keeping", { method: "PUT", body: changed.line });
    },
    onSuccess: () => setAsking(false),
    onSettled: () => Promise.all(["keep-rules", "line-kept"].map((name) => client.invalidateQueries({ queryKey: [name] }))),
  });
  const nameOf = (id: string | null) =>
    id === null ? "Every agent" : (agents.data?.find((agent) => agent.id === id)?.settings.name ?? "An agent out of service");
  const others = agents.data?.filter(({ id }) => !draft.rows.some((row) => row.agent === id)) ?? [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending || wrong || !changes) return;
    if (stricter(before, draft)) setAsking(true);
    else save.mutate(changes);
  };
  const set = (agent: string | null, what: keyof typeof columns, days: string) =>
    setDraft({ ...draft, rows: draft.rows.map((row) => (row.agent === agent ? { ...row, [what]: days } : row)) });
  return (
    <form onSubmit={submit} noValidate className="flex w-full max-w-3xl flex-col items-start gap-4">
      <fieldset disabled={!may} className="w-full min-w-0">
        {/* On a phone three fields leave no room for a name beside them: it stands above. */}
        <table className="w-full border-t border-line max-sm:block">
          <thead className="max-sm:block">
            <tr className={`text-small text-soft ${narrowRow}`}>
              <th scope="col" className="py-1.5 pe-3 font-plain max-sm:sr-only">
                Calls of
              </th>
              {Object.values(columns).map((name) => (
                <th key={name} scope="col" className="py-1.5 font-plain sm:w-40 sm:pe-4">
                  {name}, days
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="max-sm:block">
            {draft.rows.map((row) => (
              <tr key={row.agent} className={`border-t border-line ${narrowRow}`}>
                <th scope="row" className="py-1 pe-3 font-plain wrap-anywhere max-sm:col-span-3 max-sm:pt-2">
                  <bdi>{nameOf(row.agent)}</bdi>
                </th>
                {(Object.keys(columns) as (keyof typeof columns)[]).map((what) => (
                  <td key={what} className="py-1 max-sm:pb-2 sm:pe-4">
                    <Days
                      label={`${columns[what]} of ${nameOf(row.agent)}, days`}
                      value={row[what]}
                      empty={row.agent === null ? unless[what] : "as all"}
                      onChange={(days) => set(row.agent, what, days)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {may && others.length > 0 && (
          <Select
            aria-label="Give an agent a rule of its own"
            value=""
            onChange={(event) =>
              setDraft({ ...draft, rows: [...draft.rows, { agent: event.target.value, audio: "", transcript: "", journal: "" }] })
            }
            className="press rounded border border-transparent text-soft hover:bg-sunk hover:text-ink"
          >
            <option value="">Give an agent a rule of its own</option>
            {others.map(({ id, settings }) => (
              <option key={id} value={id}>
                {settings.name}
              </option>
            ))}
          </Select>
        )}
        <table className="mt-3 w-full border-y border-line">
          <tbody>
            {(Object.keys(raw) as (keyof typeof raw)[]).map((name) => (
              <tr key={name} className="border-line not-first:border-t">
                <th scope="row" className="py-1 pe-3 font-plain">
                  {raw[name]}, days
                </th>
                <td className="w-24 py-1 pe-2 sm:w-40 sm:pe-4">
                  <Days
                    label={`${raw[name]}, days`}
                    value={draft.line[name]}
                    empty="for ever"
                    onChange={(days) => setDraft({ ...draft, line: { ...draft.line, [name]: days } })}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </fieldset>
      {wrong && (
        <p role="alert" className="text-look">
          {wrong}
        </p>
      )}
      {save.error && !asking && <Trouble error={save.error instanceof Refused ? save.error : save.error} />}
      {may ? (
        <div className="flex min-h-10 items-center gap-2">
          <Button type="submit" look="main" disabled={!changes || wrong !== null} busy={save.isPending}>
            Set the rules
          </Button>
          {changes && (
            <Button look="bare" onClick={() => setDraft(before)}>
              Undo the changes
            </Button>
          )}
        </div>
      ) : (
        <p className="text-soft">Only administrators set these.</p>
      )}
      {asking && changes && (
        <Question
          title="Delete what is older?"
          verb="Set the rules"
          keep="Leave it"
          asked={{ ...save, mutate: () => save.mutate(changes) }}
          onClose={() => setAsking(false)}
        >
          <p>
            {count(changes.rules.length + (changes.line ? 1 : 0), "rule")} will keep less than before. What is older is deleted for good
            within the day, from every call that is not on hold.
          </p>
        </Question>
      )}
    </form>
  );
}

const Days = ({ label, value, empty, onChange }: { label: string; value: string; empty: string; onChange: (days: string) => void }) => (
  <input
    aria-label={label}
    value={value}
    placeholder={empty}
    inputMode="numeric"
    maxLength={6}
    autoComplete="off"
    onChange={(event) => onChange(event.target.value)}
    className={`${inputClass} max-w-28`}
  />
);
