import fvad from "@echogarden/fvad-wasm";

/** WebRTC's voice activity detector (libfvad). One module holds the states of all calls; it is loaded with this file. */
interface FvadModule {
  HEAP16: Int16Array;
  _malloc(bytes: number): number;
  _fvad_new(): number;
  _fvad_free(state: number): void;
  _fvad_reset(state: number): void;
  _fvad_set_mode(state: number, mode: number): number;
  _fvad_set_sample_rate(state: number, rate: number): number;
  _fvad_process(state: number, frame: number, length: number): number;
}

/** Hz of the frames. */
export const VAD_RATE = 16_000;
/** Samples of one frame: 20 ms. */
export const VAD_FRAME = 320;
const VAD_FRAME_MS = 20;

const wasm = (await fvad()) as FvadModule;
const frameAt = wasm._malloc(VAD_FRAME * 2);

export interface Vad {
  /** Is there a voice in this frame of 320 samples (20 ms at 16 kHz)? Frames must come in order; silence included. */
  hears(frame: Int16Array): boolean;
  reset(): void;
  /** Gives the state's memory back; nothing may be asked afterwards. */
  free(): void;
}

/** @param mode 0 (lets most through) to 3 (the strictest; hit 95-98% of real prompts' frames with least false alarms) */
export function openVad(mode: 0 | 1 | 2 | 3 = 3): Vad {
  const state = wasm._fvad_new();
  const prepare = (): void => {
    wasm._fvad_set_mode(state, mode);
    wasm._fvad_set_sample_rate(state, VAD_RATE);
  };
  prepare();
  return {
    hears(frame) {
      if (frame.length !== VAD_FRAME) throw new RangeError(`A frame has ${VAD_FRAME} samples, this one ${frame.length}.`);
      wasm.HEAP16.set(frame, frameAt >> 1);
      return wasm._fvad_process(state, frameAt, VAD_FRAME) === 1;
    },
    reset() {
      wasm._fvad_reset(state);
      prepare();
    },
    free() {
      wasm._fvad_free(state);
    },
  };
}

export interface SpeechWatch {
  /** Hears samples of any number (16 kHz mono) and says whether someone is speaking after the last of them. */
  push(samples: Int16Array): boolean;
  readonly speaking: boolean;
  /** Ms of sound heard so far. */
  readonly heardMs: number;
  /** When the present speech began, or the last one if there is none now; ms of sound; null before the first. */
  readonly beganMs: number | null;
  /** Ms of sound since the last frame with a voice; everything heard if there was none. */
  readonly silentMs: number;
  free(): void;
}

/**
 * Speech with hysteresis, on the clock of the sound itself: it begins after `onsetMs` of voice in a row, and lasts until `hangoverMs`
 * without any.
 */
export function openSpeechWatch({
  mode = 3,
  onsetMs = 60,
  hangoverMs = 200,
}: {
  mode?: 0 | 1 | 2 | 3;
  onsetMs?: number;
  hangoverMs?: number;
} = {}): SpeechWatch {
  const vad = openVad(mode);
  const frame = new Int16Array(VAD_FRAME);
  let filled = 0;
  let heardMs = 0;
  let voicedMs = 0;
  let lastVoiceMs: number | null = null;
  let speaking = false;
  let beganMs: number | null = null;

  function hear(): void {
    heardMs += VAD_FRAME_MS;
    if (vad.hears(frame)) {
      voicedMs += VAD_FRAME_MS;
      lastVoiceMs = heardMs;
      if (!speaking && voicedMs >= onsetMs) {
        speaking = true;
        beganMs = heardMs - voicedMs;
      }
    } else {
      voicedMs = 0;
      if (speaking && heardMs - (lastVoiceMs ?? 0) >= hangoverMs) speaking = false;
    }
  }

  return {
    push(samples) {
      let at = 0;
      while (at < samples.length) {
        const part = samples.subarray(at, at + VAD_FRAME - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === VAD_FRAME) {
          filled = 0;
          hear();
        }
      }
      return speaking;
    },
    get speaking() {
      return speaking;
    },
    get heardMs() {
      return heardMs;
    },
    get beganMs() {
      return beganMs;
    },
    get silentMs() {
      return heardMs - (lastVoiceMs ?? 0);
    },
    free: () => vad.free(),
  };
}
