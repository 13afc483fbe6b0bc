declare module "@echogarden/fvad-wasm" {
  export default function load(): Promise<unknown>;
}
declare module "@echogarden/speex-resampler-wasm/simd" {
  export default function load(): Promise<unknown>;
}
