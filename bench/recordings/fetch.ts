/**
 * `node bench/recordings/fetch.ts`: many large recordings fetched at once by the whole server, with live calls beside: how much memory each costs, what
 * the calls notice, and how soon an ordinary one is playable. Writes a page with a verdict into bench/results/.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type CallId, newId } from "../../server/src/ids.ts";
import { type House, type Measured, openHouse } from "../beside/house.ts";
import type { Figures } from "../bridge/protocol.ts";
import { keepResult, machine } from "../results.ts";
import { SECRET, sender, signed } from "../webhooks/carrier.ts";

const { values } = parseArgs({
  options: {
    /** Live calls beside. */
    calls: { type: "string", default: "40" },
    files: { type: "string", default: "20" },
    megabytes: { type: "string", default: "60" },
    /** Of a column, at least. */
    seconds: { type: "string", default: "60" },
    warm: { type: "string", default: "10" },
    /** Nothing is written then. */
    dry: { type: "boolean", default: false },
  },
});
const count = Number(values.files);
const ms = Number(values.seconds) * 1000;
const loadBefore = loadavg();
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Carrier {
  readonly url: string;
  readonly privateKeyPem: string;
  /** Bytes of a file of five minutes, and of a large one. */
  readonly spoken: number;
  readonly large: number;
  stop(): void;
}

async function startCarrier(): Promise<Carrier> {
  const bytes = String(Number(values.megabytes) * 1024 * 1024);
  const child = spawn(process.execPath, [join(import.meta.dirname, "files.ts"), String(count), bytes], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  return { ...JSON.parse(String(line)), stop: () => child.stdin.end() };
}

const ACCOUNT = { api_key: "bench", application_id: "00000000-0000-4000-8000-000000000001" };
const carrier = await startCarrier();
const house = await openHouse({
  servers: 1,
  env: {
    ...{
      VONAGE_APPLICATION_ID: ACCOUNT.application_id,
      VONAGE_PRIVATE_KEY: carrier.privateKeyPem,
      VONAGE_API_KEY: "bench",
    },
    ...{ VONAGE_SIGNATURE_SECRET: SECRET, VONAGE_NUMBER: "12025550100", VONAGE_API_URL: carrier.url },
  },
});
const post = sender(Number(new URL(house.origin).port), 8);

/** A call that has just ended; its recording is announced by the carrier's webhook. */
async function announce(file: string, talkMs: number, sizeBytes: number): Promise<CallId> {
  const call = newId<CallId>();
  const endedAt = new Date();
  await house.pool.query(
    `insert into calls (id, direction, status, end_reason, answered_at, ended_at, conversation) values ($1, 'outbound', 'ended', 'caller_hung_up', $2, $3, $4)`,
    [call, new Date(endedAt.getTime() - talkMs), endedAt, `CON-${call}`],
  );
  const [recording_uuid, conversation_uuid, timestamp] = [newId(), `CON-${call}`, endedAt.toISOString()];
  const recorded = { recording_uuid, conversation_uuid, timestamp, size: sizeBytes, recording_url: `${carrier.url}/v1/files/${file}` };
  const times = { start_time: new Date(endedAt.getTime() - talkMs).toISOString(), end_time: timestamp };
  await post(signed(`/webhooks/vonage/recording?call=${call}`, { ...recorded, ...times }, ACCOUNT));
  return call;
}

async function counted(calls: readonly CallId[], statuses: readonly string[]): Promise<number> {
  const asked = "select count(*)::int as n from recordings where call_id = any($1) and source = 'carrier' and status = any($2)";
  return (await house.pool.query<{ n: number }>(asked, [calls, statuses])).rows[0]?.n ?? 0;
}

const DONE = ["verified", "failed"];
const KEPT = ["stored", ...DONE];
async function until(calls: readonly CallId[], statuses: readonly string[], everyMs = 50): Promise<void> {
  const from = performance.now();
  while ((await counted(calls, statuses)) < calls.length) {
    if (performance.now() - from > 1_800_000) throw new Error("The recordings did not come within half an hour.");
    await wait(everyMs);
  }
}

const residentMB = (of: House): number =>
  of.servers.reduce((sum, { pid }) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024, 0);

/** The most that is resident until `stop`. */
function watchMemory(): { most(): number; stop(): number } {
  let most = residentMB(house);
  const timer = setInterval(() => {
    most = Math.max(most, residentMB(house));
  }, 100);
  return {
    most: () => most,
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;

const columns: { name: string; measured: Measured }[] = [];
const playable: number[] = [];
const verified: number[] = [];
const memory = { alone: 0, fetching: 0, all: 0 };
let fetchedS = 0;
try {
  await house.connect(Number(values.calls));
  say(`${values.calls} calls, warming up ...`);
  await wait(Number(values.warm) * 1000);
  const warm: CallId[] = [];
  for (let i = count; i < count + 4; i++) warm.push(await announce(`large-${i}`, 7_200_000, carrier.large));
  await until(warm, DONE);

  say("alone ...");
  const alone = watchMemory();
  columns.push({ name: "alone", measured: await house.measure(ms) });
  memory.alone = alone.stop();

  say("an ordinary one, again and again ...");
  const ordinary = async () => {
    for (let i = 0; i < count; i++) {
      const from = performance.now();
      const call = await announce(`spoken-${i}`, 300_000, carrier.spoken);
      await until([call], KEPT, 5);
      playable.push(performance.now() - from);
      await until([call], DONE, 5);
      verified.push(performance.now() - from);
    }
  };
  columns.push({ name: "ordinary recordings", measured: await house.measure(1000, ordinary) });

  say(`${count} of ${(carrier.large / 2 ** 20).toFixed(0)} MB at once ...`);
  const calls: CallId[] = [];
  const whole = watchMemory();
  const fetchAll = async () => {
    const from = performance.now();
    for (let i = 0; i < count; i++) calls.push(await announce(`large-${i}`, 7_200_000, carrier.large));
    // Until the first lies in the storage none is decoded: this is what fetching alone costs.
    const only = watchMemory();
    while ((await counted(calls, KEPT)) === 0) await wait(20);
    memory.fetching = only.stop();
    await until(calls, KEPT);
    fetchedS = (performance.now() - from) / 1000;
  };
  columns.push({ name: "fetching", measured: await house.measure(Math.min(ms, 5000), fetchAll) });
  say("decoding the rest ...");
  columns.push({ name: "decoding", measured: await house.measure(Math.min(ms, 5000), () => until(calls, DONE)) });
  memory.all = whole.stop();
  await house.disconnect();
} finally {
  carrier.stop();
  await house.close();
}

// ---- the page ------------------------------------------------------------------------------------------------------------------

const number = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : "-");
/** How far a late figure may be from the one alone and count as unmoved: half a frame, for the 99th of a hundred. */
const LATE_MS = 10;
const P50_MS = 2;

/** Nothing lost, torn or run dry that was not so alone, and no delay longer than the margin and what the generator itself was later. */
function moved(alone: Figures, now: Figures): string[] {
  const P99_MS = LATE_MS + Math.max(0, now.generatorLateP99 - alone.generatorLateP99);
  const late: [string, number, number, number][] = [
    ["caller → engine, p50", alone.up.p50, now.up.p50, P50_MS],
    ["caller → engine, p99", alone.up.p99, now.up.p99, P99_MS],
    ["first frame, p50", alone.firstFrame.p50, now.firstFrame.p50, P50_MS],
    ["first frame, p99", alone.firstFrame.p99, now.firstFrame.p99, P99_MS],
    ["silence, p50", alone.silence.p50, now.silence.p50, P50_MS],
    ["silence, p99", alone.silence.p99, now.silence.p99, P99_MS],
    ["underruns", alone.underruns, now.underruns, 0],
    ["frames lost", alone.upLost, now.upLost, 0],
    ["frames after clear", alone.leftover, now.leftover, 0],
    ["speech off by ms", alone.speechOffMs, now.speechOffMs, 0],
  ];
  return late
    .filter(([, before, after, margin]) => Number.isFinite(after) && after > before + margin)
    .map(([name, before, after]) => `${name} ${number(before)} → ${number(after)}`);
}

const [alone] = columns;
const perFile = (memory.fetching - memory.alone) / count;
const strayed = columns
  .slice(1)
  .flatMap(({ name, measured }) =>
    moved((alone as { measured: Measured }).measured.figures, measured.figures).map((what) => `${name}: ${what}`),
  );
const p50 = percentile(playable, 0.5);
const verdicts: [boolean, string][] = [
  [
    perFile < 2,
    `memory growth while ${count} files of ${number(carrier.large / 2 ** 20, 0)} MB are fetched: ${number(perFile, 2)} MB a file (bar: 2 MB)`,
  ],
  [
    strayed.length === 0,
    strayed.length === 0 ? "the live calls' audio figures are unmoved" : `the live calls' audio figures moved: ${strayed.join("; ")}`,
  ],
  [p50 < 2000, `webhook to playable, 5-minute call: p50 ${number(p50, 0)} ms (bar: 2,000 ms)`],
];
const rows: [string, (measured: Measured) => string][] = [
  ["caller → engine, p50 / p99 ms", ({ figures: { up } }) => `${number(up.p50, 2)} / ${number(up.p99, 2)}`],
  [
    "first chunk → first frame, p50 / p99 ms",
    ({ figures: { firstFrame } }) => `${number(firstFrame.p50, 2)} / ${number(firstFrame.p99, 2)}`,
  ],
  ["interruption → silence, p50 / p99 ms", ({ figures: { silence } }) => `${number(silence.p50, 2)} / ${number(silence.p99, 2)}`],
  [
    "lead, least / middle / most ms",
    ({ figures }) => [figures.leadMin, figures.leadP50, figures.leadMax].map((lead) => number(lead, 0)).join(" / "),
  ],
  ["underruns (ms dry)", ({ figures }) => `${figures.underruns} (${number(figures.dryMs, 0)})`],
  ["caller frames lost or doubled", ({ figures }) => String(figures.upLost)],
  ["speech lost or repeated, most ms a turn", ({ figures }) => number(figures.speechOffMs, 0)],
  ["share of a core, server", ({ coreShare }) => `${number(coreShare * 100, 0)} %`],
  ["the generator's own lateness, p99 ms", ({ figures }) => number(figures.generatorLateP99, 2)],
];
const date = new Date().toISOString();
const text = `# Recordings fetched beside ${values.calls} live calls, ${date.slice(0, 16).replace("T", " ")} UTC

Machine: ${machine(loadBefore)}. The whole server in one process; carrier, callers and engine in processes of their own on the same machine. Each recording is announced by a signed webhook.

${verdicts.map(([good, what]) => `- **${good ? "good" : "NOT MET"}**: ${what}`).join("\n")}

| figure | ${columns.map(({ name }) => name).join(" | ")} |
|---|${columns.map(() => "---|").join("")}
${rows.map(([name, value]) => `| ${name} | ${columns.map(({ measured }) => value(measured)).join(" | ")} |`).join("\n")}

- ${count} files of ${number(carrier.large / 2 ** 20, 0)} MB were fetched and stored in ${number(fetchedS, 0)} s, ${number((count * carrier.large) / 2 ** 20 / fetchedS)} MB a second.
- Resident at most: ${number(memory.alone)} MB with the calls alone, ${number(memory.fetching)} MB while nothing but fetching was added, ${number(memory.all)} MB in all, decoding two-hour files included.
- Webhook to playable p50 / p95 ${number(p50, 0)} / ${number(percentile(playable, 0.95), 0)} ms, to verified ${number(percentile(verified, 0.5), 0)} / ${number(percentile(verified, 0.95), 0)} ms, one after the other (${number(carrier.spoken / 2 ** 20)} MB each).
`;
process.stdout.write(text);
if (!values.dry) {
  process.stderr.write(`written: results/${await keepResult("recordings", text)}\n`);
}
if (verdicts.some(([good]) => !good)) process.exitCode = 1;
