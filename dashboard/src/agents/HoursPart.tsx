import { Part } from "../look/Part.tsx";
import type { AgentForm } from "./form.tsx";
import { Hours } from "./Hours.tsx";

/** When it takes calls. */
export function HoursPart({ form, self }: { form: AgentForm; self: string | null }) {
  const { draft, set } = form;
  return (
    <Part title="Opening hours">
      <Hours self={self} hours={draft.hours} wrong={hoursWrong(form)} onChange={(hours) => set({ hours })} />
    </Part>
  );
}

/** What the form and the server say of the opening hours, field by field. */
function hoursWrong({ wrong, refusal }: AgentForm) {
  const told = (field: string, path: string): Record<string, string> => {
    const said = wrong[`hours.${field}`] ?? refusal(path);
    return said === null ? {} : { [field]: said };
  };
  return {
    ...told("open", "line.hours.open"),
    ...told("time_zone", "line.hours.time_zone"),
    ...told("text", "line.hours.otherwise.text"),
    ...told("number", "line.hours.otherwise.number"),
    ...told("agent_id", "line.hours.otherwise.agent_id"),
  };
}
