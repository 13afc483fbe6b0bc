/** OpenAI's Realtime API as a program: `node emulators/openai/main.ts --port 8702 --api-key KEY`. See README.md beside this file. */
import { parseArgs } from "node:util";
import { everyone, loadBook } from "../evi/book.ts";
import { log, runUntilTold } from "../program.ts";
import { startOpenAi } from "./server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "api-key": { type: "string" },
    as: { type: "string" },
    phrases: { type: "string" },
    people: { type: "string" },
    dump: { type: "string" },
    "think-ms": { type: "string", default: "300" },
    "transcribe-ms": { type: "string", default: "250" },
    speed: { type: "string", default: "6" },
    "session-minutes": { type: "string", default: "60" },
    "with-parent": { type: "boolean", default: false },
  },
});

const openai = await startOpenAi({
  port: Number(values.port),
  apiKey: (values["api-key"] ?? process.env.EARSHOT_ENGINE_API_KEY) || null,
  as: values.as ?? null,
  listener: await loadBook({ people: everyone(values.people ?? null), folder: values.phrases ?? null, log }),
  dumpFolder: values.dump ?? null,
  pace: { thinkMs: Number(values["think-ms"]), speed: Number(values.speed), transcribeMs: Number(values["transcribe-ms"]) },
  sessionMs: Number(values["session-minutes"]) * 60_000,
  log,
});
runUntilTold(openai, values["with-parent"]);
