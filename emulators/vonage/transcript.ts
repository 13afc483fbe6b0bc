import type { Leg } from "./leg.ts";
import type { Recording } from "./recording.ts";

/** Something an emulated person said, on the clock of the sound. Known from the script: nobody listens to words here. */
export interface Spoken {
  readonly text: string;
  readonly atMs: number;
  readonly lengthMs: number;
}

/**
 * The transcription of a recording as Vonage's file has it: a channel per channel of the recording, times in ms of its sound. It holds what the
 * emulated people said while it ran, whole lines, words spread evenly; what an audio socket said is not in it.
 */
export function transcript(recording: Recording, endedMs: number): Record<string, unknown> {
  const { leg, conversation } = recording;
  const { layout } = recording.plan;
  const others = conversation.joined.filter((one) => one !== leg);
  const channels: readonly (readonly Leg[])[] =
    layout.kind === "mono"
      ? [conversation.joined]
      : layout.kind === "stereo"
        ? [[leg], others]
        : Array.from({ length: layout.channels }, (_, place) =>
            conversation.joined.filter((_leg, joined) => Math.min(joined, layout.channels - 1) === place),
          );
  const duration = endedMs - recording.startedMs;
  return {
    ver: "2.1.0",
    request_id: recording.uuid,
    channels: channels.map((legs) => ({
      duration,
      transcript: legs
        .flatMap((one) => one.spoken)
        .filter((line) => line.atMs >= recording.startedMs && line.atMs + line.lengthMs <= endedMs)
        .toSorted((one, other) => one.atMs - other.atMs)
        .map((line) => sentence(line, line.atMs - recording.startedMs)),
    })),
  };
}

function sentence(line: Spoken, timestamp: number): Record<string, unknown> {
  const { text, lengthMs } = line;
  return {
    sentence: text,
    raw_sentence: text.toLowerCase().replace(/[^\p{L}\p{N}' ]/gu, ""),
    duration: lengthMs,
    timestamp,
    words: wordsOf(line).map(({ word, fromMs, toMs }) => ({
      word,
      start_time: timestamp + fromMs - line.atMs,
      end_time: timestamp + toMs - line.atMs,
      confidence: 1,
    })),
  };
}

/** The words of a line, spread evenly over its sound. */
function wordsOf({ text, atMs, lengthMs }: Spoken): { readonly word: string; readonly fromMs: number; readonly toMs: number }[] {
  const words = text.split(/\s+/).filter(Boolean);
  const at = (place: number): number => atMs + Math.round((lengthMs * place) / words.length);
  return words.map((word, place) => ({ word, fromMs: at(place), toMs: at(place + 1) }));
}

/**
 * What was said within a stretch of time: the words whose middle is in it.
 *
 * @returns null when nothing was, or nobody wrote it down (a human, a sound file without its text)
 */
export function saidBetween(lines: readonly Spoken[], fromMs: number, toMs: number): string | null {
  const words = lines.flatMap(wordsOf).filter((one) => (one.fromMs + one.toMs) / 2 >= fromMs && (one.fromMs + one.toMs) / 2 < toMs);
  return words.length === 0 ? null : words.map(({ word }) => word).join(" ");
}
