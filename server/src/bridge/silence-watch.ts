import type { Pieces } from "./parts.ts";
import { noSilence, wait } from "./patience.ts";

/** After a word of the caller's, of an engine that does not say when they fall silent, they are taken to speak for so long. */
const CALLER_WORD_MS = 1_500;

/**
 * Asks after a caller who is silent, and says goodbye to one who stays so. Its states are those of patience.ts, which decides; here is who spoke
 * since the last look, and what is done. It looks once a second while both are there (`talking`), and closes nobody: the end is asked of others.
 */
export class SilenceWatch {
  /** Does the caller speak, as the engine tells it? */
  callerSpeaks = false;
  /** Their last word or key, monotonic ms. */
  callerAt = Number.NEGATIVE_INFINITY;
  /** Has the agent sounded since the last look? */
  agentSounded = false;
  private lull = noSilence;
  private readonly all: Pieces;

  constructor(all: Pieces) {
    this.all = all;
  }

  second(): void {
    const { parts, mouth, desk, engine, note } = this.all;
    if (parts.patience === undefined || this.all.state() !== "talking") return;
    const at = this.all.now();
    const agent = this.agentSounded || mouth.unplayedMs(at) > 0;
    this.agentSounded = false;
    const who = this.callerSpeaks || at - this.callerAt < CALLER_WORD_MS ? "caller" : agent ? "agent" : desk.busy ? "busy" : "nobody";
    const [next, patient] = wait(parts.patience, this.lull, who, at);
    this.lull = next;
    if (patient?.do === "say") {
      note({ fact: "caller silent", text: patient.text });
      engine.say(patient.text);
    }
    if (patient?.do === "end") parts.silence?.();
  }
}
