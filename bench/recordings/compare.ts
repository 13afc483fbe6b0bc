import { detections, falseAlarms } from "../../server/src/recordings/audio/test-damage.ts";

/** Prints the figures of COMPARING.md: `node bench/recordings/compare.ts [pairs]`. */
const pairs = Number(process.argv[2] ?? 500);
const harmless = falseAlarms(pairs, 1);
console.log(
  `harmless pairs: ${pairs}, false alarms: ${harmless.alarms.length}, worst offset error ${harmless.worstOffsetMs.toFixed(1)} ms, worst drift error ${harmless.worstDriftPpm.toFixed(0)} ppm`,
);
for (const alarm of harmless.alarms.slice(0, 5)) console.log("  ", JSON.stringify(alarm));
const damaged = Math.max(1, Math.round(pairs / 5));
for (const [fault, times] of Object.entries(detections(damaged, 7))) console.log(`${fault}: found ${times} of ${damaged}`);
