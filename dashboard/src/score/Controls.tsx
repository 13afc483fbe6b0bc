import { useState } from "react";
import { type Playback, useAt, usePlaybackState, useSpeed } from "../call/playback.ts";
import { speeds } from "../keys/table.ts";
import { Button, buttonClass } from "../look/Button.tsx";
import { Select } from "../look/Select.tsx";
import { clock, spokenDuration } from "../words/time.ts";
import type { Zoom } from "./use-zoom.ts";

type Steps = { next: () => void; previous: () => void };

/** Under the score; on a phone at the thumb. Everything here has a key too. */
export function Controls({
  playback,
  steps,
  zoom,
  lengthMs,
  download,
}: {
  playback: Playback;
  steps: Steps;
  zoom: Zoom;
  lengthMs: number;
  download: string | null;
}) {
  const state = usePlaybackState(playback);
  const speed = useSpeed(playback);
  const running = state === "playing" || state === "waiting";
  return (
    <div className="flex items-center gap-0.5 sm:gap-1">
      <Button
        look="main"
        aria-label={running ? "Pause" : "Play"}
        title={`${running ? "Pause" : "Play"} (space)`}
        aria-busy={state === "waiting"}
        className="size-10! pointer-coarse:size-11! shrink-0 rounded-full! p-0!"
        onClick={playback.toggle}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true" className={`size-4 fill-current ${state === "waiting" ? "animate-wait" : ""}`}>
          {running ? <path d="M3.5 2h3v12h-3zM9.5 2h3v12h-3z" /> : <path d="M4 1.5v13L14.5 8z" />}
        </svg>
      </Button>
      <Position playback={playback} lengthMs={lengthMs} />
      {/* Time runs from left to right in the score above, in every language. */}
      <span dir="ltr" className="flex max-sm:hidden">
        <Button
          look="bare"
          className="tabular px-2!"
          title="Back 5 seconds (←)"
          onClick={() => playback.seek(Math.max(0, playback.nowMs() - 5000))}
        >
          −5 s
        </Button>
        <Button look="bare" className="tabular px-2!" title="Forward 5 seconds (→)" onClick={() => playback.seek(playback.nowMs() + 5000)}>
          +5 s
        </Button>
      </span>
      <Button look="bare" className="px-2.5!" aria-label="Previous sentence" title="Previous sentence (p)" onClick={steps.previous}>
        <Skip className="-scale-x-100 rtl:scale-x-100" />
      </Button>
      <Button look="bare" className="px-2.5!" aria-label="Next sentence" title="Next sentence (n)" onClick={steps.next}>
        <Skip className="rtl:-scale-x-100" />
      </Button>
      <div className="ms-auto flex items-center sm:gap-1">
        {!zoom.isWhole && (
          <Button look="bare" className="px-2! max-sm:hidden" title="See the whole call (0)" onClick={zoom.whole}>
            Whole call
          </Button>
        )}
        <Button
          look="bare"
          className="px-2! max-md:hidden"
          title="Look closer (+, or Ctrl and the wheel)"
          onClick={() => zoom.by(0.5, playback.nowMs())}
        >
          Closer
        </Button>
        <CopyLink playback={playback} />
        {download !== null && (
          <a href={download} download className={`${buttonClass("bare")} px-2! max-sm:hidden`}>
            Download
          </a>
        )}
        <Select
          aria-label="Speed"
          title="Slower [  faster ]"
          value={speed}
          onChange={(event) => playback.setSpeed(Number(event.target.value))}
          className="press tabular rounded border border-transparent bg-transparent ps-2 text-soft hover:bg-sunk hover:text-ink"
        >
          {speeds.map((s) => (
            <option key={s} value={s}>
              {s}×
            </option>
          ))}
        </Select>
      </div>
    </div>
  );
}

const Skip = ({ className }: { className: string }) => (
  <svg viewBox="0 0 16 16" aria-hidden="true" className={`size-3.5 fill-current ${className}`}>
    <path d="M3 2.5v11L10.5 8zM11 2.5h2v11h-2z" />
  </svg>
);

function Position({ playback, lengthMs }: { playback: Playback; lengthMs: number }) {
  const seconds = useAt(playback, (ms) => Math.floor(Math.max(0, ms) / 1000));
  return (
    <p dir="ltr" className="tabular px-1.5 whitespace-nowrap" title={`${spokenDuration(seconds * 1000)} of ${spokenDuration(lengthMs)}`}>
      <span className={`inline-block text-end font-strong ${lengthMs >= 3_600_000 ? "min-w-[3.8em]" : "min-w-[2.2em]"}`}>
        {clock(seconds * 1000)}
      </span>
      <span className="text-faint"> / {clock(lengthMs)}</span>
    </p>
  );
}

/** The address of this very moment. */
function CopyLink({ playback }: { playback: Playback }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const url = new URL(location.href);
    url.searchParams.set("t", (Math.max(0, playback.nowMs()) / 1000).toFixed(1));
    await navigator.clipboard.writeText(url.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <Button look="bare" className="px-2! max-md:hidden" title="Copy the address of this moment" onClick={() => void copy()}>
      <span className="grid">
        <span className={`col-start-1 row-start-1 ${copied ? "invisible" : ""}`}>Copy link</span>
        <span role="status" className="col-start-1 row-start-1">
          {copied ? "Copied" : ""}
        </span>
      </span>
    </Button>
  );
}
