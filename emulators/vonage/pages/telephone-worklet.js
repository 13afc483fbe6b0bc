// @ts-check
/**
 * The microphone in frames of 20 ms at 16 kHz, and what is heard out of a small buffer. Runs in the browser's audio thread at the rate the browser
 * has: Firefox joins no microphone to a context of another rate.
 */
import { Resampler } from "./resampler.js";

const RATE = 16_000;
const FRAME = 320;
/** Sound gathered before playing begins, against the jitter of the way here. */
const GATHER_S = 0.06;
/** More than this is a delay one hears for the rest of the call. The oldest is dropped. */
const LONGEST_S = 0.3;

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.mine = new Int16Array(FRAME);
    this.filled = 0;
    this.down = new Resampler(sampleRate, RATE);
    this.up = new Resampler(RATE, sampleRate);
    /** @type {Float32Array[]} at the browser's rate */
    this.theirs = [];
    this.at = 0;
    this.waiting = 0;
    this.playing = false;
    this.port.onmessage = ({ data }) => this.heard(new Int16Array(data));
  }

  /** @param {Float32Array[][]} inputs @param {Float32Array[][]} outputs */
  process([input], [output]) {
    for (const sample of input?.[0] ?? []) this.down.push(sample, (due) => this.say(due));
    const out = output?.[0];
    if (out) this.play(out);
    return true;
  }

  /** @param {number} sample */
  say(sample) {
    this.mine[this.filled++] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
    if (this.filled < FRAME) return;
    this.port.postMessage(this.mine.slice().buffer);
    this.filled = 0;
  }

  /** @param {Int16Array} frame */
  heard(frame) {
    const sound = new Float32Array(Math.ceil((frame.length * sampleRate) / RATE) + 1);
    let made = 0;
    for (const sample of frame)
      this.up.push(sample / 32_768, (due) => {
        sound[made++] = due;
      });
    this.theirs.push(sound.subarray(0, made));
    this.waiting += made;
    while (this.waiting > LONGEST_S * sampleRate) {
      this.waiting -= (this.theirs.shift()?.length ?? 0) - this.at;
      this.at = 0;
    }
  }

  /** @param {Float32Array} out */
  play(out) {
    if (!this.playing && this.waiting < GATHER_S * sampleRate) return;
    this.playing = true;
    for (let i = 0; i < out.length; i++) {
      while (this.theirs.length > 0 && this.at >= (this.theirs[0]?.length ?? 0)) {
        this.theirs.shift();
        this.at = 0;
      }
      const sound = this.theirs[0];
      if (!sound) {
        this.playing = false;
        return;
      }
      out[i] = sound[this.at++] ?? 0;
      this.waiting--;
    }
  }
}

registerProcessor("telephone", Telephone);
