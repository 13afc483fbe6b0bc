import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Redaction, Utterance } from "../ask/shapes.ts";
import { type Playback, useTick } from "../call/playback.ts";
import { spokenAt } from "../call/spoken.ts";
import { between, type Stretch } from "../call/stretch.ts";
import { clockTenths, shortSeconds, spokenDuration } from "../words/time.ts";
import { Axis, Feelings, Lanes, type Sound } from "./Drawing.tsx";
import { gaps, msOf, type View, xOf } from "./geometry.ts";
import type { Zoom } from "./use-zoom.ts";

export const voices = { caller: "Caller", agent: "Agent" } as const;
/**
 * The call as a score: the caller above the line, the agent mirrored below, their feelings under them, one time axis.
 * Without a sound (live, or not there) the sentences stand where they were said. `endMs` is the end of the call's time.
 */
export function Score({
  endMs,
  zoom,
  utterances,
  sound,
  playback,
  nowMs,
  redacted,
  choosing,
  onChoose,
}: {
  endMs: number;
  zoom: Zoom;
  /** Where a running call is now; null once it has ended. */
  nowMs: number | null;
  utterances: readonly Utterance[];
  sound: Sound;
  playback: Playback;
  /** Stretches that are a tone now. */
  redacted: readonly Redaction[];
  /** The stretch being chosen; while `onChoose` is there the pointer pulls it instead of moving the playhead. */
  choosing: Stretch | null;
  onChoose: ((stretch: Stretch) => void) | null;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const slider = useSpokenPosition(playback, utterances);
  const width = useWidth(frame);
  const { fromMs, toMs } = zoom.shown;
  const view = useMemo<View>(() => ({ fromMs, toMs: Math.max(fromMs + 1000, toMs), width }), [fromMs, toMs, width]);
  const [hoverMs, setHoverMs] = useState<number | null>(null);
  const playable = sound !== null;
  useWheel(slider, view, zoom);
  useTick(playback, (ms) => {
    // The page turns when the playhead leaves a stretch that is looked at closely; a jump elsewhere is followed too.
    if (!zoom.isWhole && playable && (ms < fromMs - 50 || ms > toMs)) zoom.to(ms - (toMs - fromMs) * 0.05);
  });

  const at = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(view.toMs, Math.max(view.fromMs, msOf(view, event.clientX - box.left)));
  };
  const pulled = useRef(0);
  const fingers = usePinch(slider, view, zoom);
  const press = (event: PointerEvent) => {
    if (!playable || event.button !== 0 || fingers.current > 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const ms = at(event);
    if (!onChoose) return playback.seek(ms);
    // Near an edge of what is chosen that edge is moved, elsewhere another stretch begins.
    const grip = ((view.toMs - view.fromMs) / Math.max(1, view.width)) * 12;
    const { fromMs: from, toMs: to } = choosing ?? { fromMs: -1, toMs: -1 };
    pulled.current = Math.abs(ms - from) <= grip ? to : Math.abs(ms - to) <= grip ? from : ms;
  };
  const move = (event: PointerEvent) => {
    setHoverMs(at(event));
    if (!playable || event.buttons !== 1 || fingers.current > 1) return;
    if (onChoose) onChoose(between(pulled.current, at(event), endMs));
    else playback.seek(at(event));
  };
  const keys = (event: KeyboardEvent) => {
    const to = { Home: 0, End: endMs - 1000 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    playback.seek(to);
  };

  return (
    // A time axis runs one way in every script: the score is left to right also in a page that is not.
    <div dir="ltr" ref={frame} className="relative select-none">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Position in the call"
        aria-valuemin={0}
        aria-valuemax={Math.round(endMs / 1000)}
        aria-valuenow={0}
        aria-disabled={!playable}
        ref={slider}
        onKeyDown={keys}
        onPointerMove={move}
        onPointerLeave={() => setHoverMs(null)}
        onPointerDown={press}
        className={`relative touch-pan-y outline-offset-4 ${onChoose ? "cursor-crosshair" : playable ? "cursor-text" : ""}`}
      >
        <div className={zoom.isWhole ? "" : "overflow-x-clip"}>
          <Lanes view={view} utterances={utterances} sound={sound} playback={playback} />
          <Feelings view={view} utterances={utterances} />
          <Axis view={view} />
        </div>
        {redacted.map((one) => (
          <Redacted key={one.id} view={view} redaction={one} />
        ))}
        {choosing && <Chosen view={view} stretch={choosing} />}
        {!zoom.isWhole && <Excerpt view={view} endMs={endMs} />}
        {playable && <Playhead view={view} playback={playback} isWhole={zoom.isWhole} />}
        {nowMs !== null && (
          <div
            aria-hidden="true"
            className="pointer-events-none absolute top-0 bottom-5 w-0.5 bg-ink"
            style={{ left: `${xOf(view, nowMs)}px` }}
          />
        )}
        {hoverMs !== null && <Hover view={view} ms={hoverMs} utterances={utterances} />}
      </div>
    </div>
  );
}

/** Ctrl and the wheel look closer, a sideways wheel moves along; any other wheel stays the page's. */
function useWheel(target: RefObject<HTMLElement | null>, view: View, zoom: Zoom): void {
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      const x = event.clientX - element.getBoundingClientRect().left;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        zoom.by(Math.exp(event.deltaY / 200), msOf(view, x));
      } else if (!zoom.isWhole && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        zoom.to(view.fromMs + (event.deltaX / Math.max(1, view.width)) * (view.toMs - view.fromMs));
      }
    };
    // React listens passively to wheels and could not keep the page from zooming.
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [target, view, zoom]);
}

/** Two fingers look closer or step back, around the place between them. Gives how many are down: one of two moves nothing else. */
function usePinch(target: RefObject<HTMLElement | null>, view: View, zoom: Zoom): RefObject<number> {
  const down = useRef(new Map<number, number>());
  const fingers = useRef(0);
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const spread = () => {
      const [one = 0, other = 0] = [...down.current.values()];
      return { apart: Math.max(20, Math.abs(one - other)), middle: (one + other) / 2 - element.getBoundingClientRect().left };
    };
    const put = (event: globalThis.PointerEvent) => {
      if (event.pointerType !== "touch") return;
      down.current.set(event.pointerId, event.clientX);
      fingers.current = down.current.size;
    };
    const moved = (event: globalThis.PointerEvent) => {
      if (!down.current.has(event.pointerId)) return;
      const before = spread();
      down.current.set(event.pointerId, event.clientX);
      if (down.current.size !== 2) return;
      const after = spread();
      zoom.by(before.apart / after.apart, msOf(view, after.middle));
    };
    const lifted = (event: globalThis.PointerEvent) => {
      down.current.delete(event.pointerId);
      fingers.current = down.current.size;
    };
    element.addEventListener("pointerdown", put, { capture: true });
    element.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"] as const) element.addEventListener(end, lifted);
    return () => {
      element.removeEventListener("pointerdown", put, { capture: true });
      element.removeEventListener("pointermove", moved);
      for (const end of ["pointerup", "pointercancel"] as const) element.removeEventListener(end, lifted);
    };
  }, [target, view, zoom]);
  return fingers;
}

/** A stretch that is a tone now: hatched on the lane of whose voice it was. */
function Redacted({ view, redaction: { from_ms, to_ms, side, why } }: { view: View; redaction: Redaction }) {
  const [left, right] = [Math.max(0, xOf(view, from_ms)), Math.min(view.width, xOf(view, to_ms))];
  if (right <= left) return null;
  const lane = side === "both" ? "top-0 h-24 sm:h-32" : side === "caller" ? "top-0 h-12 sm:h-16" : "top-12 h-12 sm:top-16 sm:h-16";
  return (
    <div
      aria-hidden="true"
      title={`Redacted: ${why}`}
      style={{ left: `${left}px`, width: `${Math.max(3, right - left)}px` }}
      className={`hatched pointer-events-none absolute bg-paper ${lane}`}
    />
  );
}

/** The stretch being chosen, its edges to be taken hold of. */
function Chosen({ view, stretch }: { view: View; stretch: Stretch }) {
  const [left, right] = [Math.max(0, xOf(view, stretch.fromMs)), Math.min(view.width, xOf(view, stretch.toMs))];
  if (right < 0 || left > view.width) return null;
  return (
    <div
      aria-hidden="true"
      style={{ left: `${left}px`, width: `${Math.max(2, right - left)}px` }}
      className="pointer-events-none absolute top-0 bottom-5 border-x-2 border-look bg-look/15"
    >
      <div className="absolute -top-1 -left-[5px] h-3 w-2 rounded-[2px] bg-look" />
      <div className="absolute -top-1 -right-[5px] h-3 w-2 rounded-[2px] bg-look" />
    </div>
  );
}

/** Which part of the whole is looked at: a short line on the axis. */
const Excerpt = ({ view, endMs }: { view: View; endMs: number }) => (
  <div aria-hidden="true" className="pointer-events-none absolute inset-x-0 bottom-5 h-px">
    <div
      className="absolute -top-px h-[3px] bg-ink"
      style={{ left: `${(view.fromMs / endMs) * 100}%`, width: `${((view.toMs - view.fromMs) / endMs) * 100}%` }}
    />
  </div>
);

function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measured = box.current;
    if (!measured) return;
    setWidth(measured.clientWidth);
    const watching = new ResizeObserver(() => setWidth(measured.clientWidth));
    watching.observe(measured);
    return () => watching.disconnect();
  }, [box]);
  return width;
}

/** Keeps what a screen reader says of the position true, once a second. */
function useSpokenPosition(playback: Playback, utterances: readonly Utterance[]) {
  const slider = useRef<HTMLDivElement>(null);
  const told = useRef(-1);
  useTick(playback, (ms) => {
    const second = Math.floor(ms / 1000);
    if (second === told.current || !slider.current) return;
    told.current = second;
    const said = utterances[spokenAt(utterances, ms)];
    slider.current.setAttribute("aria-valuenow", String(second));
    slider.current.setAttribute("aria-valuetext", `${spokenDuration(ms)}, ${said ? `${voices[said.speaker]} speaks` : "silence"}`);
  });
  return slider;
}

function Playhead({ view, playback, isWhole }: { view: View; playback: Playback; isWhole: boolean }) {
  const line = useRef<HTMLDivElement>(null);
  const move = (ms: number) => {
    if (!line.current) return;
    const x = xOf(view, ms);
    line.current.style.transform = `translateX(${Math.min(view.width, Math.max(0, x)) - 1}px)`;
    line.current.style.visibility = !isWhole && (x < -1 || x > view.width + 1) ? "hidden" : "visible";
  };
  useTick(playback, move);
  useLayoutEffect(() => move(playback.nowMs()));
  return (
    <div ref={line} aria-hidden="true" className="pointer-events-none absolute top-0 bottom-5 left-0 w-0.5 bg-ink">
      <div className="absolute -top-1 -left-1 size-2.5 rounded-full bg-ink" />
    </div>
  );
}

/** What was said under the pointer. */
function Hover({ view, ms, utterances }: { view: View; ms: number; utterances: readonly Utterance[] }) {
  const said = utterances[spokenAt(utterances, ms)];
  const gap = gaps(utterances).find((g) => g.fromMs <= ms && ms < g.toMs);
  const x = xOf(view, ms);
  const right = x > view.width / 2;
  return (
    <div aria-hidden="true" className="pointer-events-none absolute top-0 bottom-5 w-px bg-edge" style={{ left: `${x}px` }}>
      <div
        dir="auto"
        className={`absolute top-full z-20 mt-1 w-max max-w-72 truncate rounded bg-raised px-2 py-1 text-small shadow-float ${right ? "right-0" : "left-0"}`}
      >
        <span className="tabular font-strong">{clockTenths(ms)}</span>
        {said && <span className="text-soft">{` ${voices[said.speaker]}: ${said.text}`}</span>}
        {!said && gap && (
          <span className="text-soft">{` ${voices[gap.waitingFor]} answered after ${shortSeconds(gap.toMs - gap.fromMs)}`}</span>
        )}
      </div>
    </div>
  );
}
