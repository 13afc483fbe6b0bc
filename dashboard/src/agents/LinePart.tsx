import { Choice, TextArea, TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import { voicemailRules } from "./draft.ts";
import type { AgentForm } from "./form.tsx";

/** Which numbers it answers, for how long, and what it does with a machine. */
export function LinePart({ form }: { form: AgentForm }) {
  const { draft, of } = form;
  return (
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
  );
}
