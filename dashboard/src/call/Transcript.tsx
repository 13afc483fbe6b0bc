import { Link } from "@tanstack/react-router";
import { memo, useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Utterance } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { voices } from "../score/Score.tsx";
import { feelings, outOfHundred, strength } from "../words/emotion.ts";
import { isArabicScript } from "../words/text.ts";
import { clock, shortSeconds } from "../words/time.ts";
import { paceOf, splitAtHeard } from "./heard.ts";
import { type Playback, useAt } from "./playback.ts";
import { spokenAt } from "./spoken.ts";

/** How long the page leaves a reader alone who has just scrolled. */
const ALONE_MS = 5000;

/**
 * What was said, as two voices. A sentence is heard by pressing it; the one being spoken is lit and, unless the reader
 * has just scrolled, kept in sight.
 */
export function Transcript({
  utterances,
  playback,
  playable,
  live,
}: {
  utterances: readonly Utterance[];
  playback: Playback;
  playable: boolean;
  live: boolean;
}) {
  const spoken = useAt(playback, (ms) => (playable ? spokenAt(utterances, ms) : -1));
  const list = useRef<HTMLOListElement>(null);
  const scrolledAt = useScrolledByHand();
  const hear = useCallback((ms: number) => playback.seek(ms, true), [playback]);
  const pace = useMemo(() => paceOf(utterances), [utterances]);

  useEffect(() => {
    if (spoken < 0 || Date.now() - scrolledAt.current < ALONE_MS) return;
    bringIntoSight(list.current?.children[spoken]);
  }, [spoken, scrolledAt]);

  return (
    <>
      <ol ref={list} className="flex flex-col">
        {utterances.map((said, i) => (
          <Sentence
            key={said.id}
            said={said}
            pace={said.cut ? pace : 0}
            first={utterances[i - 1]?.speaker !== said.speaker}
            lit={i === spoken}
            hear={playable ? hear : null}
          />
        ))}
      </ol>
      {live && <Follow count={utterances.length} />}
      {live && <Aloud utterances={utterances} />}
    </>
  );
}

/** Scrolls only as far as needed, and only when it is hidden: under the score above or below the window's edge. */
function bringIntoSight(element: Element | undefined): void {
  if (!element) return;
  const box = element.getBoundingClientRect();
  const top = document.querySelector("[data-score]")?.getBoundingClientRect().bottom ?? 0;
  if (box.top >= top + 8 && box.bottom <= innerHeight - 96) return;
  scrollBy({ top: box.top - top - (innerHeight - top) / 3, behavior: "smooth" });
}

function useScrolledByHand() {
  const at = useRef(0);
  useEffect(() => {
    const scrolled = () => {
      at.current = Date.now();
    };
    const ways = ["wheel", "touchmove"] as const;
    for (const way of ways) addEventListener(way, scrolled, { passive: true });
    return () => {
      for (const way of ways) removeEventListener(way, scrolled);
    };
  }, []);
  return at;
}

/** A live transcript stays at its end while the reader is there; whoever has scrolled up is told that it goes on. */
function Follow({ count }: { count: number }) {
  const end = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState(false);
  useEffect(() => {
    const watched = end.current;
    if (!watched) return;
    const watching = new IntersectionObserver(
      ([entry]) => setAway(entry ? !entry.isIntersecting && entry.boundingClientRect.top > 0 : false),
      { rootMargin: "0px 0px 160px 0px" },
    );
    watching.observe(watched);
    return () => watching.disconnect();
  }, []);
  const opened = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new sentence is what moves the page
  useEffect(() => {
    if (!away) end.current?.scrollIntoView({ block: "end", behavior: opened.current ? "smooth" : "instant" });
    opened.current = true;
  }, [count]);
  return (
    <>
      <div ref={end} className="h-8 scroll-mb-8" />
      {away && (
        <Button
          look="main"
          className="fixed bottom-6 left-1/2 z-20 -translate-x-1/2 rounded-full! shadow-float"
          onClick={() => end.current?.scrollIntoView({ block: "end", behavior: "smooth" })}
        >
          Go to what is said now
        </Button>
      )}
    </>
  );
}

/** What a screen reader says of a running call: each new sentence once, never what was there before. */
function Aloud({ utterances }: { utterances: readonly Utterance[] }) {
  const [known] = useState(() => new Set(utterances.map(({ id }) => id)));
  return (
    <div role="log" aria-label="What is said now" className="sr-only">
      {utterances
        .filter(({ id }) => !known.has(id))
        .slice(-4)
        .map((said) => (
          <p key={said.id} dir="auto" {...(said.language ? { lang: said.language } : {})}>
            {voices[said.speaker]}: {said.text}
          </p>
        ))}
    </div>
  );
}

const looks = {
  caller: {
    name: "text-caller-text",
    edge: "border-caller",
    wash: "bg-caller-wash",
    dot: "bg-caller",
    bar: "bg-caller",
    torn: "stroke-caller",
    indent: "",
    aside: "",
  },
  agent: {
    name: "text-agent-text",
    edge: "border-agent",
    wash: "bg-agent-wash",
    dot: "bg-agent",
    bar: "bg-agent",
    torn: "stroke-agent",
    indent: "sm:ms-8",
    aside: "sm:@max-xl:ms-8",
  },
} as const;
const dotSizes = { faint: "size-1.5", clear: "size-2", strong: "size-2.5" } as const;

const Sentence = memo(function Sentence({
  said,
  pace,
  first,
  lit,
  hear,
}: {
  said: Utterance;
  /** The agent's, in characters a millisecond; only broken-off speech needs it. */
  pace: number;
  first: boolean;
  lit: boolean;
  hear: ((ms: number) => void) | null;
}) {
  const [asked, setAsked] = useState(false);
  const more = useId();
  const look = looks[said.speaker];
  const felt = feelings(said.emotions);
  const top = felt[0];
  const { heard, unheard } = splitAtHeard(said, pace);
  const t = (said.started_ms / 1000).toFixed(1);
  return (
    <li
      id={`said-${said.id}`}
      aria-current={lit || undefined}
      className={`grid grid-cols-[2.75rem_minmax(0,1fr)] -mx-2 items-start rounded px-2 py-0.5 transition-colors @xl:grid-cols-[3rem_minmax(0,1fr)_9rem] ${first ? "mt-3" : ""} ${lit ? look.wash : ""}`}
    >
      <Link
        from="/calls/$id"
        to="."
        search={(old: object) => ({ ...old, t })}
        replace
        resetScroll={false}
        aria-label={`${voices[said.speaker]} at ${clock(said.started_ms)}${hear ? ", listen from here" : ""}`}
        onClick={() => hear?.(said.started_ms)}
        className={`reach tabular pt-1 text-small leading-5 hover:text-ink hover:underline ${lit ? "text-ink" : "text-faint"} ${first ? "mt-5" : ""}`}
      >
        {clock(said.started_ms)}
      </Link>
      <div className={`min-w-0 ${look.indent}`}>
        {first && <p className={`ps-[15px] text-small leading-5 font-strong ${look.name}`}>{voices[said.speaker]}</p>}
        {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the time beside it is the same deed for keyboards and readers; the text stays text, to be selected */}
        <div
          onClick={() => {
            if (hear && getSelection()?.isCollapsed !== false) hear(said.started_ms);
          }}
          className={`border-s-3 py-1 ps-3 ${look.edge} ${hear ? "cursor-pointer" : ""}`}
        >
          <p
            dir="auto"
            {...(said.language ? { lang: said.language } : {})}
            className={`max-w-[62ch] text-lead wrap-break-word ${isArabicScript(said.text) ? "nastaliq" : ""}`}
          >
            {heard}
            {said.cut && <Torn className={look.torn} />}
            {unheard !== "" && <s className="text-faint decoration-1">{unheard}</s>}
          </p>
          {said.cut && <p className="text-small text-soft">{howFarHeard(said)}</p>}
          {said.source === "engine" && (
            <p className="text-small text-soft">
              {said.speaker === "agent"
                ? "From the engine's history; how much of it was heard is not known."
                : "From the engine's history."}
            </p>
          )}
        </div>
      </div>
      <div className={`@max-xl:col-start-2 @max-xl:ps-[15px] @xl:ps-4 ${first ? "@xl:mt-5" : ""} ${look.aside}`}>
        {top && (
          <button
            type="button"
            aria-expanded={asked}
            aria-controls={more}
            title={`${outOfHundred(top.score)} of 100. Show the others.`}
            onClick={() => setAsked(!asked)}
            className="reach flex max-w-full items-center gap-1.5 py-1 text-small leading-5 text-soft hover:text-ink @max-xl:py-0.5"
          >
            <span className="grid size-2.5 shrink-0 place-items-center">
              <span className={`rounded-full ${dotSizes[strength(top.score)]} ${look.dot}`} />
            </span>
            <span className="truncate">{top.name}</span>
            <span className="sr-only">, {strength(top.score)}</span>
          </button>
        )}
      </div>
      {asked && (
        <ul id={more} className={`col-start-2 mb-2 grid max-w-lg gap-x-6 ps-[15px] sm:grid-cols-2 ${look.indent}`}>
          {felt.slice(0, 8).map((feeling) => (
            <li key={feeling.name} className="grid grid-cols-[minmax(0,1fr)_4rem_1.5rem] items-center gap-2 text-small leading-6 text-soft">
              <span className="truncate">{feeling.name}</span>
              <span className="h-1 bg-line">
                <span style={{ width: `${Math.min(100, feeling.score * 100)}%` }} className={`block h-full ${look.bar}`} />
              </span>
              <span className="tabular text-end">{outOfHundred(feeling.score)}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
});

/** In words, how far speech came before it was broken off. */
function howFarHeard({ ended_ms, heard_ms }: Utterance): string {
  if (heard_ms !== null && heard_ms < 100) return "Cut off before a word of it was heard";
  return `Cut off at ${clock(ended_ms)}${heard_ms === null ? "" : `, ${shortSeconds(heard_ms)} of it heard`}`;
}

/** The broken edge where speech was cut off. */
const Torn = ({ className }: { className: string }) => (
  <svg
    viewBox="0 0 8 20"
    aria-hidden="true"
    className={`ms-1.5 inline-block h-5 w-2 align-text-bottom rtl:-scale-x-100 ${className}`}
    fill="none"
    strokeWidth="1.5"
    strokeLinejoin="round"
  >
    <path d="M6 0 2 4.5 6 8 2 12l4 3.5L3 20" />
  </svg>
);

export const TranscriptBone = () => (
  <div aria-hidden="true" className="flex flex-col gap-5 pt-4">
    {["w-3/4", "w-1/2", "w-2/3", "w-2/5", "w-3/5"].map((width) => (
      <div key={width} className="grid grid-cols-[3rem_1fr] items-center">
        <div className="bone h-3 w-7" />
        <div className={`bone h-5 ${width}`} />
      </div>
    ))}
  </div>
);
