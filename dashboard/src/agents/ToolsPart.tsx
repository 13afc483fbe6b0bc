import { TextField } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import type { AgentForm } from "./form.tsx";
import { Tools } from "./Tools.tsx";
import { placeOf } from "./tools.ts";

/** What it can do beside talking. */
export function ToolsPart({ form }: { form: AgentForm }) {
  const { draft, set, of, wrong, refusal, hint } = form;
  return (
    <Part title="What it can do" about={hint("tools", "Beside talking. Each use is on the call's timeline, with its answer.")}>
      <Tools
        tools={draft.tools}
        wrong={(i, field) => wrong[`http.${i}.${field}`] ?? refusal(`tools.${placeOf(draft.tools, i)}.${field}`) ?? null}
        onChange={(tools) => set({ tools })}
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
  );
}
