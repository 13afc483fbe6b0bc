import type { ReactNode } from "react";
import { Part } from "../look/Part.tsx";
import { useMay } from "../session/use-may.ts";
import { KeepRules } from "./KeepRules.tsx";
import { Queues, WaitingList } from "./Work.tsx";

/** What is done with recordings in the background, and how long what is kept. */
export function RecordingsPage(): ReactNode {
  const mayMend = useMay("recordings.mend");
  return (
    <>
      {mayMend && (
        <Part title="What waits" about="Why a recording is not there yet, the oldest first.">
          <WaitingList />
        </Part>
      )}
      {mayMend && (
        <Part title="Work in the background">
          <Queues />
        </Part>
      )}
      <Part
        title="How long it is kept"
        about="Counted from the end of a call. A call on hold is kept whole, whatever stands here; each deletion leaves a signed receipt."
      >
        <KeepRules />
      </Part>
    </>
  );
}
