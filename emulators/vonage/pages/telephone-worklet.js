// @ts-check
/** The microphone in frames of 20 ms, and what is heard out of a small buffer. Runs in the browser's audio thread at 16 kHz. */

const FRAME = 320;
/** Samples gathered before playing begins, against the jitter of the way here: 60 ms. */
const GATHER = 960;
/** More than this is a delay one hears for the rest of the call: 300 ms. The oldest is dropped. */
const LONGEST = 4_800;

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.mine = new Int16Array(FRAME);
    this.filled = 0;
    /** @type {Int16Array[]} */
    this.theirs = [];
    this.at = 0;
    this.waiting = 0;
    this.playing = false;
    this.port.onmessage = ({ data }) => {
      this.theirs.push(new Int16Array(data));
      this.waiting += FRAME;
      while (this.waiting > LONGEST) {
        this.waiting -= (this.theirs.shift()?.length ?? 0) - this.at;
        this.at = 0;
      }
    };
  }

  /** @param {Float32Array[][]} inputs @param {Float32Array[][]} outputs */
  process([input], [output]) {
    for (const sample of input?.[0] ?? []) {
      this.mine[this.filled++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
      if (this.filled < FRAME) continue;
      this.port.postMessage(this.mine.slice().buffer);
      this.filled = 0;
    }
    const out = output?.[0];
    if (out) this.play(out);
    return true;
  }

  /** @param {Float32Array} out */
  play(out) {
    if (!this.playing && this.waiting < GATHER) return;
    this.playing = true;
    for (let i = 0; i < out.length; i++) {
      const frame = this.theirs[0];
      if (!frame) {
        this.playing = false;
        return;
      }
      out[i] = (frame[this.at++] ?? 0) / 32_768;
      this.waiting--;
      if (this.at < frame.length) continue;
      this.theirs.shift();
      this.at = 0;
    }
  }
}

registerProcessor("telephone", Telephone);
