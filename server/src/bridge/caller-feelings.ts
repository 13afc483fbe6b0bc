import { FeelingsByTime, type Felt } from "../emotion/by-time.ts";
import type { EmotionEar, EmotionSign } from "../emotion/port.ts";
import type { Pieces } from "./parts.ts";

/**
 * Whoever measures the caller's feelings beside an engine that does not, and whose words they belong to. Places of the speech and of what was
 * measured in it are both on the clock of all the caller's samples.
 *
 * States: listening from the start to `close`, where somebody measures; deaf otherwise. Its trouble costs the call nothing. Closes only its own ear.
 */
export class CallerFeelings {
  private readonly all: Pieces;
  private readonly byTime = new FeelingsByTime();
  private readonly ear: EmotionEar | null;
  private set = "";

  constructor(all: Pieces) {
    this.all = all;
    this.ear = all.parts.emotions?.open(all.parts.rate, (sign) => this.told(sign)) ?? null;
  }

  audio(pcm: Uint8Array): void {
    this.ear?.audio(pcm);
  }

  /** Words of the caller, from and to, ms of all their sound. */
  spoke(utterance: string, fromMs: number, toMs: number): void {
    if (this.ear === null) return;
    const whose = this.byTime.spoke(utterance, fromMs, toMs);
    if (whose !== null) this.felt(this.set, whose);
  }

  /** Resolves when what was still to be measured has been told, or will not be any more. */
  async close(): Promise<void> {
    await this.ear?.close().catch((error: Error) =>
      this.all.note({
        fact: "engine troubled",
        code: "feelings_failed",
        text: `What the caller felt was not measured to the end: ${error.message}`,
      }),
    );
  }

  private told(sign: EmotionSign): void {
    const { parts, note } = this.all;
    if (sign.what === "heard")
      parts.journal.put("engineHeard", this.all.now(), JSON.stringify({ from: parts.emotions?.name, message: sign.message }));
    else if (sign.what === "trouble") note({ fact: "engine troubled", code: sign.code, text: sign.text });
    else {
      this.set = sign.set;
      const whose = this.byTime.measured(sign);
      if (whose !== null) this.felt(sign.set, whose);
    }
  }

  private felt(set: string, { utterance, scores }: Felt): void {
    this.all.transcript.told({ what: "emotion", speaker: "caller", utterance, fromMs: null, toMs: null, set, scores }, this.all.now);
  }
}
