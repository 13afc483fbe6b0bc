import type { Facts } from "./audio/inspect.ts";
import type { Reason } from "./failures.ts";

/** What a recording should be, as far as other facts tell; null where nothing does. */
export interface Expectation {
  readonly source: "carrier" | "journal" | "engine";
  /** Answered to ended. */
  readonly talkMs: number | null;
  /** The carrier's own end_time - start_time: whole seconds. */
  readonly announcedMs: number | null;
  /** From the answer to the recording's first sample; null when not known better than to a second. */
  readonly beganMs: number | null;
}

export interface Judgement {
  /** Null: nothing is wrong, the recording is verified. */
  readonly because: Reason | null;
  /** One sentence, with the figures. */
  readonly evidence: string;
  /** Recorded minus expected; negative when sound is lacking. Null when nothing was expected. */
  readonly differenceMs: number | null;
}

/**
 * How much shorter than the conversation a recording may be. The carrier starts its recorder after the answer and names times in whole
 * seconds; ours begins with the first frame of the audio socket, which is opened after the answer, too.
 */
const SLACK_MS = 3000;
const SLACK_SHARE = 0.02;

/** Is a decoded recording whole? Longer than the talk is no harm: the carrier also records its own announcements. */
export function judge(facts: Facts, expected: Expectation): Judgement {
  if (facts.durationMs === 0) return { because: "RECORDING_UNREADABLE", evidence: "It holds no sound at all.", differenceMs: null };
  if (facts.undecoded !== undefined) {
    const evidence = `${seconds(facts.durationMs)} by its container, all of it there; its coding, ${facts.undecoded}, is not decoded here.`;
    return { because: null, evidence, differenceMs: null };
  }
  const wanted = wantedMs(expected);
  if (wanted === null) return { because: null, evidence: `${seconds(facts.durationMs)} of sound.`, differenceMs: null };
  const differenceMs = facts.durationMs - wanted;
  const slack = SLACK_MS + SLACK_SHARE * wanted;
  const evidence = `${seconds(facts.durationMs)} of sound for ${seconds(wanted)} of conversation.`;
  return { because: -differenceMs > slack ? "RECORDING_SHORT" : null, evidence, differenceMs };
}

/** The talk from where the recording began; else what the carrier says it recorded. */
function wantedMs({ talkMs, announcedMs, beganMs }: Expectation): number | null {
  if (talkMs !== null) return Math.max(0, talkMs - Math.max(0, beganMs ?? 0));
  return announcedMs;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
