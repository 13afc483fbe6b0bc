import type { ReactNode } from "react";
import type { Call, Recording } from "../ask/shapes.ts";
import { Standing, Talk } from "../calls/CallRow.tsx";
import { recordingStates } from "../calls/states.ts";
import { Button } from "../look/Button.tsx";
import { HangUp } from "./HangUp.tsx";
import { InCall } from "./InCall.tsx";
import { type Playback, usePlaybackState } from "./playback.ts";

/** Under the score; where a thumb reaches it on a phone. */
export const Foot = ({ children }: { children: ReactNode }) => (
  <div className="max-lg:fixed max-lg:inset-x-0 max-lg:bottom-0 max-lg:z-30 max-lg:border-t max-lg:border-line max-lg:bg-paper max-lg:px-3 max-lg:pt-2 max-lg:pb-[max(0.5rem,env(safe-area-inset-bottom))] lg:py-1">
    {children}
  </div>
);

/** A call that runs: what it does, for how long, and the way to end it. */
export const Running = ({ call }: { call: Call }) => (
  <div className="flex min-h-10 flex-wrap items-center gap-x-3">
    <Standing call={call} />
    {call.started_at !== null && (
      <span className="font-strong">
        <Talk call={call} />
      </span>
    )}
    {call.status === "in_progress" && <span className="text-soft max-xl:hidden">The recording can be heard once the call has ended.</span>}
    <span className="ms-auto flex flex-wrap items-center justify-end gap-x-1">
      <InCall call={call} />
      <HangUp call={call} />
    </span>
  </div>
);

/** The browser could not play it: said where it was to be heard. */
export function Broken({ playback }: { playback: Playback }) {
  const state = usePlaybackState(playback);
  if (state !== "failed") return null;
  return (
    <p role="alert" className="flex items-center gap-3 py-1 text-look">
      The sound could not be fetched. It is kept; ask for it again.
      <Button onClick={playback.retry}>Try again</Button>
    </p>
  );
}

/**
 * Where the lanes would be: why there is nothing to draw. Neither the sound's shape came nor, with `words`, what was said, which would be drawn in
 * its place.
 */
export const Undrawn = ({ words, busy, onRetry }: { words: boolean; busy: boolean; onRetry: () => void }) => (
  <div
    role="status"
    className="pointer-events-none absolute inset-x-0 top-0 flex h-24 flex-wrap content-center items-center justify-center gap-x-3 gap-y-1 px-4 text-center sm:h-32"
  >
    <span className="bg-paper px-1 text-look">
      {words ? "Neither the drawing of the sound nor the words could be fetched." : "The drawing of the sound could not be fetched."}{" "}
      <span className="text-soft max-sm:hidden">The recording is kept and can be played.</span>
    </span>
    <Button className="pointer-events-auto" busy={busy} onClick={onRetry}>
      Draw it again
    </Button>
  </div>
);

/** Why there is nothing to hear, and what to do. */
export function NoSound({ recording }: { recording: Recording }) {
  const { because, status } = recording;
  return (
    <p className="flex min-h-12 flex-wrap items-center gap-x-1.5 py-1 text-soft">
      {because === null ? (
        recordingStates[status].line
      ) : (
        <>
          <span className="text-look">{because.message}</span>
          <span>{because.remedy}</span>
        </>
      )}
    </p>
  );
}
