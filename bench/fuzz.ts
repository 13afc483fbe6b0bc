/** `node bench/fuzz.ts --minutes 5 --seed 1`: strange webhooks, tokens and REST answers to the readers of the carrier's wire, until the time is over. */
import { parseArgs } from "node:util";
import { chance } from "../server/src/carrier/vonage/test-stories.ts";
import { strangeRound } from "../server/src/carrier/vonage/test-strange.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string", default: String(Date.now() % 1_000_000) } },
});
const until = performance.now() + Number(values.minutes) * 60_000;
const seed = Number(values.seed);
const random = chance(seed);
let rounds = 0;
try {
  while (performance.now() < until) for (let i = 0; i < 1_000; i++, rounds++) strangeRound(random);
} catch (error) {
  process.stderr.write(`round ${rounds} with seed ${seed}: ${(error as Error).stack}\n`);
  process.exitCode = 1;
}
process.stdout.write(
  `${rounds} rounds in ${values.minutes} minutes, seed ${seed}: ${process.exitCode === 1 ? "stopped by the error above" : "no reader threw"}\n`,
);
