/** The measured side: the real door with the carrier's routes, applying as it goes. Arguments: database URL. One line of JSON when it listens. */
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { vonageDoor } from "../../server/src/carrier/vonage/door.ts";
import { openInbox } from "../../server/src/carrier/vonage/inbox.ts";
import { systemClock } from "../../server/src/clock.ts";
import { openPool } from "../../server/src/db/pool.ts";
import { openDoor } from "../../server/src/http/door.ts";
import { openStorage } from "../../server/src/recordings/storage.ts";
import { PUBLIC_URL, SECRET } from "./carrier.ts";

const databaseUrl = process.argv[2] as string;
const pool = openPool(databaseUrl, 20);
const log = pino({ level: "silent" });
const hooks = {};
const inbox = openInbox({ pool, clock: systemClock, log, hooks });
const never = async (): Promise<never> => {
  throw new Error("This is not measured.");
};
const app = await openDoor({
  pool,
  databaseUrl,
  clock: systemClock,
  log,
  publicUrl: PUBLIC_URL,
  storage: openStorage("file:/nowhere"),
  dashboardDir: "/nowhere",
  emulatedNumbers: null,
  placeCall: never,
  hangUp: never,
  inCall: { transfer: never, pressKeys: never, mute: never, whisper: never },
  line: null,
  engines: {},
  engineKinds: [],
  secretsKey: null,
  jobs: { states: async () => [], wake: () => {} },
  asWav: () => Promise.reject(new Error("There are no recordings here.")),
  tellings: { local: false, wake: () => {} },
  carrierDoors: [
    vonageDoor({
      pool,
      clock: systemClock,
      log,
      inbox,
      hooks,
      keys: { secret: SECRET, apiKey: null, applicationId: null },
      publicUrl: PUBLIC_URL,
      number: "+12025550100",
      apiUrl: "https://api.nexmo.com",
      engineRates: { evi: [16_000] },
    }),
  ],
});
await app.listen({ port: 0, host: "127.0.0.1" });
process.stdout.write(`${JSON.stringify({ port: (app.server.address() as AddressInfo).port })}\n`);

process.stdin.resume().once("close", async () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write(`${JSON.stringify({ cpuS: (user + system) / 1e6, rssMB: Math.round(process.memoryUsage().rss / 2 ** 20) })}\n`);
  await app.close();
  await inbox.close();
  await pool.end();
  process.exit(0);
});
