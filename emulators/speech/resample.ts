import speex from "@echogarden/speex-resampler-wasm/simd";

/** The C functions of SpeexDSP's resampler; one module holds the states of all streams. */
interface SpeexModule {
  HEAP16: Int16Array;
  HEAPU32: Uint32Array;
  _malloc(bytes: number): number;
  _speex_resampler_init(channels: number, from: number, to: number, quality: number, problem: number): number;
  _speex_resampler_process_int(state: number, channel: number, input: number, inLength: number, output: number, outLength: number): number;
  _speex_resampler_skip_zeros(state: number): number;
  _speex_resampler_get_input_latency(state: number): number;
  _speex_resampler_reset_mem(state: number): number;
  _speex_resampler_destroy(state: number): void;
}

/** 0.3-0.5 ms of processor time per second of sound; nothing of an out-of-band tone is left. */
const QUALITY = 5;
/** Samples handed to the resampler at once, each way. */
const BLOCK = 4_800;

const wasm = (await speex()) as SpeexModule;
const inputAt = wasm._malloc(BLOCK * 2);
const outputAt = wasm._malloc(BLOCK * 2);
const lengthsAt = wasm._malloc(8);

export interface Resampler {
  /** The next samples of the stream at the new rate. When the rates divide, so do the lengths, exactly, block by block. */
  push(samples: Int16Array): Int16Array;
  /** Forgets what it heard, as if newly opened. */
  reset(): void;
  /** Gives the state's memory back; nothing may be pushed afterwards. */
  free(): void;
}

/**
 * A stream from one rate (Hz) to another, mono s16. It keeps its state between blocks, so that no border is heard; what comes out is
 * 2.5-5 ms late. Equal rates pass through.
 */
export function openResampler(from: number, to: number): Resampler {
  if (from === to) return { push: (samples) => samples, reset() {}, free() {} };
  const state = openState(from, to);
  return {
    push: (samples) => run(state, samples, from, to),
    reset: () => void wasm._speex_resampler_reset_mem(state),
    free: () => wasm._speex_resampler_destroy(state),
  };
}

/** A whole sound at another rate: nothing late, exactly `round(length * to / from)` samples. */
export function resample(samples: Int16Array, from: number, to: number): Int16Array {
  if (from === to) return samples;
  const state = openState(from, to);
  try {
    wasm._speex_resampler_skip_zeros(state);
    const tail = new Int16Array(wasm._speex_resampler_get_input_latency(state) + Math.ceil(from / to));
    const body = run(state, samples, from, to);
    const rest = run(state, tail, from, to);
    const whole = new Int16Array(Math.round((samples.length * to) / from));
    whole.set(body.subarray(0, whole.length));
    if (body.length < whole.length) whole.set(rest.subarray(0, whole.length - body.length), body.length);
    return whole;
  } finally {
    wasm._speex_resampler_destroy(state);
  }
}

function openState(from: number, to: number): number {
  const state = wasm._speex_resampler_init(1, from, to, QUALITY, lengthsAt);
  if (state === 0) throw new Error(`The resampler refused ${from} -> ${to} Hz (code ${wasm.HEAPU32[lengthsAt >> 2]}).`);
  return state;
}

function run(state: number, samples: Int16Array, from: number, to: number): Int16Array {
  const out = new Int16Array(Math.ceil((samples.length * to) / from) + 8);
  let made = 0;
  let taken = 0;
  while (taken < samples.length) {
    const part = samples.subarray(taken, taken + BLOCK);
    // the heap may have moved since the last call: its views are read anew each time
    wasm.HEAP16.set(part, inputAt >> 1);
    wasm.HEAPU32[lengthsAt >> 2] = part.length;
    wasm.HEAPU32[(lengthsAt >> 2) + 1] = BLOCK;
    wasm._speex_resampler_process_int(state, 0, inputAt, lengthsAt, outputAt, lengthsAt + 4);
    taken += wasm.HEAPU32[lengthsAt >> 2] ?? 0;
    const got = wasm.HEAPU32[(lengthsAt >> 2) + 1] ?? 0;
    out.set(wasm.HEAP16.subarray(outputAt >> 1, (outputAt >> 1) + got), made);
    made += got;
  }
  return out.subarray(0, made);
}
