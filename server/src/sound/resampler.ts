import speex from "@echogarden/speex-resampler-wasm/simd";

/** The C functions of SpeexDSP's resampler; one WASM module of 16 MB holds the states of all streams of this process. */
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

/** Quality 5 of 10: an out-of-band tone is gone to the last bit, 0.47 ms of processor a second of 48 kHz sound (quality 10: 3.1 ms). */
const QUALITY = 5;
/** Samples handed over at once, each way: 100 ms at 48 kHz. */
const BLOCK = 4_800;

const wasm = (await speex()) as SpeexModule;
const inputAt = wasm._malloc(BLOCK * 2);
const outputAt = wasm._malloc(BLOCK * 2);
const lengthsAt = wasm._malloc(8);

/** One stream of sound from one rate to another, mono s16. Keeps its state between blocks, so that no border is heard. */
export interface Resampler {
  /** The next samples at the new rate. The answer is valid until the next call of any resampler: copy to keep. */
  push(samples: Int16Array): Int16Array;
  /** The sound is over: the few samples still inside the filter, so that in all `ceil(samples × to / from)` came out. Then as new. */
  end(): Int16Array;
  /** Forgets what it heard, as if newly opened. */
  reset(): void;
  /** Gives the memory back; nothing may be asked of it afterwards. */
  free(): void;
}

const nothing = new Int16Array(0);

/** Opens a stream from `from` to `to` Hz. Equal rates pass through untouched. Sample n comes out at time n: the filter's delay is taken off. */
export function openResampler(from: number, to: number): Resampler {
  if (from === to) return { push: (samples) => samples, end: () => nothing, reset() {}, free() {} };
  const state = wasm._speex_resampler_init(1, from, to, QUALITY, lengthsAt);
  if (state === 0) throw new Error(`The resampler refused ${from} -> ${to} Hz (code ${wasm.HEAPU32[lengthsAt >> 2]}).`);
  wasm._speex_resampler_skip_zeros(state);
  let taken = 0;
  let made = 0;
  let freed = false;

  const reset = (): void => {
    wasm._speex_resampler_reset_mem(state);
    wasm._speex_resampler_skip_zeros(state);
    taken = 0;
    made = 0;
  };
  const push = (samples: Int16Array): Int16Array => {
    const out = run(state, samples, from, to);
    taken += samples.length;
    made += out.length;
    return out;
  };
  return {
    push,
    end() {
      const whole = Math.ceil((taken * to) / from);
      const missing = whole - made;
      if (missing <= 0) {
        reset();
        return nothing;
      }
      const tail = run(state, new Int16Array(wasm._speex_resampler_get_input_latency(state) + Math.ceil(from / to) + 1), from, to);
      reset();
      return tail.subarray(0, missing);
    },
    reset,
    free() {
      if (!freed) wasm._speex_resampler_destroy(state);
      freed = true;
    },
  };
}

let scratch = new Int16Array(32_768);

function run(state: number, samples: Int16Array, from: number, to: number): Int16Array {
  const most = Math.ceil((samples.length * to) / from) + 8;
  if (scratch.length < most) scratch = new Int16Array(most * 2);
  let made = 0;
  let taken = 0;
  while (taken < samples.length) {
    const part = samples.subarray(taken, taken + BLOCK);
    // the heap may have grown since the last call: its views are read anew each time
    wasm.HEAP16.set(part, inputAt >> 1);
    wasm.HEAPU32[lengthsAt >> 2] = part.length;
    wasm.HEAPU32[(lengthsAt >> 2) + 1] = BLOCK;
    wasm._speex_resampler_process_int(state, 0, inputAt, lengthsAt, outputAt, lengthsAt + 4);
    taken += wasm.HEAPU32[lengthsAt >> 2] as number;
    const got = wasm.HEAPU32[(lengthsAt >> 2) + 1] as number;
    scratch.set(wasm.HEAP16.subarray(outputAt >> 1, (outputAt >> 1) + got), made);
    made += got;
  }
  return scratch.subarray(0, made);
}
