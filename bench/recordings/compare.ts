import { detections, falseAlarms, type Talk } from "../../server/src/recordings/audio/test-damage.ts";
import { humanTalk } from "../../server/src/recordings/audio/test-human.ts";
import { conversation } from "../../server/src/recordings/audio/test-sounds.ts";

/** Prints the figures of COMPARING.md: `node bench/recordings/compare.ts [pairs]`. Ends with 1 on a false alarm, or when a fault was not found. */
const pairs = Number(process.argv[2] ?? 500);
const damaged = Math.max(1, Math.round(pairs / 5));
const human = humanTalk();
if (human === null) console.log("No human speech here: apt-get install asterisk-core-sounds-en-wav");
const talks: readonly (readonly [string, Talk])[] = [["synthetic", conversation], ...(human ? [["human", human] as const] : [])];
for (const [name, talk] of talks) {
  const { alarms, worstOffsetMs, worstDriftPpm } = falseAlarms(pairs, 1, talk);
  console.log(
    `${name}: harmless pairs: ${pairs}, false alarms: ${alarms.length}, worst offset error ${worstOffsetMs.toFixed(1)} ms, worst drift error ${worstDriftPpm.toFixed(0)} ppm`,
  );
  for (const alarm of alarms.slice(0, 5)) console.log("  ", JSON.stringify(alarm));
  for (const [fault, times] of Object.entries(detections(damaged, 7, talk))) {
    console.log(`${name}: ${fault}: found ${times} of ${damaged}`);
    if (times < damaged) process.exitCode = 1;
  }
  if (alarms.length > 0) process.exitCode = 1;
}
