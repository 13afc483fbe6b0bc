declare module "@echogarden/speex-resampler-wasm/simd" {
  export default function load(): Promise<unknown>;
}
