import { type ReactNode, useState } from "react";
import { httpMethods } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, TextArea, TextField } from "../look/Field.tsx";
import { Tick } from "../look/Tick.tsx";
import { argumentsSaid, type HttpDraft, newHttp, type SecretDraft, type ToolsDraft } from "./tools.ts";

/** What the agent can do in a call beside talking: what is ours by a tick, and addresses it may ask. `wrong` by place in the list and field. */
export function Tools({
  tools,
  wrong,
  onChange,
  person,
}: {
  tools: ToolsDraft;
  wrong: (http: number, field: string) => string | null;
  onChange: (tools: ToolsDraft) => void;
  /** The fields of the person callers are handed to. */
  person: ReactNode;
}): ReactNode {
  const put = (i: number, fields: Partial<HttpDraft>) =>
    onChange({ ...tools, http: tools.http.map((one, j) => (j === i ? { ...one, ...fields } : one)) });
  return (
    <>
      <Tick
        label="Hang up"
        hint="Once its goodbye has been heard."
        checked={tools.hang_up}
        onTick={(hang_up) => onChange({ ...tools, hang_up })}
      />
      <Tick
        label="Hand the caller to a person"
        hint="Once it has finished its sentence. The recording goes on."
        checked={tools.transfer}
        onTick={(transfer) => onChange({ ...tools, transfer })}
      />
      {tools.transfer && (
        <div className="flex w-full flex-col gap-4 ps-6.5">
          {person}
          <TextArea
            label="What the person hears first"
            rows={2}
            maxLength={1500}
            hint="{{reason}} is what the agent gives as the reason. Left empty, they are connected at once."
            value={tools.announcement}
            onChange={(event) => onChange({ ...tools, announcement: event.target.value })}
          />
        </div>
      )}
      <Tick
        label="Press keys"
        hint="For menus of the party on the phone."
        checked={tools.send_dtmf}
        onTick={(send_dtmf) => onChange({ ...tools, send_dtmf })}
      />
      {tools.http.map((http, i) => (
        <Http
          key={http.key}
          http={http}
          wrong={(field) => wrong(i, field)}
          onChange={(fields) => put(i, fields)}
          onRemove={() => onChange({ ...tools, http: tools.http.filter((_, j) => j !== i) })}
        />
      ))}
      <Button onClick={() => onChange({ ...tools, http: [...tools.http, newHttp(`new ${Date.now()}`)] })}>Let it ask an address</Button>
    </>
  );
}

const fields = ["name", "description", "url", "method", "parameters", "headers", "secrets", "secret_headers", "timeout_s", "timeout_ms"];

/** One address it may ask: folded to its name once it is known. */
function Http({
  http,
  wrong,
  onChange,
  onRemove,
}: {
  http: HttpDraft;
  wrong: (field: string) => string | null;
  onChange: (fields: Partial<HttpDraft>) => void;
  onRemove: () => void;
}) {
  const [open, setOpen] = useState(http.name === "");
  const troubled = fields.some((field) => wrong(field) !== null);
  const said = argumentsSaid(http.parameters);
  const of = (name: "name" | "description" | "url" | "parameters" | "headers" | "timeout_s") => ({
    value: http[name],
    wrong: wrong(name) ?? (name === "timeout_s" ? wrong("timeout_ms") : null),
    onChange: (event: { target: { value: string } }) => onChange({ [name]: event.target.value }),
  });
  return (
    <details className="w-full border-t border-line pt-2" open={open || troubled} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="py-1 pointer-coarse:py-3">
        <span className="font-mono font-strong">{http.name === "" ? "A new one" : http.name}</span>
        <span className="text-soft"> {http.description.slice(0, 80)}</span>
        {troubled && <span className="text-look"> wants a look</span>}
      </summary>
      <div className="flex flex-col gap-4 pt-3">
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label="Name"
            dir="ltr"
            maxLength={64}
            autoComplete="off"
            hint="What the engine calls it by, as find_order."
            {...of("name")}
          />
          <TextField label="Longest wait, seconds" inputMode="decimal" {...of("timeout_s")} />
        </div>
        <TextArea label="What it does, and when to use it" rows={2} maxLength={1000} {...of("description")} />
        <div className="grid gap-4 sm:grid-cols-[8rem_minmax(0,1fr)]">
          <Choice label="Method" value={http.method} onChange={(event) => onChange({ method: event.target.value as HttpDraft["method"] })}>
            {httpMethods.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </Choice>
          <TextField
            label="Address"
            type="url"
            dir="ltr"
            maxLength={2000}
            autoComplete="off"
            placeholder="https://"
            hint={http.method === "GET" || http.method === "DELETE" ? "The arguments go in the query." : "The arguments go as a JSON body."}
            {...of("url")}
          />
        </div>
        <TextArea
          label="Its arguments, as JSON Schema"
          rows={6}
          mono
          dir="ltr"
          spellCheck={false}
          hint={said === null ? "An object with properties." : `The engine gives: ${said}.`}
          {...of("parameters")}
        />
        <TextArea
          label="Headers"
          rows={1}
          mono
          dir="ltr"
          spellCheck={false}
          hint="One a line, as Accept: application/json."
          {...of("headers")}
        />
        <Secrets secrets={http.secrets} wrong={wrong("secrets") ?? wrong("secret_headers")} onChange={(secrets) => onChange({ secrets })} />
        <div>
          <Button look="bare" className="-ms-3" onClick={onRemove}>
            Remove this tool
          </Button>
        </div>
      </div>
    </details>
  );
}

/** Headers that are written and never read again. */
function Secrets({
  secrets,
  wrong,
  onChange,
}: {
  secrets: readonly SecretDraft[];
  wrong: string | null;
  onChange: (secrets: readonly SecretDraft[]) => void;
}) {
  const put = (i: number, change: Partial<SecretDraft>) => onChange(secrets.map((one, j) => (j === i ? { ...one, ...change } : one)));
  return (
    <fieldset className="min-w-0">
      <legend className="font-strong">Secret headers</legend>
      <p className="text-small text-soft">Sealed when saved: they come out of no page, no API and no log again.</p>
      {secrets.map((one, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a secret is its place; its name is being typed
        <div key={i} className="grid items-end gap-2 pt-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
          <TextField
            label="Header"
            dir="ltr"
            autoComplete="off"
            maxLength={100}
            readOnly={one.secret !== null}
            value={one.name}
            placeholder="Authorization"
            onChange={(event) => put(i, { name: event.target.value })}
          />
          <TextField
            label="Value"
            type="password"
            dir="ltr"
            autoComplete="off"
            maxLength={4000}
            value={one.value}
            placeholder={one.secret === null ? "" : "Kept. Type to replace it."}
            onChange={(event) => put(i, { value: event.target.value })}
          />
          <Button look="bare" aria-label={`Remove the header ${one.name}`} onClick={() => onChange(secrets.filter((_, j) => j !== i))}>
            Remove
          </Button>
        </div>
      ))}
      {wrong && (
        <p role="alert" className="pt-1 text-small text-look">
          {wrong}
        </p>
      )}
      <Button className="mt-2" onClick={() => onChange([...secrets, { name: "", value: "", secret: null }])}>
        Add a secret header
      </Button>
    </fieldset>
  );
}
