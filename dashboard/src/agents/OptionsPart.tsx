import { useState } from "react";
import { TextArea } from "../look/Field.tsx";
import { Part } from "../look/Part.tsx";
import type { AgentForm } from "./form.tsx";

/** What only its engine knows. */
export function OptionsPart({ form, startsOpen }: { form: AgentForm; startsOpen: boolean }) {
  const { of, hint } = form;
  const [open, setOpen] = useState(startsOpen);
  return (
    <Part title="The engine's own settings">
      <details className="w-full" open={open || of("options").wrong !== null} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="text-soft hover:text-ink pointer-coarse:py-3">What only this engine knows</summary>
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
  );
}
