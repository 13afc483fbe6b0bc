import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useRef, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { type AgentSettings, Call, type EmulatedNumber, type PlaceCall } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, inputClass, TextField } from "../look/Field.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { phoneNumber, typedNumber } from "../words/phone-number.ts";
import { NumberField } from "./NumberField.tsx";
import { namedIn, textsFrom, variablesFrom } from "./variables.ts";

/** Place a call: whom, by which agent, and what the agent should know. All of it begins as it was in an `earlier` call. */
export function PlaceCallSheet({ to, earlier, onClose }: { to: string; earlier: Call | null; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useId();
  const session = useQuery(queries.session());
  const agents = useQuery(queries.agents());
  const emulated = useQuery({ ...queries.emulatedNumbers(), enabled: session.data?.emulated === true });
  const [number, setNumber] = useState(() => typedNumber(to));
  const [wished, setWished] = useState(earlier?.agent?.id ?? "");
  const [name, setName] = useState(earlier?.customer_name ?? "");
  const [values, setValues] = useState(() => textsFrom(earlier?.variables ?? {}));
  const [own, setOwn] = useState<{ key: number; name: string; value: string }[]>([]);
  // One key for one wish: pressing twice, or again after a lost answer, never rings twice. A changed wish gets a new one.
  const wish = useRef({ body: "", key: "" });

  const place = useMutation({
    mutationFn: (body: PlaceCall) => {
      const text = JSON.stringify(body);
      if (wish.current.body !== text) wish.current = { body: text, key: crypto.randomUUID() };
      return ask(Call, "/calls", { method: "POST", body, headers: { "idempotency-key": wish.current.key } });
    },
    onSuccess: (call) => {
      client.setQueryData(queries.call(call.id).queryKey, call);
      void client.invalidateQueries({ queryKey: ["calls"] });
      void navigate({ to: "/calls/$id", params: { id: call.id }, search: {} });
    },
  });

  // The default agent goes without a name, and one that was deleted since speaks no more.
  const agentId = agents.data && !agents.data.some((a) => a.id === wished && !a.is_default) ? "" : wished;
  const agent = agents.data?.find((a) => (agentId === "" ? a.is_default : a.id === agentId)) ?? agents.data?.[0];
  const named = agent ? namedIn(textsOf(agent.settings).join(" ")) : [];
  const asked = [...new Set([...named, ...Object.keys(earlier?.variables ?? {})])];
  const variables = variablesFrom([...asked.map((key) => ({ name: key, value: values[key] ?? "" })), ...own]);
  const wrong = (field: string) => (place.error instanceof Refused ? place.error.field(field) : null);
  const aboutField = ["to", "agent_id", "customer_name", "variables"].some((field) => wrong(field) !== null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (place.isPending) return;
    place.mutate({
      to: number.trim(),
      ...(agentId === "" ? {} : { agent_id: agentId }),
      ...(name.trim() === "" ? {} : { customer_name: name.trim() }),
      ...(Object.keys(variables).length === 0 ? {} : { variables }),
    });
  };

  return (
    <Sheet
      title="Place a call"
      shape="side"
      onClose={onClose}
      foot={
        <Button type="submit" form={form} look="main" className="grow" busy={place.isPending}>
          {place.isPending ? "Placing the call" : "Call"}
        </Button>
      }
    >
      <form id={form} onSubmit={submit} noValidate className="flex flex-col gap-5">
        <NumberField example="+1 202 555 0101" value={number} refused={place.error} onType={setNumber} />
        {session.data?.emulated === true && emulated.isPending && <div aria-hidden="true" className="bone h-[27.75rem] shrink-0" />}
        {emulated.data && emulated.data.length > 0 && (
          <EmulatedPeople people={emulated.data} chosen={number} onChoose={(e164) => setNumber(phoneNumber(e164))} />
        )}
        <Choice
          label="Agent"
          hint="Who speaks."
          wrong={wrong("agent_id")}
          value={agentId}
          onChange={(event) => setWished(event.target.value)}
        >
          <option value="">
            {agents.data ? `${agents.data.find((a) => a.is_default)?.settings.name ?? "The default agent"} (default)` : "The default agent"}
          </option>
          {agents.data
            ?.filter((a) => !a.is_default)
            .map((a) => (
              <option key={a.id} value={a.id}>
                {a.settings.name}
              </option>
            ))}
        </Choice>
        <TextField
          label="Customer's name"
          hint="Optional. It stands beside the call in the list."
          wrong={wrong("customer_name")}
          autoComplete="off"
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset className="flex flex-col gap-2">
          <legend className="pb-1 font-strong">What the agent knows</legend>
          {asked.map((key) => (
            <label key={key} className="grid grid-cols-[9rem_minmax(0,1fr)] items-center gap-2">
              <span className="truncate font-mono text-small">{key}</span>
              <input
                dir="auto"
                className={inputClass}
                value={values[key] ?? ""}
                onChange={(event) => setValues({ ...values, [key]: event.target.value })}
              />
            </label>
          ))}
          {own.map((row, i) => (
            <div key={row.key} className="grid grid-cols-[9rem_minmax(0,1fr)] gap-2">
              {(["name", "value"] as const).map((part) => (
                <input
                  key={part}
                  dir="auto"
                  aria-label={part === "name" ? "Variable" : `Value of ${row.name || "the variable"}`}
                  placeholder={part === "name" ? "order_id" : "4711"}
                  className={`${inputClass} ${part === "name" ? "font-mono text-small!" : ""}`}
                  value={row[part]}
                  onChange={(event) => setOwn(own.with(i, { ...row, [part]: event.target.value }))}
                />
              ))}
            </div>
          ))}
          {wrong("variables") ? (
            <p role="alert" className="text-small text-look">
              {wrong("variables")}
            </p>
          ) : (
            <p className="text-small text-soft">
              {named.length > 0 ? "This agent's prompt asks for these." : "Filled into the agent's prompt wherever it says {{name}}."}
            </p>
          )}
          <Button className="self-start" onClick={() => setOwn([...own, { key: own.length, name: "", value: "" }])}>
            Add a variable
          </Button>
        </fieldset>
        {place.error && !aboutField && <Trouble error={place.error} />}
      </form>
    </Sheet>
  );
}

/** Every text of an agent in which variables are filled. */
const textsOf = ({ prompt, greeting, line }: AgentSettings): string[] => [
  prompt,
  greeting ?? "",
  line?.notice ?? "",
  line?.voicemail_message ?? "",
];

/** The people of the emulated network, by their habits: nobody's real telephone rings. */
function EmulatedPeople({
  people,
  chosen,
  onChoose,
}: {
  people: readonly EmulatedNumber[];
  chosen: string;
  onChoose: (e164: string) => void;
}) {
  const digits = chosen.replace(/\D/g, "");
  return (
    <fieldset>
      <legend className="pb-1">
        <span className="font-strong">Or someone emulated</span> <span className="text-small text-soft">No real telephone rings.</span>
      </legend>
      <div className="max-h-[26rem] overflow-y-auto border-y border-line">
        {people.map((person) => (
          <label
            key={person.number}
            className="flex items-start gap-3 border-b border-line px-2 py-2 last:border-b-0 hover:bg-sunk has-checked:bg-sunk has-focus-visible:bg-sunk"
          >
            <input
              type="radio"
              name="emulated"
              checked={person.number.replace(/\D/g, "") === digits}
              onChange={() => onChoose(person.number)}
              className="mt-1 accent-ink"
            />
            <span className="grow">
              <span className="flex justify-between gap-3">
                <span className="font-strong first-letter:uppercase">{person.name}</span>
                <span dir="ltr" className="tabular shrink-0 text-soft">
                  {phoneNumber(person.number)}
                </span>
              </span>
              {!person.habit.startsWith(person.name) && (
                <span className="block text-small text-soft first-letter:uppercase">{person.habit}</span>
              )}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
