/**
 * Whose turn it is, by ear alone: a pure machine stepped once per 20 ms of what the caller's side sends, on the clock of that sound.
 *
 * quiet -> speaking: after ONSET_MS of voice in a row. Begins where that voice began.
 * speaking -> quiet: after `endOfTurnMs` without voice. Ends where the last voice ended. A turn with less than LEAST_MS of voice in it
 * is a cough or a click and is no turn.
 */
export type Turn =
  | { readonly is: "quiet"; readonly voicedMs: number }
  | { readonly is: "speaking"; readonly beginMs: number; readonly lastVoiceMs: number; readonly voicedMs: number; readonly toldMs: number };

export interface Patience {
  /** Hume's turn_detection.end_of_turn_silence_ms. */
  readonly endOfTurnMs: number;
}

export type TurnEvent =
  | { readonly what: "began"; readonly beginMs: number }
  /** Someone is still speaking; `lastedMs` since the beginning, up to the last voice. */
  | { readonly what: "lasts"; readonly beginMs: number; readonly lastedMs: number; readonly voice: boolean; readonly interimDue: boolean }
  | { readonly what: "ended"; readonly beginMs: number; readonly endMs: number }
  | { readonly what: "was nothing"; readonly beginMs: number };

const FRAME_MS = 20;
export const ONSET_MS = 60;
export const LEAST_MS = 120;
/** An interim transcript so soon after the beginning, and then this often while someone speaks. */
export const FIRST_INTERIM_MS = 300;
export const INTERIM_EVERY_MS = 500;
/** Nobody is listened to longer than this in one go. */
export const LONGEST_MS = 60_000;

export const silent: Turn = { is: "quiet", voicedMs: 0 };

/**
 * The next 20 ms.
 *
 * @param nowMs the clock of the sound after these 20 ms
 * @param voice was there a voice in them?
 */
export function hear(turn: Turn, nowMs: number, voice: boolean, patience: Patience): readonly [Turn, TurnEvent | null] {
  switch (turn.is) {
    case "quiet": {
      if (!voice) return [silent, null];
      const voicedMs = turn.voicedMs + FRAME_MS;
      if (voicedMs < ONSET_MS) return [{ is: "quiet", voicedMs }, null];
      const beginMs = nowMs - voicedMs;
      return [
        { is: "speaking", beginMs, lastVoiceMs: nowMs, voicedMs, toldMs: beginMs + FIRST_INTERIM_MS - INTERIM_EVERY_MS },
        { what: "began", beginMs },
      ];
    }
    case "speaking": {
      const lastVoiceMs = voice ? nowMs : turn.lastVoiceMs;
      const voicedMs = turn.voicedMs + (voice ? FRAME_MS : 0);
      const { beginMs } = turn;
      if (nowMs - lastVoiceMs >= patience.endOfTurnMs || nowMs - beginMs >= LONGEST_MS) {
        return [silent, voicedMs < LEAST_MS ? { what: "was nothing", beginMs } : { what: "ended", beginMs, endMs: lastVoiceMs }];
      }
      const interimDue = voice && nowMs - turn.toldMs >= INTERIM_EVERY_MS;
      return [
        { is: "speaking", beginMs, lastVoiceMs, voicedMs, toldMs: interimDue ? nowMs : turn.toldMs },
        { what: "lasts", beginMs, lastedMs: lastVoiceMs - beginMs, voice, interimDue },
      ];
    }
  }
}
