import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeSocketToken, redeemSocketToken } from "../src/calls/socket-token.ts";
import type { CallId } from "../src/ids.ts";
import { renderStereo } from "../src/journal/audio.ts";
import { journalPath } from "../src/journal/file.ts";
import { readJournal } from "../src/journal/read.ts";
import { type BridgeHouse, openBridgeHouse } from "./bridge-house.ts";
import { babble, type CarrierSocket, openCarrierSocket } from "./carrier-socket.ts";
import { type FreshDatabase, freshDatabase } from "./database.ts";
import { type Program, startProgram } from "./program.ts";

const KEY = "test-key";
let database: FreshDatabase;
let evi: Program;
let house: BridgeHouse;

beforeAll(async () => {
  database = await freshDatabase();
  evi = await startProgram(join(import.meta.dirname, "../../emulators/evi/main.ts"), ["--api-key", KEY, "--think-ms", "50"]);
  house = await openBridgeHouse(database.pool, evi.url, KEY);
});
afterAll(async () => {
  await house?.close();
  await evi?.stop();
  await database?.drop();
});

interface Row {
  speaker: string;
  text: string;
  started_ms: number;
  ended_ms: number;
  cut: boolean;
  heard_ms: number | null;
  emotions: Buffer | null;
}
const said = async (call: CallId): Promise<Row[]> =>
  (await database.pool.query<Row>("select * from utterances where call_id = $1 order by started_ms, id", [call])).rows;
const kinds = async (call: CallId): Promise<string[]> =>
  (await database.pool.query<{ kind: string }>("select kind from events where call_id = $1 order by at, id", [call])).rows.map(
    ({ kind }) => kind,
  );
const loud = (pcm: Buffer): boolean => {
  for (let i = 0; i < pcm.length; i += 2) if (Math.abs(pcm.readInt16LE(i)) > 500) return true;
  return false;
};
/** Speech of whole seconds, without a pause. */
function chatter(seconds: number): Int16Array {
  const second = babble(1_000);
  const all = new Int16Array(seconds * second.length);
  for (let at = 0; at < all.length; at += second.length) all.set(second, at);
  return all;
}
/** What the engine does in the call at this moment; null where it does not know of it. */
async function atEvi(call: CallId): Promise<string | null> {
  const answer = await fetch(`${evi.url}/emulator/chats/${call}`);
  return answer.ok ? ((await answer.json()) as { doing: string }).doing : null;
}
/**
 * Resolves when the agent has been silent for as long as the lead: nothing new came, and what came has been played. Looked at often in that time:
 * a process that was held up finds the clock gone on before it reads the frames that came meanwhile.
 */
function quiet(carrier: CarrierSocket): Promise<void> {
  let looks = 0;
  let came = -1;
  return carrier.until(() => {
    looks = came === carrier.frames.length ? looks + 1 : 0;
    came = carrier.frames.length;
    return looks > 20 && performance.now() - (carrier.frames.at(-1)?.at ?? 0) > 400;
  });
}

/** Resolves when so many turns are in the rows, the agent's greeting the first, and the agent has said all of its last. */
async function turns(call: CallId, carrier: CarrierSocket, count: number): Promise<void> {
  const speakers = async () => (await said(call)).map(({ speaker }) => speaker).filter((one, at, all) => one !== all[at - 1]);
  await vi.waitFor(async () => expect((await speakers()).length).toBeGreaterThanOrEqual(count), { interval: 100 });
  await quiet(carrier);
}

/** Greeted, the caller says something and is answered, and the call ends. Gives back the line. */
async function oneExchange(call: CallId): Promise<CarrierSocket> {
  const carrier = await house.connect(call);
  await turns(call, carrier, 1);
  await carrier.say(babble(1_500));
  await turns(call, carrier, 3);
  await house.bridges.end(call);
  return carrier;
}

test.concurrent("the agent greets at once, hears the caller, answers, and everything said is in the rows while the call runs", async () => {
  const call = await house.newCall();
  const carrier = await oneExchange(call);

  const rows = await said(call);
  expect(rows.map(({ speaker }) => speaker).slice(0, 3)).toEqual(["agent", "caller", "agent"]);
  expect(rows[0]?.text).toBe("Hello, this is the desk.");
  expect(rows.every(({ started_ms, ended_ms }) => started_ms >= 0 && ended_ms > started_ms)).toBe(true);
  expect(rows.filter(({ speaker }) => speaker === "agent").every(({ cut, heard_ms }) => !cut && (heard_ms ?? 0) > 0)).toBe(true);
  expect(rows.every(({ emotions }) => emotions !== null)).toBe(true);
  expect(rows[1]?.ended_ms).toBeLessThanOrEqual(rows[2]?.started_ms ?? 0);
  expect(new Set(carrier.frames.map(({ pcm }) => pcm.length))).toEqual(new Set([640]));
  expect(await kinds(call)).toContain("engine.ready");
  expect(house.warnings.filter((warning) => warning.includes(call))).toEqual([]);
});

test.concurrent("the journal holds the caller to the sample and the agent as it was played, side by side", async () => {
  const call = await house.newCall();
  const carrier = await house.connect(call);
  await carrier.until(() => carrier.frames.some(({ pcm }) => loud(pcm)));
  await quiet(carrier);
  const greeting = carrier.frames.slice();
  await carrier.say(babble(600));
  const spoken = carrier.spoken();
  await carrier.until(() => carrier.spoken().length >= spoken.length + 16_000);
  carrier.close();
  await carrier.closed;
  await house.bridges.end(call);

  const path = journalPath(house.journalDir, call);
  const heard: Buffer[] = [];
  const began = new Map<string, number>();
  for await (const { kind, atMs, payload } of readJournal(path).records) {
    if (!began.has(kind)) began.set(kind, atMs);
    if (kind === "callerFrame") heard.push(Buffer.from(payload));
  }
  const caller = Buffer.concat(heard);
  expect(caller.subarray(0, spoken.length * 2).equals(Buffer.from(spoken.buffer))).toBe(true);

  const sound = await renderStereo(path, { rate: 16_000 });
  const left: number[] = [];
  const right: number[] = [];
  for await (const block of sound.blocks) {
    for (let i = 0; i < block.length; i += 2) {
      left.push(block[i] as number);
      right.push(block[i + 1] as number);
    }
  }
  expect(Math.abs(left.length / 16 - sound.durationMs)).toBeLessThanOrEqual(1);
  const first = Buffer.concat(greeting.map(({ pcm }) => pcm));
  const start =
    right.findIndex((sample) => sample !== 0) - new Int16Array(first.buffer, first.byteOffset, first.length / 2).findIndex((s) => s !== 0);
  expect(Math.abs(start / 16 - ((began.get("playedFrame") ?? 0) - (began.get("callerFrame") ?? 0)))).toBeLessThan(1_000);
  // A loaded machine may leave a pause between two frames; every frame is there, whole and in order.
  let place = start;
  for (const { pcm } of greeting) {
    const samples = new Int16Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.length));
    const found = Array.from({ length: right.length - place }, (_, i) => place + i).find((at) =>
      samples.every((sample, i) => sample === right[at + i]),
    );
    expect(found).toBeDefined();
    place = (found ?? 0) + samples.length;
  }
});

test.concurrent("a caller who cuts in hears no leftover speech, and the row says how much was heard", async () => {
  const call = await house.newCall({ prompt: "[emulator: storyteller]", greeting: null });
  const carrier = await house.connect(call);
  await carrier.say(babble(1_200));
  await carrier.until(() => carrier.frames.length > 100);
  const interrupting = carrier.say(babble(1_600));
  await carrier.until(() => carrier.told.some(({ json }) => json.action === "clear"));
  const clearedAt = carrier.told.find(({ json }) => json.action === "clear")?.at ?? 0;
  const afterwards = carrier.frames.filter(({ at }) => at > clearedAt).length;
  await interrupting;
  expect(afterwards).toBe(0);
  await house.bridges.end(call);
  const cut = (await said(call)).filter((row) => row.cut);
  expect(cut.length).toBeGreaterThanOrEqual(1);
  const [first] = cut as [Row];
  expect(first.heard_ms).toBeLessThanOrEqual(first.ended_ms - first.started_ms);
  expect(await kinds(call)).toContain("caller.cut_in");
});

test.concurrent("a refused key is told at once and not tried again", async () => {
  const call = await house.newCall({ config: "refuse" });
  await vi.waitFor(() => expect(house.lost).toContainEqual({ call, code: "http_401" }));
  await house.bridges.end(call);
  expect((await kinds(call)).filter((kind) => kind === "engine.ended")).toHaveLength(1);
});

test.concurrent("a bridge that cannot even begin gives its call up and says so; the process lives on", async () => {
  const call = await house.newCall({ engine: "openai" });
  const carrier = await house.connect(call);
  await vi.waitFor(() => expect(house.lost).toContainEqual({ call, code: "bridge_failed" }));
  expect(house.warnings.some((warning) => warning.includes("Nobody foresaw this.") && warning.includes(call))).toBe(true);
  await house.bridges.end(call);
  await carrier.closed;
});

test.concurrent("an agent that hangs up is heard to its last word before the call is ended", async () => {
  const call = await house.newCall({ prompt: "[emulator: quitter]", greeting: null });
  const carrier = await house.connect(call);
  await carrier.say(babble(1_000));
  await vi.waitFor(() => expect(house.hungUp).toContain(call));
  const tookMs = performance.now() - (carrier.frames[0]?.at ?? 0);
  await house.bridges.end(call);
  carrier.close();
  await carrier.closed;
  const playedMs = carrier.frames.length * 20;
  // The engine sends it four times faster than it is spoken. A busy machine notices the first frame late.
  expect(tookMs).toBeGreaterThan(playedMs / 2);
  const [goodbye] = (await said(call)).filter(({ speaker }) => speaker === "agent");
  expect(goodbye).toMatchObject({ cut: false, text: "I have to go now. Goodbye." });
  expect(Math.abs((goodbye?.heard_ms ?? 0) - playedMs)).toBeLessThanOrEqual(20);
});

test.concurrent.each([
  "shuffled",
  "wav-sizes",
  "audio-first",
  "no-end",
  "no-prosody",
  "47-scores",
  "other-scores",
  "doubled",
  "flood",
  "flood-malformed",
  "llm-timeout",
])("a conversation survives an engine with the fault: %s", async (fault) => {
  const call = await house.newCall({ prompt: `[emulator: parrot ${fault}]` });
  await oneExchange(call);
  const rows = await said(call);
  expect(rows.map(({ speaker }) => speaker).slice(0, 3)).toEqual(["agent", "caller", "agent"]);
  expect(rows.filter(({ speaker }) => speaker === "caller")).toHaveLength(1);
  expect(rows.filter(({ speaker, heard_ms }) => speaker === "agent" && (heard_ms ?? 0) === 0)).toEqual([]);
  expect(house.warnings.filter((warning) => warning.includes(call))).toEqual([]);
});

test.concurrent("the last words of a caller who hangs up on them are in the transcript", async () => {
  const beganAt = performance.now();
  const call = await house.newCall({ greeting: null });
  const carrier = await house.connect(call);
  // Speaks until the engine hears it, and a little on: what is said to an engine that is still being opened has nobody to write it down.
  void carrier.say(chatter(30));
  await vi.waitUntil(async () => (await atEvi(call)) === "hearing");
  await carrier.say(babble(1_200));
  carrier.close();
  await carrier.closed;
  const lastedMs = performance.now() - beganAt;
  await house.bridges.end(call);
  const rows = await said(call);
  expect(rows.map(({ speaker }) => speaker)).toEqual(["caller"]);
  // The engine heard silence after that; what was said ended before it.
  expect(rows[0]?.ended_ms).toBeLessThanOrEqual(lastedMs);
});

test.concurrent("a call whose end is told twice while the engine still listens ends once, and whoever told it hears so", async () => {
  const call = await house.newCall({ greeting: null });
  const carrier = await house.connect(call);
  await carrier.say(babble(1_200));
  carrier.close();
  await carrier.closed;
  const first = house.bridges.end(call);
  // Another webhook, a beat and the process's own end come while the engine is given its time to write the last words down.
  await Promise.all([first, house.bridges.end(call), new Promise(setImmediate).then(() => house.bridges.end(call))]);
  expect((await kinds(call)).filter((kind) => kind === "audio.closed")).toHaveLength(1);
});

test.concurrent("audio that comes to a call which was hung up meanwhile is closed, and leaves no lease behind", async () => {
  const call = await house.newCall({ prepared: false });
  const leases = async (): Promise<boolean[]> =>
    (await database.pool.query<{ open: boolean }>("select until is null as open from leases where call_id = $1", [call])).rows.map(
      ({ open }) => open,
    );
  const token = await makeSocketToken(database.pool, call);
  await redeemSocketToken(database.pool, "test", token);
  expect(await leases()).toEqual([true]);
  await database.pool.query("update calls set hangup_asked_at = now() where id = $1", [call]);
  const closed = new Promise<void>((close) => {
    const rate = 16_000;
    house.bridges.attach(call, { rate, keepsSound: true, play() {}, clear() {}, mark() {}, ready: () => true, close, listen() {} });
  });
  await closed;
  await vi.waitFor(async () => expect(await leases()).toEqual([false]));
  expect(house.bridges.carried().has(call)).toBe(false);
});

test.concurrent.each([8_000, 24_000])("a carrier that speaks %i Hz after all is understood and answered at that rate", async (rate) => {
  const call = await house.newCall();
  const carrier = await house.connect(call, { rate });
  await turns(call, carrier, 1);
  await carrier.say(babble(1_200, rate));
  carrier.press("7");
  await vi.waitFor(async () => expect(await kinds(call)).toContain("caller.key_pressed"));
  await turns(call, carrier, 3);
  await house.bridges.end(call);
  expect(new Set(carrier.frames.map(({ pcm }) => pcm.length))).toEqual(new Set([(rate / 50) * 2]));
  expect((await said(call)).map(({ speaker }) => speaker).slice(0, 3)).toEqual(["agent", "caller", "agent"]);
});

// A caller is not left alone for long, so what follows an engine's loss has little time: not beside the others.
test("a lost engine is resumed in the same chat group and does not greet again", async () => {
  const call = await house.newCall({ prompt: "[emulator: parrot drop turn=1]" });
  const carrier = await house.connect(call);
  await carrier.until(() => carrier.frames.some(({ pcm }) => loud(pcm)));
  await quiet(carrier);
  await carrier.say(babble(1_200));
  await vi.waitFor(async () => expect(await kinds(call)).toContain("engine.resumed"));
  await carrier.say(babble(1_200));
  await quiet(carrier);
  await house.bridges.end(call);
  const greetings = (await said(call)).filter(({ text }) => text === "Hello, this is the desk.");
  expect(greetings).toHaveLength(1);
  expect(house.lost.filter((one) => one.call === call)).toEqual([]);
});

test("whoever listens beside the engine and fails at the end costs the call nothing: its journal is whole, and its lease ends", async () => {
  house.ear = { audio() {}, close: () => Promise.reject(new Error("Nobody foresaw this.")) };
  const call = await house.newCall({ engine: "openai" });
  const carrier = await house.connect(call);
  await carrier.until(() => carrier.frames.some(({ pcm }) => loud(pcm)));
  house.ear = null;
  await house.bridges.end(call);
  await carrier.closed;
  expect(house.bridges.carried().has(call)).toBe(false);
  const kept: string[] = [];
  for await (const { kind } of readJournal(journalPath(house.journalDir, call)).records) kept.push(kind);
  expect(kept.at(-1)).toBe("closed");
  const open = async () => (await database.pool.query("select from leases where call_id = $1 and until is null", [call])).rowCount;
  await vi.waitFor(async () => expect(await open()).toBe(0));
});

test("a call whose journal the disk does not take says so on its timeline", async () => {
  const call = await house.newCall({ prepared: false });
  await mkdir(journalPath(house.journalDir, call)); // a folder stands in its place
  const carrier = await house.connect(call);
  await turns(call, carrier, 1);
  await house.bridges.end(call);
  await vi.waitFor(async () => expect(await kinds(call)).toContain("journal.left_out"));
  const { rows } = await database.pool.query("select said from events where call_id = $1 and kind = 'journal.left_out'", [call]);
  expect(rows[0].said).toMatch(
    /^The disk was full or too slow for the flight recorder\. Left out there, and of our own recording: its last \d+\.\d MB\.$/,
  );
});

test("a database that stalls for two seconds is not heard, and nothing said meanwhile is lost", async () => {
  const call = await house.newCall({ prompt: "[emulator: storyteller]", greeting: null });
  const carrier = await house.connect(call);
  await carrier.say(babble(1_200));
  await carrier.until(() => carrier.frames.length > 25);
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query("lock table utterances in access exclusive mode");
  const from = carrier.frames.length;
  await carrier.until(() => carrier.frames.length >= from + 100);
  const frames = carrier.frames.slice(from, from + 100);
  await client.query("rollback");
  client.release();
  const gaps = frames.slice(1).map(({ at }, i) => at - (frames[i]?.at ?? at));
  // Who waited for the database would have sent nothing for two seconds. How even the frames leave on a quiet machine is measured: bench/beside.
  expect(Math.max(...gaps)).toBeLessThan(1_000);
  carrier.close();
  await carrier.closed;
  await house.bridges.end(call);
  const rows = await said(call);
  expect(rows.filter(({ speaker }) => speaker === "caller")).toHaveLength(1);
  expect(rows.filter(({ speaker, heard_ms }) => speaker === "agent" && (heard_ms ?? 0) > 0).length).toBeGreaterThanOrEqual(1);
});

test("a process that died before a word of the call was in the database: the next one greets nobody again", async () => {
  const call = await house.newCall();
  const carrier = await house.connect(call);
  await carrier.until(() => carrier.frames.some(({ pcm }) => loud(pcm)));
  await quiet(carrier);
  await house.bridges.handOver(call);
  await database.pool.query("delete from utterances where call_id = $1", [call]);
  await database.pool.query("update calls set socket_started_at = null, engine_resume = null where id = $1", [call]);
  const next = await house.connect(call);
  await next.until(() => next.frames.some(({ pcm }) => loud(pcm)));
  await quiet(next);
  await house.bridges.end(call);
  const texts = (await said(call)).filter(({ heard_ms }) => (heard_ms ?? 0) > 0).map(({ text }) => text);
  expect(texts).toEqual(["Hello, this is the desk.", "Sorry, we were cut off for a moment. I am back. Please go on."]);
});

test.concurrent("the token opens one connection, once, and a fresh one takes its place", async () => {
  const call = await house.newCall();
  const url = await house.socketUrl(call);
  const carrier = await openCarrierSocket(url);
  await expect(openCarrierSocket(url)).rejects.toThrow("HTTP 401");
  await expect(openCarrierSocket(url.replace(/[^/]+$/, "x".repeat(32)))).rejects.toThrow("HTTP 401");
  const again = await house.connect(call);
  await carrier.closed;
  again.close();
  await again.closed;
  await house.bridges.end(call);
});
