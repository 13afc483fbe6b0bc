// @ts-check
/**
 * The ring of a phone in the browser. A browser lets a page sound only once somebody has pressed something in it: until then a call rings without
 * sound, and the page says so. See https://developer.mozilla.org/docs/Web/Media/Guides/Autoplay.
 */

/** The two notes of North America's ring, and how it goes: two seconds of six. See https://www.itu.int/rec/T-REC-E.180. */
const NOTES_HZ = [440, 480];
const RINGS_S = 2;
const EVERY_S = 6;
/** Soft: some 20 dB below what a voice on the line can be, both notes together. */
const LOUDNESS = 0.04;
/** Each ring swells and fades, and stops, within this: a sound that breaks off clicks. */
const FADE_S = 0.04;

/** One ring and the pause after it. @param {BaseAudioContext} context @returns {AudioBuffer} */
function oneRing(context) {
  const rate = context.sampleRate;
  const buffer = context.createBuffer(1, EVERY_S * rate, rate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < RINGS_S * rate; i++) {
    const at = i / rate;
    const swell = Math.min(1, at / FADE_S, (RINGS_S - at) / FADE_S);
    samples[i] = swell * NOTES_HZ.reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * at), 0);
  }
  return buffer;
}

/**
 * States: at rest; ringing aloud; ringing, but `held` by the browser until somebody presses something in the page.
 * @param {(held: boolean) => void} told hears whether the browser holds the sound back; only while it rings
 */
export function newRing(told) {
  /** One for the page's life: a browser that let it sound once lets it again. @type {AudioContext | null} */
  let context = null;
  /** @type {{ source: AudioBufferSourceNode, gain: GainNode } | null} */
  let ringing = null;

  /** Whether it ever sounded: one that may begins again a moment after it is asked to, and is not held meanwhile. */
  let sounded = false;

  const look = () => {
    if (context?.state === "running") sounded = true;
    if (ringing) told(!sounded);
  };
  const opened = () => {
    if (context) return context;
    context = new AudioContext();
    context.addEventListener("statechange", look);
    return context;
  };
  // Nothing is opened before a call rings: a call that is placed from here has the machine's sound to itself.
  for (const way of /** @type {const} */ (["pointerup", "keydown"]))
    addEventListener(way, () => {
      if (ringing && !sounded) context?.resume().catch(() => {});
    });

  return {
    /** Rings until it is stopped; a second start changes nothing. */
    start() {
      if (ringing) return;
      const sound = opened();
      const source = new AudioBufferSourceNode(sound, { buffer: oneRing(sound), loop: true });
      const gain = new GainNode(sound, { gain: LOUDNESS });
      source.connect(gain).connect(sound.destination);
      source.start();
      ringing = { source, gain };
      // settles only when the browser allows it
      sound.resume().catch(() => {});
      look();
    },
    stop() {
      if (!context || !ringing) return;
      const { source, gain } = ringing;
      const sound = context;
      ringing = null;
      told(false);
      // nothing of it is left to be heard once the browser lets the page sound
      if (sound.state !== "running") return gain.disconnect();
      const now = sound.currentTime;
      gain.gain.setTargetAtTime(0, now, FADE_S / 4);
      source.stop(now + FADE_S);
      source.onended = () => {
        gain.disconnect();
        if (!ringing) void sound.suspend();
      };
    },
  };
}
