import { Choice, TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { Tick } from "../look/Tick.tsx";
import { interruptions } from "./draft.ts";
import type { AgentForm } from "./form.tsx";

/** How long it waits, and what it does about silence. */
export function PatiencePart({ form }: { form: AgentForm }) {
  const { draft, set, of, hint } = form;
  return (
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
        onTick={(nudges) => set({ nudges })}
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
        onTick={(says_goodbye) => set({ says_goodbye })}
      />
      {draft.says_goodbye && (
        <div className="grid w-full gap-4 ps-6.5 sm:grid-cols-[minmax(0,1fr)_7rem]">
          <TextField label="It says" maxLength={300} {...of("goodbye_text")} />
          <TextField label="After, seconds" inputMode="numeric" {...of("goodbye_after")} />
        </div>
      )}
    </Part>
  );
}
