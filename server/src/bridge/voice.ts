/**
 * Does the caller speak? An estimate by loudness alone, cheap enough for every frame of every call: it only has to notice an engine that does not
 * react to speech, and what it takes for speech wrongly costs little (deadlines.ts). Every fourth sample is looked at; nothing is allocated.
 *
 * States: quiet, speaking. It becomes speaking after VOICED_FRAMES loud frames with no pause of PAUSE_FRAMES between them, and quiet after
 * PAUSE_FRAMES that are not loud. Loud is what is LOUDER times the power of the line's own noise: the least power of the last two windows, since
 * speech, unlike noise, has its gaps.
 */
const STRIDE = 4;
/** 400 ms: a word, and longer than a click or a cough's first burst. */
const VOICED_FRAMES = 20;
/** 800 ms: longer than the pauses within a sentence. */
const PAUSE_FRAMES = 40;
const FRAME_MS = 20;
/** 10 dB over the line's noise. */
const LOUDER = 10;
/** A root mean square of 260 (-42 dBFS): speech on a telephone is far above. */
const LEAST_POWER = 260 * 260;
/** 1.5 s: a steady noise that begins in mid-call is known for one after two of them. */
const WINDOW_FRAMES = 75;

export class Voice {
  private least = Number.POSITIVE_INFINITY;
  private leastBefore = 0;
  private frames = 0;
  private voiced = 0;
  private pause = 0;
  private speaking = false;

  /** One frame of 20 ms, s16le. True: speech has begun; false: it is over, and has been for `PAUSE_MS`; null: as before. */
  hears(pcm: Uint8Array): boolean | null {
    let sum = 0;
    let count = 0;
    for (let at = 0; at + 1 < pcm.length; at += 2 * STRIDE) {
      const sample = (((pcm[at] as number) | ((pcm[at + 1] as number) << 8)) << 16) >> 16;
      sum += sample * sample;
      count++;
    }
    if (count === 0) return null;
    const power = sum / count;
    if (power < this.least) this.least = power;
    if (++this.frames === WINDOW_FRAMES) {
      this.leastBefore = this.least;
      this.least = power;
      this.frames = 0;
    }
    if (power > LEAST_POWER && power > Math.min(this.least, this.leastBefore) * LOUDER) {
      this.pause = 0;
      this.voiced++;
      if (this.speaking || this.voiced < VOICED_FRAMES) return null;
      this.speaking = true;
      return true;
    }
    if (++this.pause < PAUSE_FRAMES) return null;
    this.voiced = 0;
    if (!this.speaking) return null;
    this.speaking = false;
    return false;
  }
}

/** How long ago the last sound was when speech is found to be over. */
export const PAUSE_MS = PAUSE_FRAMES * FRAME_MS;
