import type { ReactNode } from "react";
import type { Recording } from "../ask/shapes.ts";
import { type RecordingGlyph, recordingStates } from "./states.ts";

/** Five shapes that can be told apart without colour: dashed ring, half disc, full disc, disc with a tick, struck ring. */
const drawn: Record<RecordingGlyph, ReactNode> = {
  expected: <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.4 2.1" />,
  announced: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M8 3.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" />
    </>
  ),
  stored: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <circle cx="8" cy="8" r="3.2" fill="currentColor" />
    </>
  ),
  verified: (
    <>
      <circle cx="8" cy="8" r="6.5" fill="currentColor" />
      <path d="m5 8.2 2.1 2.1L11 6.2" fill="none" stroke="var(--paper)" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
  missing: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="m4.5 11.5 7-7" stroke="currentColor" strokeWidth="1.5" />
    </>
  ),
  none: <path d="M5 8h6" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />,
};
const colours: Record<RecordingGlyph, string> = {
  expected: "text-faint",
  announced: "text-soft",
  stored: "text-soft",
  verified: "text-good",
  missing: "text-look",
  none: "text-faint",
};

/**
 * Is the recording safe: one glyph and its word. The reason, if there is one, on hover. While a call is not answered yet (`before`), a recording
 * that is not there is one that may still come.
 */
export function RecordingSign({
  recording,
  before = false,
  className = "",
}: {
  recording: Pick<Recording, "status" | "because">;
  before?: boolean;
  className?: string;
}) {
  const { word, glyph, line } = recordingStates[before && recording.status === "none" ? "expected" : recording.status];
  return (
    <span className={`inline-flex items-center gap-1.5 align-middle ${className}`} title={recording.because?.message ?? line}>
      <svg viewBox="0 0 16 16" aria-hidden="true" className={`size-4 shrink-0 ${colours[glyph]}`}>
        {drawn[glyph]}
      </svg>
      <span className={glyph === "missing" ? "text-look" : glyph === "none" || glyph === "expected" ? "text-faint" : "text-soft"}>
        {word}
      </span>
    </span>
  );
}
