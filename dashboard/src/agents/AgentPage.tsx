import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { ask } from "../ask/ask.ts";
import { isUnknown, Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { Agent, type AgentNote } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, TextArea, TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { Tick } from "../look/Tick.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";
import {
  consents,
  type Draft,
  draftOf,
  emptyDraft,
  interruptions,
  settingsOf,
  type TextFields,
  voicemailRules,
  type Wrong,
} from "./draft.ts";
import { titles } from "./engines.ts";
import { Hours } from "./Hours.tsx";
import { Standing, Versions } from "./Standing.tsx";
import { Tools } from "./Tools.tsx";
import { placeOf } from "./tools.ts";

export function AgentPage(): ReactNode {
  const { id } = useParams({ from: "/inside/agents/$id" });
  const { version } = useSearch({ from: "/inside/agents/$id" });
  const isNew = id === "new";
  const agent = useQuery({ ...queries.agent(id), enabled: !isNew });
  const past = version !== undefined && agent.data !== undefined && version !== agent.data.version;
  const older = useQuery({ ...queries.agentVersion(id, version ?? 1), enabled: past });

  const failed = agent.error ?? older.error;
  return (
    <main className="px-4 pt-3 pb-24 sm:px-6">
      <Link to="/agents" className="reach inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
        <span aria-hidden="true" className="rtl:-scale-x-100">
          ←
        </span>
        Agents
      </Link>
      {isNew ? (
        <Editor key="new" agent={null} shown={emptyDraft} past={false} />
      ) : failed && !(agent.data && !past) ? (
        isUnknown(failed) ? (
          <p className="pt-6 text-soft">There is no such agent, or no such version of it.</p>
        ) : (
          <Trouble error={failed} onRetry={() => void agent.refetch()} className="mt-4" />
        )
      ) : agent.data && (!past || older.data) ? (
        <Editor
          key={`${id} ${past ? version : agent.data.version}`}
          agent={agent.data}
          shown={draftOf(past && older.data ? older.data : agent.data.settings)}
          past={past}
          version={past ? version : agent.data.version}
        />
      ) : (
        <div aria-busy="true" className="max-w-2xl">
          <div className="bone mt-1 h-7 w-48" />
          <div className="bone mt-8 h-8 w-full" />
          <div className="bone mt-8 h-48 w-full" />
        </div>
      )}
    </main>
  );
}

function Editor({ agent, shown, past, version }: { agent: Agent | null; shown: Draft; past: boolean; version?: number }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const mayChange = useMay("agents.change");
  useTitle(agent?.settings.name ?? "New agent");
  const [draft, setDraft] = useState(shown);
  const [wrong, setWrong] = useState<Wrong>({});
  const [attempts, setAttempts] = useState(0);
  const [optionsOpen, setOptionsOpen] = useState(shown.options !== "{}");
  const form = useRef<HTMLFormElement>(null);
  const changed = JSON.stringify(draft) !== JSON.stringify(shown);

  const keep = (saved: Agent) => {
    client.setQueryData(queries.agent(saved.id).queryKey, saved);
    void client.invalidateQueries({ queryKey: ["agents"], exact: true });
  };
  const save = useMutation({
    mutationFn: (body: unknown) =>
      agent === null
        ? ask(Agent, "/agents", { method: "POST", body })
        : ask(Agent, `/agents/${agent.id}`, { method: "PUT", body, headers: { "if-match": `"${agent.version}"` } }),
    onSuccess: (saved) => {
      keep(saved);
      void navigate({ to: "/agents/$id", params: { id: saved.id }, search: {}, replace: true });
    },
  });
  // The first field that is wrong is where a person goes on.
  useEffect(() => {
    if (attempts > 0 || save.isError) form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [attempts, save.isError]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending) return;
    const read = settingsOf(draft, agent?.settings ?? null);
    setWrong("wrong" in read ? read.wrong : {});
    setAttempts(attempts + 1);
    if ("settings" in read) save.mutate(read.settings);
  };
  const refused = save.error instanceof Refused ? save.error : null;
  const of = (name: TextFields) => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value }),
    wrong: wrong[name] ?? refused?.field(paths[name] ?? name) ?? null,
  });
  const known = useQuery(queries.engines());
  const engine = known.data?.find(({ name }) => name === draft.engine);
  // What holds for every agent of this engine, and what was found when this one was saved.
  const notes = [...(agent && agent.settings.engine === draft.engine && !past ? agent.notes : []), ...(engine?.notes ?? [])];
  const hint = (field: string, words?: string) => <Hint words={words} notes={notes.filter((note) => isAt(note.field, field))} />;

  return (
    <form ref={form} onSubmit={submit} noValidate className="max-w-4xl [&_:is(input,textarea,select)]:scroll-mb-24">
      <div className="flex flex-wrap items-baseline gap-x-4">
        <h1 className="text-title font-strong">
          <bdi>{agent?.settings.name ?? "New agent"}</bdi>
        </h1>
        {agent && <Versions agent={agent} shown={version ?? agent.version} />}
      </div>
      {past && agent ? (
        <p className="text-soft">
          Version {version}, as calls ran with it. Version {agent.version} is in service.{" "}
          <Link to="/agents/$id" params={{ id: agent.id }} className="underline underline-offset-2 hover:text-ink">
            Go to it
          </Link>
        </p>
      ) : (
        <p className="text-soft">
          {agent?.is_default
            ? "The default: it takes every call no other agent claims."
            : "What you change is heard from the next call on."}
        </p>
      )}
      <fieldset disabled={past || !mayChange} className="min-w-0">
        <Part title="Who it is">
          <div className="grid w-full gap-5 sm:grid-cols-2">
            <TextField label="Name" required maxLength={100} {...of("name")} />
            <Choice
              label="Engine"
              hint={
                engine && !engine.configured ? (
                  <span className="text-look">This server has no credentials for it: it needs {engine.needs.join(", ")}.</span>
                ) : (
                  hint("engine", `The AI that listens and speaks.${engine ? ` It measures ${feltBy[engine.emotions]}.` : ""}`)
                )
              }
              {...of("engine")}
            >
              {titles(known.data, draft.engine).map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </Choice>
            <TextField label="Language" hint="A tag as en or ur." maxLength={35} {...of("language")} />
            <TextField
              label="Voice"
              hint={hint("voice", "By the engine's name for it; empty for its own.")}
              maxLength={200}
              {...of("voice")}
            />
          </div>
        </Part>
        <Part title="What it says">
          <TextArea
            className="w-full"
            label="Greeting"
            rows={2}
            maxLength={1000}
            hint={hint("greeting", "Spoken once, first, at once. Left empty, the agent waits for the other party.")}
            {...of("greeting")}
          />
          <TextArea
            className="w-full"
            label="What the agent is told"
            rows={8}
            maxLength={20_000}
            hint={hint(
              "prompt",
              "{{name}} is replaced by the call's variable, {{name|words}} says what stands there without one. Asked whether it is a machine, the agent says so: that cannot be switched off.",
            )}
            {...of("prompt")}
          />
        </Part>
        <Part title="Patience" about="How long it waits, and what it does about silence.">
          <div className="grid w-full gap-5 sm:grid-cols-2">
            <TextField
              label="Silence that ends the caller's turn, ms"
              inputMode="numeric"
              placeholder="as the engine has it"
              hint={hint("patience.end_of_turn_ms")}
              {...of("end_of_turn_ms")}
            />
            <Choice label="The caller can break in" hint={hint("interruption")} {...of("interruption")}>
              {Object.entries(interruptions).map(([name, said]) => (
                <option key={name} value={name}>
                  {said}
                </option>
              ))}
            </Choice>
          </div>
          <Tick
            label="Ask whether they are still there"
            hint={hint("patience.nudge")}
            checked={draft.nudges}
            onTick={(nudges) => setDraft({ ...draft, nudges })}
          />
          {draft.nudges && (
            <div className="grid w-full gap-4 ps-6.5 sm:grid-cols-[minmax(0,1fr)_7rem_7rem]">
              <TextField label="It says" maxLength={300} {...of("nudge_text")} />
              <TextField label="After, seconds" inputMode="numeric" {...of("nudge_after")} />
              <TextField label="At most, times" inputMode="numeric" {...of("nudge_times")} />
            </div>
          )}
          <Tick
            label="Say goodbye and hang up when it stays silent"
            hint={hint("patience.goodbye")}
            checked={draft.says_goodbye}
            onTick={(says_goodbye) => setDraft({ ...draft, says_goodbye })}
          />
          {draft.says_goodbye && (
            <div className="grid w-full gap-4 ps-6.5 sm:grid-cols-[minmax(0,1fr)_7rem]">
              <TextField label="It says" maxLength={300} {...of("goodbye_text")} />
              <TextField label="After, seconds" inputMode="numeric" {...of("goodbye_after")} />
            </div>
          )}
        </Part>
        <Part title="What it can do" about={hint("tools", "Beside talking. Each use is on the call's timeline, with its answer.")}>
          <Tools
            tools={draft.tools}
            wrong={(i, field) => wrong[`http.${i}.${field}`] ?? refused?.field(`tools.${placeOf(draft.tools, i)}.${field}`) ?? null}
            onChange={(tools) => setDraft({ ...draft, tools })}
            person={
              <TextField
                label="The person's number"
                type="tel"
                dir="ltr"
                maxLength={40}
                className="max-w-sm"
                hint={hint("transfer_number", "With country code; the calling limits hold for it.")}
                {...of("transfer_number")}
              />
            }
          />
        </Part>
        <Part title="On the line">
          <TextArea
            className="w-full"
            label="Numbers it answers"
            rows={2}
            dir="ltr"
            hint="One a line, with country code. A call to another number goes to the default agent."
            {...of("numbers")}
          />
          <TextField label="Longest call, minutes" type="number" min={1} max={120} step={1} className="w-40" {...of("max_minutes")} />
          <Choice label="When a machine answers, it" className="w-full max-w-sm" {...of("voicemail")}>
            {Object.entries(voicemailRules).map(([rule, said]) => (
              <option key={rule} value={rule}>
                {said}
              </option>
            ))}
          </Choice>
          {draft.voicemail === "leave_message" && (
            <TextArea
              className="w-full"
              label="The message"
              rows={2}
              maxLength={1500}
              hint="Spoken by the carrier after the beep. {{name}} is filled in. A person who answers may wait up to five seconds for the agent."
              {...of("voicemail_message")}
            />
          )}
        </Part>
        <Part title="Opening hours">
          <Hours
            self={agent?.id ?? null}
            hours={draft.hours}
            wrong={hoursWrong(wrong, save.error)}
            onChange={(hours) => setDraft({ ...draft, hours })}
          />
        </Part>
        <Part title="Recording">
          <Tick
            label="Record its calls"
            hint="From the answer on, each voice on its own channel."
            checked={draft.record}
            onTick={(record) => setDraft({ ...draft, record })}
          />
          {draft.record && (
            <fieldset className="min-w-0 ps-6.5">
              <legend className="sr-only">Which recordings</legend>
              <div className="flex flex-col gap-2">
                {(Object.keys(sources) as (keyof typeof sources)[]).map((source) => (
                  <Tick
                    key={source}
                    label={<span className="font-plain">{sources[source][0]}</span>}
                    hint={sources[source][1]}
                    checked={draft.sources.includes(source)}
                    onTick={(on) =>
                      setDraft({
                        ...draft,
                        sources: (Object.keys(sources) as (keyof typeof sources)[]).filter((one) =>
                          one === source ? on : draft.sources.includes(one),
                        ),
                      })
                    }
                  />
                ))}
              </div>
              {(wrong.sources ?? refused?.field("recording.sources")) && (
                <p role="alert" className="pt-1 text-small text-look">
                  {wrong.sources ?? refused?.field("recording.sources")}
                </p>
              )}
            </fieldset>
          )}
          {draft.record && (
            <Choice label="With whose consent" className="w-full max-w-sm" hint={hint("recording.consent")} {...of("consent")}>
              {Object.entries(consents).map(([name, said]) => (
                <option key={name} value={name}>
                  {said}
                </option>
              ))}
            </Choice>
          )}
          <TextArea
            className="w-full"
            label="Notice before the agent"
            rows={2}
            maxLength={1500}
            hint={
              draft.record && draft.consent !== "none"
                ? "Spoken by the carrier. Left empty, words of ours say that the call is recorded."
                : "Spoken by the carrier, as that the call is recorded. Left empty, the agent speaks at once."
            }
            {...of("notice")}
          />
          {draft.notice.trim() !== "" && (
            <Tick
              label="The notice is part of the recording"
              hint="So that it can be shown that it was given."
              checked={draft.notice_recorded}
              onTick={(notice_recorded) => setDraft({ ...draft, notice_recorded })}
            />
          )}
        </Part>
        <Part title="The engine's own settings">
          <details
            className="w-full"
            open={optionsOpen || of("options").wrong !== null}
            onToggle={(event) => setOptionsOpen(event.currentTarget.open)}
          >
            <summary className="text-soft hover:text-ink">What only this engine knows</summary>
            <TextArea
              className="pt-3"
              label="JSON, passed through untouched"
              hint={hint("options")}
              rows={4}
              mono
              dir="ltr"
              spellCheck={false}
              {...of("options")}
            />
          </details>
        </Part>
      </fieldset>
      {save.error && <Trouble error={save.error} className="mt-5" />}
      {!past && mayChange && (
        <div className="sticky bottom-0 mt-5 flex flex-wrap items-center gap-2 border-t border-line bg-paper py-3">
          <Button type="submit" look="main" disabled={!changed} busy={save.isPending}>
            {agent === null ? "Make this agent" : `Save as version ${agent.version + 1}`}
          </Button>
          {changed && agent !== null && (
            <Button look="bare" onClick={() => setDraft(shown)}>
              Undo the changes
            </Button>
          )}
          {agent && <Standing agent={agent} keep={keep} />}
        </div>
      )}
      {!mayChange && <p className="pt-5 text-soft">Your account may look at agents, not change them.</p>}
    </form>
  );
}

/** Where the server looks for a field of the form, where it is not by its own name. */
const paths: Partial<Record<TextFields, string>> = {
  voicemail: "line.voicemail",
  voicemail_message: "line.voicemail_message",
  notice: "line.notice",
  consent: "recording.consent",
  end_of_turn_ms: "patience.end_of_turn_ms",
  nudge_after: "patience.nudge.after_s",
  nudge_text: "patience.nudge.text",
  nudge_times: "patience.nudge.times",
  goodbye_after: "patience.goodbye.after_s",
  goodbye_text: "patience.goodbye.text",
};

const feltBy = { none: "no feelings", caller: "the caller's feelings", both: "both voices' feelings" } as const;

const sources = {
  carrier: ["The carrier's", "The phone network's own file."],
  journal: ["Ours", "Made from both audio streams; it covers what the carrier may lack."],
  engine: ["The engine's", "What the engine kept of it, where it keeps any."],
} as const;

const isAt = (place: string, field: string): boolean => place === field || place.startsWith(`${field}.`);

/** What a field is for, and what the engine does not do about it. */
const Hint = ({ words, notes }: { words: string | undefined; notes: readonly AgentNote[] }) => (
  <>
    {words}
    {[...new Set(notes.map(({ message }) => message))].map((message) => (
      <span key={message} className="block text-ink">
        {message}
      </span>
    ))}
  </>
);

/** What the form and the server say of the opening hours, field by field. */
function hoursWrong(wrong: Wrong, refused: unknown) {
  const told = (field: string, path: string): Record<string, string> => {
    const said = wrong[`hours.${field}`] ?? (refused instanceof Refused ? refused.field(path) : null);
    return said === null || said === undefined ? {} : { [field]: said };
  };
  return {
    ...told("open", "line.hours.open"),
    ...told("time_zone", "line.hours.time_zone"),
    ...told("text", "line.hours.otherwise.text"),
    ...told("number", "line.hours.otherwise.number"),
    ...told("agent_id", "line.hours.otherwise.agent_id"),
  };
}
