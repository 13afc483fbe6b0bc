import { useState } from "react";
import { type Playback, useAt, usePlaybackState, useSpeed } from "../call/playback.ts";
import { speedStep, speeds } from "../keys/table.ts";
import { Button, buttonClass } from "../look/Button.tsx";
import { clock, spokenDuration } from "../words/time.ts";

type Steps = { next: () => void; previous: () => void };

/** Under the score; on a phone at the thumb. Everything here has a key too. */
export function Controls({
  playback,
  steps,
  lengthMs,
  download,
}: {
  playback: Playback;
  steps: Steps;
  lengthMs: number;
  download: string | null;
}) {
  const state = usePlaybackState(playback);
  const speed = useSpeed(playback);
  const playable = state !== "none";
  return (
    <div className="flex items-center gap-1 sm:gap-2">
      <Button
        look="main"
        disabled={!playable}
        aria-label={state === "playing" || state === "waiting" ? "Pause" : "Play"}
        aria-busy={state === "waiting"}
        className="size-10! shrink-0 rounded-full! p-0!"
        onClick={playback.toggle}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true" className={`size-4 fill-current ${state === "waiting" ? "animate-wait" : ""}`}>
          {state === "playing" || state === "waiting" ? <path d="M3.5 2h3v12h-3zM9.5 2h3v12h-3z" /> : <path d="M4 1.5v13l10.5-6.5z" />}
        </svg>
      </Button>
      <Position playback={playback} lengthMs={lengthMs} />
      <Button
        look="bare"
        disabled={!playable}
        className="max-sm:hidden"
        onClick={() => playback.seek(Math.max(0, playback.nowMs() - 5000))}
      >
        −5 s
      </Button>
      <Button look="bare" disabled={!playable} className="max-sm:hidden" onClick={() => playback.seek(playback.nowMs() + 5000)}>
        +5 s
      </Button>
      <Button look="bare" disabled={!playable} className="max-sm:px-2.5" aria-label="Previous sentence" onClick={steps.previous}>
        <span className="max-md:hidden">Previous</span>
        <span aria-hidden="true" className="md:hidden rtl:-scale-x-100">
          ⏮
        </span>
      </Button>
      <Button look="bare" disabled={!playable} className="max-sm:px-2.5" aria-label="Next sentence" onClick={steps.next}>
        <span className="max-md:hidden">Next</span>
        <span aria-hidden="true" className="md:hidden rtl:-scale-x-100">
          ⏭
        </span>
      </Button>
      <div className="ms-auto flex items-center sm:gap-2">
        <Button
          look="bare"
          disabled={!playable}
          className="max-md:hidden"
          aria-label="Slower"
          onClick={() => playback.setSpeed(speedStep(speed, -1))}
        >
          −
        </Button>
        <select
          aria-label="Speed"
          disabled={!playable}
          value={speed}
          onChange={(event) => playback.setSpeed(Number(event.target.value))}
          className="press tabular rounded border border-transparent bg-transparent px-1 text-soft hover:border-line disabled:opacity-55"
        >
          {speeds.map((s) => (
            <option key={s} value={s}>
              {s}×
            </option>
          ))}
        </select>
        <Button
          look="bare"
          disabled={!playable}
          className="max-md:hidden"
          aria-label="Faster"
          onClick={() => playback.setSpeed(speedStep(speed, 1))}
        >
          +
        </Button>
        <CopyLink playback={playback} />
        {download !== null && (
          <a href={download} download className={`${buttonClass("bare")} max-md:hidden`}>
            Download
          </a>
        )}
      </div>
    </div>
  );
}

function Position({ playback, lengthMs }: { playback: Playback; lengthMs: number }) {
  const seconds = useAt(playback, (ms) => Math.floor(Math.max(0, ms) / 1000));
  return (
    <p className="tabular px-1 whitespace-nowrap" title={`${spokenDuration(seconds * 1000)} of ${spokenDuration(lengthMs)}`}>
      <span className="inline-block min-w-[2.2em] text-end font-strong">{clock(seconds * 1000)}</span>
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
    <Button look="bare" className="max-lg:hidden" onClick={() => void copy()}>
      <span className="grid">
        <span className={`col-start-1 row-start-1 ${copied ? "invisible" : ""}`}>Copy link here</span>
        <span role="status" className="col-start-1 row-start-1">
          {copied ? "Copied" : ""}
        </span>
      </span>
    </Button>
  );
}
