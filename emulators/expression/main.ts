/** Hume's expression measurement as a program: `node emulators/expression/main.ts --port 8703 --api-key KEY`. See README.md beside this file. */
import { parseArgs } from "node:util";
import { log, runUntilTold } from "../program.ts";
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
  log("--api-key KEY (or EARSHOT_ENGINE_API_KEY) is needed: the key that clients must send.");
  process.exit(2);
}
const expression = await startExpression({
  port: Number(values.port),
  apiKey,
  nested: values.nested,
  breaksAfterMs: values["breaks-after-ms"] === undefined ? null : Number(values["breaks-after-ms"]),
});
runUntilTold(expression, values["with-parent"]);
