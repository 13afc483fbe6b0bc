import { useLayoutEffect, useMemo, useRef } from "react";
import type { Peaks, Utterance } from "../ask/shapes.ts";
import { type Playback, useTick } from "../call/playback.ts";
import { strongest } from "../words/emotion.ts";
import { clock } from "../words/time.ts";
import { BAR_PITCH, bars, barsPath, cutIns, gain, gaps, placeLabels, ticks, type View, xOf } from "./geometry.ts";

/** What one character of the 12 px face takes, on average; for finding room only. */
const CHAR_PX = 6.6;

/** What can be heard; its peaks follow a moment later, or never where they could not be made. Null: nothing to hear. */
export type Sound = { peaks: Peaks | null; offsetMs: number } | null;

/** Height of one lane in the drawing's own units; CSS stretches the drawing to its real height. */
const LANE = 56;

/** The two voices, mirrored on one line: their sound, or the sentences where there is none; what was played is dark. */
export function Lanes({
  view,
  utterances,
  sound,
  playback,
}: {
  view: View;
  utterances: readonly Utterance[];
  sound: Sound;
  playback: Playback;
}) {
  const drawn = useMemo(() => {
    if (!sound?.peaks) return null;
    const [caller, agent] = [bars(sound.peaks, 0, sound.offsetMs, view), bars(sound.peaks, 1, sound.offsetMs, view)];
    const factor = gain(caller, agent);
    return { caller: barsPath(caller, factor, LANE, -1), agent: barsPath(agent, factor, LANE, 1) };
  }, [sound, view]);
  const played = useRef<SVGSVGElement>(null);
  const cover = (ms: number) => {
    const left = Math.min(view.width, Math.max(0, view.width - xOf(view, ms)));
    if (played.current) played.current.style.clipPath = `inset(0 ${left}px 0 0)`;
  };
  useTick(playback, cover);
  // The drawing may come, or change its scale, while nothing plays.
  useLayoutEffect(() => cover(playback.nowMs()));
  const box = `0 ${-LANE} ${Math.max(1, view.width)} ${2 * LANE}`;
  const shape = "absolute inset-0 size-full overflow-visible";
  return (
    <div className="relative h-24 sm:h-32">
      {drawn ? (
        <>
          <svg viewBox={box} preserveAspectRatio="none" aria-hidden="true" className={`${shape} opacity-60`}>
            <Wave drawn={drawn} />
          </svg>
          <svg ref={played} viewBox={box} preserveAspectRatio="none" aria-hidden="true" className={shape}>
            <Wave drawn={drawn} />
          </svg>
        </>
      ) : (
        <svg viewBox={box} preserveAspectRatio="none" aria-hidden="true" className={shape}>
          {utterances.map((said) => (
            <Block key={said.id} said={said} view={view} />
          ))}
        </svg>
      )}
      <svg viewBox={box} preserveAspectRatio="none" aria-hidden="true" className={shape}>
        <path d={`M0 0H${view.width}`} className="stroke-line" vectorEffect="non-scaling-stroke" />
        {gaps(utterances).map((gap) => {
          const [x, end] = [xOf(view, gap.fromMs), xOf(view, gap.toMs)];
          return end - x < 2 ? null : <rect key={gap.fromMs} x={x} y={-1} width={end - x} height={2} className="fill-edge" />;
        })}
      </svg>
      {cutIns(utterances).map((said) => (
        <Notch key={said.id} said={said} view={view} />
      ))}
    </div>
  );
}

const Wave = ({ drawn }: { drawn: { caller: string; agent: string } }) => (
  <g fill="none" strokeWidth={BAR_PITCH - 1}>
    <path d={drawn.caller} className="stroke-caller" />
    <path d={drawn.agent} className="stroke-agent" />
  </g>
);

const fills = { caller: "fill-caller", agent: "fill-agent" } as const;
const texts = { caller: "text-caller", agent: "text-agent" } as const;

/** A sentence where it was said, for as long as there is no sound to draw. */
function Block({ said, view }: { said: Utterance; view: View }) {
  const x = xOf(view, said.started_ms);
  const height = LANE * 0.5;
  return (
    <rect
      x={x}
      y={said.speaker === "caller" ? -height - 3 : 3}
      width={Math.max(2, xOf(view, said.ended_ms) - x)}
      height={height}
      rx={2}
      className={`${fills[said.speaker]} opacity-60`}
    />
  );
}

/** Where speech was broken off: a small notch cut into the lane from outside. */
function Notch({ said, view }: { said: Utterance; view: View }) {
  const above = said.speaker === "caller";
  return (
    <svg
      viewBox="0 0 9 8"
      aria-hidden="true"
      style={{ left: `${xOf(view, said.ended_ms) - 4.5}px` }}
      className={`absolute h-2 w-[9px] fill-ink ${above ? "top-0" : "bottom-0 rotate-180"}`}
    >
      <path d="M0 0h9L4.5 7z" />
    </svg>
  );
}

/** The strongest feeling of each utterance: a line as long as it lasted, stronger where it was, and its word where there is room. */
export function Feelings({ view, utterances }: { view: View; utterances: readonly Utterance[] }) {
  const rows = useMemo(
    () =>
      (["caller", "agent"] as const).map((speaker) => {
        const felt = utterances.flatMap((said) => {
          const feeling = said.speaker === speaker && said.ended_ms > view.fromMs ? strongest(said.emotions) : null;
          return feeling
            ? [
                {
                  said,
                  feeling,
                  at: Math.max(0, xOf(view, said.started_ms)),
                  text: feeling.name,
                  weight: feeling.score,
                  widthPx: feeling.name.length * CHAR_PX + 10,
                },
              ]
            : [];
        });
        return { speaker, felt, labels: placeLabels(felt, view.width) };
      }),
    [view, utterances],
  );
  return (
    <div aria-hidden="true" className="mt-1.5">
      {rows.map(({ speaker, felt, labels }) => (
        <div key={speaker} className="relative h-5">
          <svg
            viewBox={`0 0 ${Math.max(1, view.width)} 20`}
            preserveAspectRatio="none"
            aria-hidden="true"
            className="absolute inset-0 size-full"
          >
            {felt.map(({ said, feeling, at }) => (
              <rect
                key={said.id}
                x={at}
                y={0}
                width={Math.max(2, xOf(view, said.ended_ms) - at)}
                height={2}
                fillOpacity={0.3 + 0.7 * Math.min(1, feeling.score / 0.7)}
                className={fills[speaker]}
              />
            ))}
          </svg>
          {labels.map((label) => (
            <span
              key={label.said.id}
              style={{ left: `${label.at}px` }}
              className="absolute top-1 text-small leading-4 whitespace-nowrap text-soft"
            >
              <span className={`me-1 inline-block size-1.5 rounded-full bg-current align-middle ${texts[speaker]}`} />
              {label.text}
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}

/** The time, in steps people count in. */
export function Axis({ view }: { view: View }) {
  const found = ticks(view);
  return (
    <div aria-hidden="true" className="relative mt-1 h-5 border-t border-line text-small text-faint">
      {found.map((ms) => {
        const x = xOf(view, ms);
        return x > view.width - 32 ? null : (
          <span
            key={ms}
            style={{ left: `${x}px` }}
            className="tabular absolute top-0 pt-1 leading-4 before:absolute before:top-0 before:left-0 before:h-1.5 before:w-px before:bg-edge before:content-['']"
          >
            <span className="ps-1">{clock(ms)}</span>
          </span>
        );
      })}
    </div>
  );
}
