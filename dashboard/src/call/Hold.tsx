import { type FormEvent, useState } from "react";
import type { Call } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Question } from "../look/Question.tsx";
import { Sheet } from "../look/Sheet.tsx";
import { useDeed, Why } from "./deed.tsx";

/** Puts a call on hold, or lifts the hold. */
export function Hold({ call, held }: { call: Call; held: boolean }) {
  const [open, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    deed.reset();
  };
  const deed = useDeed(call.id, () => setOpen(false));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!deed.isPending) deed.mutate({ path: "hold", method: "PUT", body: Object.fromEntries(new FormData(event.currentTarget)) });
  };
  return (
    <>
      <Button className="mt-2" onClick={() => setOpen(true)}>
        {held ? "Lift the hold" : "Put on hold"}
      </Button>
      {open && held && (
        <Question
          title="Lift the hold?"
          verb="Lift it"
          keep="Keep it held"
          asked={{ ...deed, mutate: () => deed.mutate({ path: "hold", method: "DELETE" }) }}
          onClose={close}
        >
          <p>Deletions that waited for it go on at once, and the rules of keeping hold for this call again.</p>
        </Question>
      )}
      {open && !held && (
        <Sheet
          title="Put this call on hold"
          shape="question"
          onClose={close}
          foot={
            <>
              <Button type="submit" form="hold" look="main" busy={deed.isPending}>
                Put on hold
              </Button>
              <Button onClick={close}>Leave it</Button>
            </>
          }
        >
          <form id="hold" onSubmit={submit} className="flex flex-col gap-3">
            <p>While it is on hold nothing of it is deleted or redacted, whatever a rule or a person says.</p>
            <Why name="why" label="Why" error={deed.error} />
          </form>
        </Sheet>
      )}
    </>
  );
}
