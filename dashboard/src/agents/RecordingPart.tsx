import { Choice, TextArea } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { Tick } from "../look/Tick.tsx";
import { consents } from "./draft.ts";
import type { AgentForm } from "./form.tsx";

const sources = {
  carrier: ["The carrier's", "The phone network's own file."],
  journal: ["Ours", "Made from both audio streams; it covers what the carrier may lack."],
  engine: ["The engine's", "What the engine kept of it, where it keeps any."],
} as const;
const sourceNames = Object.keys(sources) as (keyof typeof sources)[];

/** Whether its calls are recorded, by whom, and what the caller is told. */
export function RecordingPart({ form }: { form: AgentForm }) {
  const { draft, set, of, wrong, refusal, hint } = form;
  return (
    <Part title="Recording">
      <Tick
        label="Record its calls"
        hint="From the answer on, each voice on its own channel."
        checked={draft.record}
        onTick={(record) => set({ record })}
      />
      {draft.record && (
        <fieldset className="min-w-0 ps-6.5">
          <legend className="sr-only">Which recordings</legend>
          <div className="flex flex-col gap-2">
            {sourceNames.map((source) => (
              <Tick
                key={source}
                label={<span className="font-plain">{sources[source][0]}</span>}
                hint={sources[source][1]}
                checked={draft.sources.includes(source)}
                onTick={(on) => set({ sources: sourceNames.filter((one) => (one === source ? on : draft.sources.includes(one))) })}
              />
            ))}
          </div>
          {(wrong.sources ?? refusal("recording.sources")) && (
            <p role="alert" className="pt-1 text-small text-look">
              {wrong.sources ?? refusal("recording.sources")}
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
          onTick={(notice_recorded) => set({ notice_recorded })}
        />
      )}
    </Part>
  );
}
