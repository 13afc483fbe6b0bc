import { mkdir, readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type pg from "pg";
import { vonageCarrier } from "../carrier/vonage/client.ts";
import { examine, setWebhooks } from "../carrier/vonage/doctor.ts";
import type { Check } from "../carrier/vonage/doctor-check.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { Failure } from "../failure.ts";
import type { Storage } from "../recordings/storage.ts";
import { knownStorage } from "../recordings/storage-known.ts";
import { tryStorage } from "../recordings/storage-trial.ts";
import { type Command, type Exit, exits, type Given, Misasked, type Terminal } from "./command.ts";

/** What was looked at; the line's own checks come from carrier/vonage/doctor.ts. */
interface Finding extends Omit<Check, "name"> {
  readonly name: string;
}

/** A call of an hour leaves about 230 MB in the journal until it is recorded. */
const LEAST_FREE_BYTES = 2 * 2 ** 30;

export const doctor: Command = {
  name: "doctor",
  takes: "[--set-webhooks]",
  said: "Is everything in order? Each finding with what to do",
  more: `Looks at the configuration, the database, the disk, the storage of recordings, and the phone line: key, clock, PUBLIC_URL
(http and WebSocket, asked from here, and when Vonage last reached us; the server must be running), signatures, the application's webhooks, the number. Webhooks and number can be looked at only
with VONAGE_API_SECRET. --set-webhooks first sets the application's webhooks to ours, signed. Beside an \`npm start\` without a carrier it looks at the
emulated line in the same way.`,
  async run(args, given) {
    const { terminal } = given;
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { "set-webhooks": { type: "boolean", default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 0) throw new Misasked(`doctor does not take "${positionals[0]}"`);
    const config = given.config();
    tellOf(terminal, { name: "configuration", state: "good", said: "Every setting can be used.", remedy: null });
    for (const said of config.warnings) tellOf(terminal, { name: "configuration", state: "unknown", said, remedy: null });
    const findings = [
      await tryOut("disk", () => disk(config)),
      await tryOut("recordings", () => keeps(given.storage())),
      ...(await brokenUploads(given)),
    ];
    for (const finding of findings) tellOf(terminal, finding);
    return exitOf([...findings, ...(await withDatabase(given, config, values["set-webhooks"]))]);
  },
};

async function withDatabase(given: Given, config: Config, sets: boolean): Promise<readonly Finding[]> {
  const { terminal, database } = given;
  const opened = await database().catch((error: unknown) => asFinding("database", error));
  if ("state" in opened) {
    tellOf(terminal, opened);
    return [opened];
  }
  try {
    const good: Finding = { name: "database", state: "good", said: `The database answers (${opened.said}).`, remedy: null };
    const found = [good, ...(await isThere(given, opened.pool))];
    for (const finding of found) tellOf(terminal, finding);
    const lined = await withLine(given, config);
    if (lined !== config) tellOf(terminal, { name: "line", state: "good", said: EMULATED, remedy: null });
    const line = await lookAtLine(lined, opened.pool, sets);
    for (const finding of line) tellOf(terminal, finding);
    return [...found, ...line];
  } finally {
    await opened.close();
  }
}

/** The configuration with the emulated line that a running `npm start` brought and wrote down (scripts/emulated-world.ts), when there is no other. */
async function withLine(given: Given, config: Config): Promise<Config> {
  if (config.vonage !== null) return config;
  try {
    const line = JSON.parse(await readFile(join(config.dataDir, "emulators/line.json"), "utf8")) as Record<string, string>;
    // What was written down may be of a network that ended.
    await fetch(line.VONAGE_API_URL ?? "", { method: "HEAD", signal: AbortSignal.timeout(REACHED_MS) });
    return given.configWith(line);
  } catch {
    return config;
  }
}
const REACHED_MS = 2_000;
const EMULATED =
  "The emulated phone network of npm start, asked as Vonage would be: no VONAGE_ variable is set, and nobody is really called.";

async function lookAtLine(config: Config, pool: pg.Pool, sets: boolean): Promise<readonly Finding[]> {
  const { vonage, publicUrl } = config;
  if (vonage === null) {
    const said = "No phone line is configured: npm start brings an emulated one, and nobody is really called. It does not run now.";
    return [{ name: "line", state: "unknown", said, remedy: "Set the VONAGE_ variables for a real one." }];
  }
  const client = vonageCarrier({ ...vonage, publicUrl });
  const parts = { config: vonage, client, publicUrl, pool, clock: systemClock, apiSecret: vonage.apiSecret };
  if (!sets) return examine(parts);
  const set = await tryOut("set webhooks", async () => {
    if (vonage.apiSecret === null) throw new Misasked("--set-webhooks needs VONAGE_API_SECRET, the account's API secret");
    await setWebhooks(parts);
    return "The application's webhooks were set to ours, signed.";
  });
  return [set, ...(await examine(parts))];
}

async function disk({ dataDir }: Config): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const gigabytes = `${(free / 2 ** 30).toFixed(1)} GB`;
  if (free < LEAST_FREE_BYTES) throw new Error(`Only ${gigabytes} are free where DATA_DIR is: an hour of one call needs about 0.25 GB.`);
  return `${gigabytes} are free where DATA_DIR is.`;
}

async function keeps(place: Storage): Promise<string> {
  await tryStorage(place);
  return `Recordings can be written to ${place.place}, read back and deleted.`;
}

/** A folder whose disk is not mounted can be written to like any other: only the database knows that there should be something in it. */
async function isThere({ storage }: Given, pool: pg.Pool): Promise<readonly Finding[]> {
  const place = storage();
  if (!place.isBare) return [];
  const looked = await tryOut("recordings", async () => {
    await knownStorage(place, pool).head("recordings/none");
    return "";
  });
  return looked.state === "bad" ? [looked] : [];
}

/**
 * In a bucket the parts of an upload stay when who sends it is killed. What the server began it ends itself (recordings/begun-uploads.ts); what a command
 * or a lost database leaves only the bucket can clear away.
 */
async function brokenUploads({ storage }: Given): Promise<readonly Finding[]> {
  try {
    const place = storage();
    if (place.clearsBrokenUploads === undefined) return [];
    const name = "uploads";
    const clears = await place.clearsBrokenUploads();
    if (clears) return [{ name, state: "good", said: "The bucket clears away what is left of a broken-off upload.", remedy: null }];
    const said =
      clears === null
        ? "Whether the bucket clears away what is left of a broken-off upload could not be asked (s3:GetLifecycleConfiguration)."
        : "The bucket does not clear away what is left of a broken-off `recordings move`: no listing shows it, and it is paid for. The server clears away its own.";
    return [{ name, state: "unknown", said, remedy: "Give it a lifecycle rule: AbortIncompleteMultipartUpload, DaysAfterInitiation 1." }];
  } catch {
    return []; // it cannot be opened, as was said already
  }
}

async function tryOut(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: "good", said: await look(), remedy: null };
  } catch (error) {
    return asFinding(name, error);
  }
}

function asFinding(name: string, error: unknown): Finding {
  const said = error instanceof Error ? error.message : String(error);
  return { name, state: "bad", said, remedy: error instanceof Failure ? error.remedy : null };
}

const marks = { good: "ok ", bad: "BAD", unknown: "?  " } as const;

function tellOf({ say }: Terminal, { name, state, said, remedy }: Finding): void {
  say(`${marks[state]}  ${name.padEnd(14)}  ${said}`);
  if (remedy !== null && state !== "good") say(`${" ".repeat(21)}${remedy}`);
}

const exitOf = (findings: readonly Finding[]): Exit => (findings.some(({ state }) => state === "bad") ? exits.wrong : exits.good);
