/** The encoder's thread: about 7 ms of processor time per second of sound. */
import { parentPort } from "node:worker_threads";
import { createMp3Encoder } from "wasm-media-encoders";

export interface EncodeRequest {
  readonly channels: readonly Int16Array[];
  readonly rate: number;
  readonly kbps: 16 | 24 | 32 | 40 | 48 | 64 | 80 | 96 | 128 | 160;
}

const encoder = await createMp3Encoder();
/** Samples per step, so that the float copies stay small whatever the length of the call. */
const BLOCK = 64_000;

function encode({ channels, rate, kbps }: EncodeRequest): Uint8Array {
  const length = channels[0]?.length ?? 0;
  encoder.configure({ sampleRate: rate, channels: channels.length === 2 ? 2 : 1, bitrate: kbps, outputSampleRate: rate as 16000 });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < length; at += BLOCK) {
    const block = channels.map((channel) => Float32Array.from(channel.subarray(at, at + BLOCK), (sample) => sample / 32_768));
    parts.push(encoder.encode(block).slice()); // the encoder reuses what it hands out
  }
  parts.push(encoder.finalize().slice());
  return Buffer.concat(parts);
}

parentPort?.on("message", ({ id, request }: { id: number; request: EncodeRequest }) => {
  try {
    parentPort?.postMessage({ id, ok: true, result: encode(request) });
  } catch (problem) {
    parentPort?.postMessage({ id, ok: false, problem: problem instanceof Error ? problem.message : String(problem) });
  }
});
