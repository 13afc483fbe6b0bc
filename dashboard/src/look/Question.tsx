import type { ReactNode } from "react";
import { Button } from "./Button.tsx";
import { Sheet } from "./Sheet.tsx";
import { Trouble } from "./Trouble.tsx";

/** A deed that cannot simply be taken back, asked once more. `verb` does it, `keep` leaves all as it is and has the focus. */
export function Question({
  title,
  verb,
  keep,
  asked,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  keep: string;
  /** The deed itself, as useMutation has it. */
  asked: { mutate: () => void; isPending: boolean; error: unknown };
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Sheet
      title={title}
      shape="question"
      onClose={onClose}
      foot={
        <>
          <Button look="grave" busy={asked.isPending} onClick={() => asked.mutate()}>
            {verb}
          </Button>
          <Button data-first onClick={onClose}>
            {keep}
          </Button>
        </>
      }
    >
      {children}
      {asked.error ? <Trouble error={asked.error} className="mt-3" /> : null}
    </Sheet>
  );
}
