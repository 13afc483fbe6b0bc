import speex from "@echogarden/speex-resampler-wasm/simd";

interface SpeexModule {
  HEAP16: Int16Array;
  HEAPU32: Uint32Array;
  _malloc(bytes: number): number;
  _speex_resampler_init(channels: number, from: number, to: number, quality: number, problem: number): number;
  _speex_resampler_process_int(state: number, channel: number, input: number, inLength: number, output: number, outLength: number): number;
  _speex_resampler_destroy(state: number): void;
}
const wasm = (await speex()) as SpeexModule;
const BLOCK = 67_200;
const inputAt = wasm._malloc(BLOCK * 2);
const outputAt = wasm._malloc(BLOCK * 2);
const lengthsAt = wasm._malloc(8);

/** The library's resampler, quality 5, as the floor uses it: one call for a whole chunk of EVI's. */
export function openSpeex(from: number, to: number, quality = 5): { push(samples: Int16Array): Int16Array; free(): void } {
  const state = wasm._speex_resampler_init(1, from, to, quality, lengthsAt);
  return {
    push(samples) {
      const part = samples.subarray(0, BLOCK);
      wasm.HEAP16.set(part, inputAt >> 1);
      wasm.HEAPU32[lengthsAt >> 2] = part.length;
      wasm.HEAPU32[(lengthsAt >> 2) + 1] = BLOCK;
      wasm._speex_resampler_process_int(state, 0, inputAt, lengthsAt, outputAt, lengthsAt + 4);
      return wasm.HEAP16.slice(outputAt >> 1, (outputAt >> 1) + (wasm.HEAPU32[(lengthsAt >> 2) + 1] as number));
    },
    free: () => wasm._speex_resampler_destroy(state),
  };
}
