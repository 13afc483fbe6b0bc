import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useEffect, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { CallingLimits, type CallingLimitsNow } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Field, inputClass, TextField } from "../look/Field.tsx";
import { Segments } from "../look/Segments.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { count } from "../words/text.ts";
import { countryCode, countryName, typedPlace } from "./places.ts";

/** What may be dialled, how much at once and how much a day, and how much of it is used now. */
export function Limits() {
  const limits = useQuery(queries.callingLimits());
  if (limits.isPending) return <div key="bone" className="bone h-64 w-full max-w-3xl" />;
  if (limits.isError) return <Trouble error={limits.error} onRetry={() => void limits.refetch()} />;
  return (
    <>
      <div className="grid w-full max-w-3xl gap-x-8 gap-y-4 sm:grid-cols-2">
        <Used said="run now" used={limits.data.running} of={limits.data.max_concurrent} />
        <Used said="placed in the last 24 hours" used={limits.data.placed} of={limits.data.max_per_day} />
      </div>
      <Edit limits={limits.data} />
    </>
  );
}

/** How much of a limit is used: the number, and a line as long. */
function Used({ said, used, of }: { said: string; used: number; of: number }) {
  const full = used >= of;
  return (
    <div>
      <p>
        <span className="tabular font-strong">{count(used, "call")}</span> <span className="text-soft">{said}, of at most </span>
        <span className="tabular">{of.toLocaleString("en")}</span>
        {full && <span className="text-look">. No more is placed just now.</span>}
      </p>
      <div aria-hidden="true" className="mt-1.5 h-1.5 rounded-[2px] bg-line">
        <div
          style={{ width: `${of === 0 ? 100 : Math.min(100, (used / of) * 100)}%` }}
          className={`h-full rounded-[2px] ${full ? "bg-look" : "bg-soft"}`}
        />
      </div>
    </div>
  );
}

type Draft = { max_concurrent: string; max_per_day: string; legs_per_second: string; allowed: readonly string[] | null };
const draftOf = (limits: CallingLimitsNow): Draft => ({
  max_concurrent: String(limits.max_concurrent),
  max_per_day: String(limits.max_per_day),
  legs_per_second: String(limits.legs_per_second),
  allowed: limits.allowed,
});

function Edit({ limits }: { limits: CallingLimitsNow }) {
  const client = useQueryClient();
  const line = useQuery(queries.carrier());
  const [draft, setDraft] = useState(draftOf(limits));
  const shown = JSON.stringify(draftOf(limits));
  const changed = JSON.stringify(draft) !== shown;
  // biome-ignore lint/correctness/useExhaustiveDependencies: somebody else's change is taken over where nothing was typed
  useEffect(() => setDraft(draftOf(limits)), [shown]);
  const save = useMutation({
    mutationFn: (body: CallingLimits) => ask(CallingLimits, "/settings/calling-limits", { method: "PUT", body }),
    onSuccess: (saved) =>
      client.setQueryData(
        queries.callingLimits().queryKey,
        (old) => old && { ...old, ...saved, legs_per_second: saved.legs_per_second ?? old.legs_per_second },
      ),
  });
  const whole = (text: string, most: number) => /^\d+$/.test(text.trim()) && Number(text) <= most;
  const fast = () => whole(draft.legs_per_second, 200) && Number(draft.legs_per_second) >= 2;
  const wrong = (name: "max_concurrent" | "max_per_day" | "allowed", most = 0) =>
    (save.error instanceof Refused ? save.error.field(name) : null) ??
    (name !== "allowed" && !whole(draft[name], most) ? `A whole number, at most ${most.toLocaleString("en")}.` : null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending || !whole(draft.max_concurrent, 10_000) || !whole(draft.max_per_day, 1_000_000) || !fast()) return;
    save.mutate({
      max_concurrent: Number(draft.max_concurrent),
      max_per_day: Number(draft.max_per_day),
      // Who did not touch it does not set it: its rows may have been changed by hand.
      ...(Number(draft.legs_per_second) === limits.legs_per_second ? {} : { legs_per_second: Number(draft.legs_per_second) }),
      allowed: draft.allowed === null ? null : [...draft.allowed],
    });
  };
  const home = line.data?.number ? countryCode(line.data.number) : null;
  return (
    <form onSubmit={submit} noValidate className="flex w-full max-w-3xl flex-col items-start gap-4">
      <div className="grid w-full gap-x-8 gap-y-4 sm:grid-cols-2">
        <TextField
          label="Calls at once"
          hint="Both directions together; beyond it none is placed."
          inputMode="numeric"
          value={draft.max_concurrent}
          wrong={wrong("max_concurrent", 10_000)}
          onChange={(event) => setDraft({ ...draft, max_concurrent: event.target.value })}
        />
        <TextField
          label="Calls placed in 24 hours"
          hint="Against a mistake that dials and dials."
          inputMode="numeric"
          value={draft.max_per_day}
          wrong={wrong("max_per_day", 1_000_000)}
          onChange={(event) => setDraft({ ...draft, max_per_day: event.target.value })}
        />
        <TextField
          label="New connections in a second"
          hint="What the carrier takes: 3, unless it granted the account more. A call takes two."
          inputMode="numeric"
          value={draft.legs_per_second}
          wrong={fast() ? (save.error instanceof Refused ? save.error.field("legs_per_second") : null) : "A whole number from 2 to 200."}
          onChange={(event) => setDraft({ ...draft, legs_per_second: event.target.value })}
        />
      </div>
      <Segments
        label="May be called"
        value={draft.allowed === null ? "home" : "these"}
        options={[
          ["home", home ? `${countryName(home)} only` : "Our own country only"],
          ["these", "Only these"],
        ]}
        onChoose={(chosen) => setDraft({ ...draft, allowed: chosen === "home" ? null : (limits.allowed ?? (home ? [home] : [])) })}
      />
      {draft.allowed !== null && (
        <Places places={draft.allowed} wrong={wrong("allowed")} onChange={(allowed) => setDraft({ ...draft, allowed })} />
      )}
      <p className="text-small text-soft">Premium-rate numbers are never called. What is set holds from the next call on.</p>
      {save.error && !(save.error instanceof Refused && save.error.problem.errors?.length) && <Trouble error={save.error} />}
      <div className="flex min-h-10 items-center gap-2">
        <Button type="submit" look="main" disabled={!changed} busy={save.isPending}>
          Set the limits
        </Button>
        {changed && (
          <Button look="bare" onClick={() => setDraft(draftOf(limits))}>
            Undo the changes
          </Button>
        )}
        <span role="status" className="text-soft">
          {save.isSuccess && !changed && "They are in force."}
        </span>
      </div>
    </form>
  );
}

/** Countries and prefixes, as people name them. */
function Places({
  places,
  wrong,
  onChange,
}: {
  places: readonly string[];
  wrong: string | null;
  onChange: (places: readonly string[]) => void;
}) {
  const [typed, setTyped] = useState("");
  const [strange, setStrange] = useState(false);
  const add = () => {
    const place = typedPlace(typed);
    setStrange(place === null && typed.trim() !== "");
    if (place === null) return;
    if (!places.includes(place)) onChange([...places, place]);
    setTyped("");
  };
  return (
    <div className="w-full">
      <Field
        label="A country or the beginning of numbers"
        hint="As Germany, DE or +4930."
        wrong={wrong ?? (strange ? "This is no country, and no beginning of a number such as +4930." : null)}
      >
        {(named) => (
          <div className="flex gap-2">
            <input
              {...named}
              value={typed}
              maxLength={60}
              autoComplete="off"
              onChange={(event) => setTyped(event.target.value)}
              onKeyDown={(event: KeyboardEvent) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                add();
              }}
              className={`${inputClass} max-w-72`}
            />
            <Button disabled={typed.trim() === ""} onClick={add}>
              Allow it
            </Button>
          </div>
        )}
      </Field>
      {places.length === 0 ? (
        <p className="pt-2 text-look">Nothing may be called.</p>
      ) : (
        <ul className="flex flex-wrap gap-x-2 gap-y-1 pt-2">
          {places.map((place) => (
            <li key={place} className="flex items-center rounded border border-line ps-2.5">
              {place.startsWith("+") ? (
                <span dir="ltr" className="tabular">
                  {place}…
                </span>
              ) : (
                countryName(place)
              )}
              <Button
                look="bare"
                className="px-2!"
                aria-label={`Remove ${place.startsWith("+") ? place : countryName(place)}`}
                onClick={() => onChange(places.filter((one) => one !== place))}
              >
                <span aria-hidden="true">×</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
