import { systemClock } from "../clock.ts";
import { openPool } from "../db/pool.ts";
import { openStorage } from "./storage.ts";
import { carrierAt } from "./test-files.ts";
import { startRecordings } from "./work.ts";

/** The room alone in a process of its own, for tests that kill it. Its parts come as JSON in argv; ends with its stdin. */
const { databaseUrl, storageUrl, journalDir, filesUrl, privateKeyPem } = JSON.parse(process.argv[2] as string) as Record<string, string>;
const log = (detail: unknown, text?: string) => void process.stderr.write(`${text ?? ""} ${JSON.stringify(detail)}\n`);
const recordings = await startRecordings({
  pool: openPool(databaseUrl as string),
  url: databaseUrl as string,
  carrier: carrierAt(filesUrl as string, privateKeyPem as string),
  storage: openStorage(storageUrl as string),
  clock: systemClock,
  log: { info: log, warn: log, error: log },
  journalDir: journalDir as string,
  audioNice: 0,
  pauseMs: () => 0,
});
process.stdin.on("data", () => recordings.wake());
process.stdin.on("end", () => process.exit(0));
process.stdout.write("ready\n");
