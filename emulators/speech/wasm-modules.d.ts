declare module "@echogarden/fvad-wasm" {
  export default function load(): Promise<unknown>;
}
declare module "@echogarden/speex-resampler-wasm/simd" {
  export default function load(): Promise<unknown>;
}
/** What is used of the global that Node has and its types leave to the browser's. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  interface Module {
    readonly [Symbol.toStringTag]: "WebAssembly.Module";
  }
  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: Imports): Promise<Instance>;
}
