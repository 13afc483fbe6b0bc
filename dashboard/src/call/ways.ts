/** The ways through a call's sound: by buttons and keys, by the address, by a search. */
import { useEffect, useRef } from "react";
import type { Utterance } from "../ask/shapes.ts";
import { speedStep } from "../keys/table.ts";
import { useKeys } from "../keys/use-keys.ts";
import type { Zoom } from "../score/use-zoom.ts";
import type { Playback } from "./playback.ts";
import { foundAt, linkedMs, nextSentence, previousSentence } from "./spoken.ts";

/** The ways through the sound, for buttons and keys alike. */
export function useSteps(playback: Playback, zoom: Zoom, utterances: readonly Utterance[]) {
  const go = (ms: number | null) => {
    if (ms !== null) playback.seek(ms);
  };
  const steps = {
    next: () => go(nextSentence(utterances, playback.nowMs())),
    previous: () => go(previousSentence(utterances, playback.nowMs())),
  };
  useKeys({
    play: playback.toggle,
    back: () => go(Math.max(0, playback.nowMs() - 5000)),
    forth: () => go(playback.nowMs() + 5000),
    slower: () => playback.setSpeed(speedStep(playback.speed(), -1)),
    faster: () => playback.setSpeed(speedStep(playback.speed(), 1)),
    "next sentence": steps.next,
    "previous sentence": steps.previous,
    nearer: () => zoom.by(0.5, playback.nowMs()),
    farther: () => zoom.by(2, playback.nowMs()),
    "whole call": zoom.whole,
  });
  return steps;
}

/** `?t=83.4` stands at that moment when the page opens. */
export function useLinkedMoment(playback: Playback, t: string | undefined): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the address the page was opened with counts
  useEffect(() => {
    const ms = linkedMs(t);
    if (ms !== null) playback.seek(ms);
  }, [playback]);
}

/** Opened from a search, the page stands where the words were said, once it knows them. */
export function useFound(playback: Playback, utterances: readonly Utterance[], q: string | undefined): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || q === undefined || utterances.length === 0) return;
    done.current = true;
    const found = utterances[foundAt(utterances, q)];
    if (!found) return;
    playback.seek(found.started_ms);
    document.getElementById(`said-${found.id}`)?.scrollIntoView({ block: "center" });
  }, [playback, utterances, q]);
}
