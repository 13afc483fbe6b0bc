/** Hume's expression measurement as a program: `node emulators/expression/main.ts --port 8703 --api-key KEY`. See README.md beside this file. */
import { parseArgs } from "node:util";
import { startExpression } from "./server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "api-key": { type: "string" },
    nested: { type: "boolean", default: false },
    "breaks-after-ms": { type: "string" },
    "with-parent": { type: "boolean", default: false },
  },
});
const apiKey = values["api-key"] ?? process.env.EARSHOT_ENGINE_API_KEY;
if (!apiKey) {
  process.stderr.write("--api-key KEY (or EARSHOT_ENGINE_API_KEY) is needed: the key that clients must send.\n");
  process.exit(2);
}
const expression = await startExpression({
  port: Number(values.port),
  apiKey,
  nested: values.nested,
  breaksAfterMs: values["breaks-after-ms"] === undefined ? null : Number(values["breaks-after-ms"]),
});
process.stdout.write(`${JSON.stringify({ ready: true, url: expression.url })}\n`);

const stop = (): void => void expression.close().then(() => process.exit(0));
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
if (values["with-parent"]) process.stdin.on("end", stop).on("error", stop).resume();
