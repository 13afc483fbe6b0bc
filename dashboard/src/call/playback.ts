import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { Recording } from "../ask/shapes.ts";
import { audioSeconds, callMs } from "./spoken.ts";

/** `none`: nothing to play. `idle`: at rest. `waiting`: asked to play, the sound is not here yet. `failed`: the browser gave up. */
export type PlaybackState = "none" | "idle" | "waiting" | "playing" | "failed";

/** One <audio> element on the call's clock. What changes often (the position) is told to listeners, not to React. */
export type Playback = {
  /** For the <audio> element. */
  attach: (audio: HTMLAudioElement | null) => void;
  /** The position, milliseconds from the answer. */
  nowMs: () => number;
  /** Goes there; with `play` also starts. Before the sound's length is known the wish is kept. */
  seek: (ms: number, play?: boolean) => void;
  toggle: () => void;
  /** Fetches the sound again after a failure. */
  retry: () => void;
  setSpeed: (speed: number) => void;
  /** Hears the position: each frame while playing, once after each jump, and once at the start. */
  onTick: (heard: (ms: number) => void) => () => void;
  /** Hears state and speed. */
  onChange: (heard: () => void) => () => void;
  state: () => PlaybackState;
  speed: () => number;
};

const told = ["play", "playing", "pause", "waiting", "ended", "error", "ratechange", "emptied", "canplay"] as const;
const runs = ["play", "pause", "ended", "emptied"] as const;

/**
 * States: `none` until an element with a source is attached; `idle` <-> `waiting` -> `playing` as the element says;
 * `failed` after an error, until its source changes. When it does (the carrier's recording takes the place of ours, or somebody
 * chooses the other one), the position stays on the call's clock and what played goes on. Detaching stops the frames. Nobody else
 * touches the element.
 */
export function newPlayback(recording: () => Pick<Recording, "offset_ms" | "url">): Playback {
  let audio: HTMLAudioElement | null = null;
  let wishedMs: number | null = null;
  /** Where the sound was when its source was last loaded, and whether it ran: an element forgets both when it is given another one. */
  let placeMs: number | null = null;
  let running = false;
  /** Its length is known and it has been put where it is to be. */
  let arrived = false;
  let frame = 0;
  const ticks = new Set<(ms: number) => void>();
  const changes = new Set<() => void>();

  const isLoaded = () => arrived && audio !== null && audio.readyState >= 1;
  const nowMs = () => wishedMs ?? (isLoaded() ? null : placeMs) ?? (audio ? callMs(recording(), audio.currentTime) : 0);
  const tick = () => {
    const ms = nowMs();
    if (isLoaded()) placeMs = ms;
    for (const heard of ticks) heard(ms);
  };
  const run = () => {
    tick();
    frame = audio && !audio.paused ? requestAnimationFrame(run) : 0;
  };
  const changed = () => {
    if (frame === 0) run();
    for (const heard of changes) heard();
  };
  const arrive = () => {
    const ms = wishedMs ?? placeMs;
    if (ms !== null && audio) audio.currentTime = audioSeconds(recording(), ms);
    wishedMs = null;
    arrived = true;
    tick();
  };
  const start = () => void audio?.play().catch(() => changed());
  const ran = ({ type }: Event) => {
    if (type !== "emptied") {
      running = type === "play";
      return;
    }
    arrived = false;
    if (running && recording().url !== null) start();
  };

  return {
    attach(element) {
      for (const name of told) audio?.removeEventListener(name, changed);
      for (const name of runs) audio?.removeEventListener(name, ran);
      audio?.removeEventListener("loadedmetadata", arrive);
      audio?.removeEventListener("seeked", tick);
      cancelAnimationFrame(frame);
      frame = 0;
      audio = element;
      if (!audio) return;
      arrived = audio.readyState >= 1;
      for (const name of runs) audio.addEventListener(name, ran);
      for (const name of told) audio.addEventListener(name, changed);
      audio.addEventListener("loadedmetadata", arrive);
      audio.addEventListener("seeked", tick);
      changed();
    },
    nowMs,
    seek(ms, play = false) {
      if (audio && isLoaded()) {
        wishedMs = null;
        audio.currentTime = audioSeconds(recording(), ms);
      } else wishedMs = ms;
      tick();
      if (play) start();
    },
    toggle() {
      if (!audio || recording().url === null) return;
      if (audio.paused) start();
      else audio.pause();
    },
    retry() {
      wishedMs = nowMs();
      audio?.load();
    },
    setSpeed(speed) {
      if (audio) audio.playbackRate = speed;
    },
    onTick(heard) {
      ticks.add(heard);
      heard(nowMs());
      return () => ticks.delete(heard);
    },
    onChange(heard) {
      changes.add(heard);
      return () => changes.delete(heard);
    },
    state() {
      if (!audio || recording().url === null) return "none";
      if (audio.error) return "failed";
      if (audio.paused) return "idle";
      return audio.readyState < 3 ? "waiting" : "playing";
    },
    speed: () => audio?.playbackRate ?? 1,
  };
}

/** The playback of one call's recording, as long as the page stands. */
export function usePlayback(recording: Pick<Recording, "offset_ms" | "url">): Playback {
  const current = useRef(recording);
  current.current = recording;
  return useMemo(() => newPlayback(() => current.current), []);
}

export const usePlaybackState = (playback: Playback): PlaybackState => useSyncExternalStore(playback.onChange, playback.state);
export const useSpeed = (playback: Playback): number => useSyncExternalStore(playback.onChange, playback.speed);

/** A fact about the position, told to React only when it changes: which sentence, which second. */
export function useAt<T extends string | number | null>(playback: Playback, fact: (ms: number) => T): T {
  return useSyncExternalStore(playback.onTick, () => fact(playback.nowMs()));
}

/** Does something at each tick without React. */
export function useTick(playback: Playback, act: (ms: number) => void): void {
  const current = useRef(act);
  current.current = act;
  useEffect(() => playback.onTick((ms) => current.current(ms)), [playback]);
}
