import { openSpeechWatch } from "../speech/vad.ts";
import type { Heard, HeardSpeech } from "./events.ts";
import type { Leg } from "./leg.ts";
import { SILENCE } from "./mix.ts";
import type { ActionNamed } from "./ncco.ts";
import type { Run } from "./run.ts";
import type { Ticker } from "./ticker.ts";
import { saidBetween } from "./transcript.ts";

export interface Collected {
  readonly dtmf: Heard | null;
  readonly speech: HeardSpeech | null;
}

/**
 * Collects keys and listens for speech, as an `input` action says; whichever is complete first ends it. The time for keys begins when the prompt
 * before it is over, and anew with each key. Real voice activity decides when speech began and ended; its words are those of the person's script.
 */
export function collectInput(ticker: Ticker, leg: Leg, run: Run, action: ActionNamed<"input">): Promise<Collected> {
  const wantsKeys = action.type.includes("dtmf");
  const wantsSpeech = action.type.includes("speech");
  const { dtmf, speech } = action;
  return run.wait<Collected>((done) => {
    let digits = "";
    let waitedMs = 0;
    let speechMs = 0;
    const ear = wantsSpeech ? openSpeechWatch() : null;
    const keyed = (timedOut: boolean): void => done({ dtmf: { digits: digits === "" ? null : digits, timedOut }, speech: null });
    const beganMs = ticker.nowMs;
    const spoke = (timeoutReason: HeardSpeech["timeoutReason"]): void =>
      done({ dtmf: null, speech: { timeoutReason, text: saidBetween(leg.spoken, beganMs, ticker.nowMs) } });
    const pressed = (digit: string): void => {
      if (!wantsKeys) return;
      leg.prompts.stop();
      waitedMs = 0;
      const submits = dtmf.submitOnHash && digit === "#";
      if (!submits) digits += digit;
      if (submits || digits.length >= dtmf.maxDigits) keyed(false);
    };
    const beat = ticker.onTick(() => {
      if (ear) {
        const speaking = ear.push(leg.said ?? SILENCE);
        if (speaking) leg.prompts.stop();
        if (ear.beganMs !== null) {
          speechMs += 20;
          if (speechMs >= speech.maxDuration * 1_000) return spoke("max_duration");
          if (!speaking && ear.silentMs >= speech.endOnSilence * 1_000) return spoke("end_on_silence_timeout");
          return;
        }
      }
      if (leg.prompts.busy) return;
      waitedMs += 20;
      if (wantsKeys && (digits !== "" || !wantsSpeech) && waitedMs >= dtmf.timeOut * 1_000) return keyed(true);
      if (wantsSpeech && digits === "" && waitedMs >= speech.startTimeout * 1_000) spoke("start_timeout");
    });
    leg.onKey.add(pressed);
    return () => {
      beat();
      leg.onKey.delete(pressed);
      ear?.free();
    };
  });
}
