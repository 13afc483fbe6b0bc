/** Hume's EVI as a program: `node emulators/evi/main.ts --port 8701 --api-key KEY`. See README.md beside this file. */
import { parseArgs } from "node:util";
import { everyone, loadBook } from "./book.ts";
import { startEvi } from "./server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "api-key": { type: "string" },
    phrases: { type: "string" },
    people: { type: "string" },
    dump: { type: "string" },
    "webhook-key": { type: "string" },
    "keep-audio-mb": { type: "string", default: "64" },
    "think-ms": { type: "string", default: "350" },
    speed: { type: "string", default: "3" },
    "with-parent": { type: "boolean", default: false },
  },
});
const apiKey = values["api-key"];
if (!apiKey) {
  process.stderr.write("--api-key KEY is needed: the key that clients must send.\n");
  process.exit(2);
}

const log = (text: string): void => void process.stderr.write(`${text}\n`);
const evi = await startEvi({
  port: Number(values.port),
  apiKey,
  listener: await loadBook({ people: everyone(values.people ?? null), folder: values.phrases ?? null, log }),
  keepAudioBytes: Number(values["keep-audio-mb"]) * 1024 * 1024,
  ...(values["webhook-key"] && { webhookSigningKey: values["webhook-key"] }),
  dumpFolder: values.dump ?? null,
  pace: { thinkMs: Number(values["think-ms"]), speed: Number(values.speed) },
  log,
});
process.stdout.write(`${JSON.stringify({ ready: true, url: evi.url })}\n`);

const stop = (): void => void evi.close().then(() => process.exit(0));
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
if (values["with-parent"]) process.stdin.on("end", stop).on("error", stop).resume();
