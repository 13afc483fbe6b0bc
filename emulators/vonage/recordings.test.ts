import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Application } from "./application.ts";
import { Conversation } from "./conversation.ts";
import { endsOf } from "./endpoints.ts";
import { Files } from "./files.ts";
import { Ledger } from "./ledger.ts";
import { Leg } from "./leg.ts";
import type { Recording } from "./recording.ts";
import { Recordings } from "./recordings.ts";
import { Settings } from "./settings.ts";
import { type App, apiKey, applicationId, markOf, publicKey, signatureSecret, startApp } from "./test-app.ts";
import { Ticker } from "./ticker.ts";
import { Webhooks } from "./webhooks.ts";

const REGION = "http://region.test";
let app: App;
let folder: string;
let ticker: Ticker;
let webhooks: Webhooks;
let recordings: Recordings;
/** What the application was told, in the order it was sent. */
let told: string[];
let telling: Promise<unknown>[];

beforeEach(async () => {
  told = [];
  telling = [];
  app = await startApp((seen) => void told.push(markOf(seen.body)));
  folder = await mkdtemp(join(tmpdir(), "recordings-"));
  const settings = Settings.parse({
    applicationId,
    publicKeyPem: publicKey,
    signatureSecret,
    apiKey,
    number: "+12025550100",
    recordAfterMs: 40,
  });
  ticker = new Ticker();
  webhooks = new Webhooks(settings, new Application(settings), ticker);
  await mkdir(join(folder, "files"));
  recordings = new Recordings({ settings, ticker, webhooks, files: new Files(join(folder, "files"), 60_000), folder });
});
afterEach(async () => {
  await recordings.settled();
  await webhooks.close();
  ticker.close();
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

const firstOfAll = (): Ledger => new Ledger({ record: "first" }, () => undefined);

/** A leg of a call, in a conversation. */
function leg(ledger: Ledger, conversation: Conversation): Leg {
  const plan = { direction: "inbound", events: null, parent: null, synchronous: false, ledger } as const;
  const one = new Leg({ ...endsOf({ type: "phone", number: "12025550100" }, "12025550151"), ...plan }, conversation, ticker);
  conversation.join(one);
  return one;
}

const record = (of: Leg): Recording =>
  recordings.start(of, {
    layout: { kind: "mono" },
    format: "wav",
    target: { url: `${app.url}/recording`, method: "POST" },
    transcription: null,
  });

/** Lets a conversation be heard for so long. */
function sound(conversation: Conversation, ms: number): void {
  for (let at = 0; at < ms; at += 20) conversation.tick();
}

/** The leg is over: `completed` is told now, or held back. */
function completed(over: Leg): void {
  // it counts behind what was sent before it, however long that takes to arrive
  const tell = (): void => void telling.push(webhooks.settled(over.plan.ledger).then(() => told.push("completed")));
  if (!recordings.holdBack(over, tell)) tell();
}

/** What was told until now, once all of it has arrived. */
async function toldSoFar(): Promise<readonly string[]> {
  await recordings.settled();
  await webhooks.settled();
  await Promise.all(telling);
  return told;
}

describe("a call whose recording is announced before it is told to be over", () => {
  it("waits for one that was ended before the call, and is still being stored", async () => {
    const room = new Conversation();
    const one = leg(firstOfAll(), room);
    const recording = record(one);
    sound(room, 200);
    void recordings.finish(recording, REGION);
    completed(one);
    expect(await toldSoFar()).toEqual(["record", "completed"]);
  });

  it("waits for the last of several", async () => {
    const room = new Conversation();
    const one = leg(firstOfAll(), room);
    const [early, late] = [record(one), record(one)];
    sound(room, 200);
    completed(one);
    await recordings.finish(early, REGION);
    expect(await toldSoFar()).toEqual(["record"]);
    await recordings.finish(late, REGION);
    completed(one);
    expect(await toldSoFar()).toEqual(["record", "record", "completed", "completed"]);
  });

  it("waits for no room that another call records", async () => {
    const room = new Conversation("room");
    const host = leg(new Ledger({}, () => undefined), room);
    record(host);
    completed(leg(firstOfAll(), room));
    expect(await toldSoFar()).toEqual(["completed"]);
  });

  it.each([
    ["stored", "files", 200],
    ["written while it went on", "", 1_200],
  ])("is told to be over also when the recording cannot be %s", async (_, gone, ms) => {
    const room = new Conversation();
    const ledger = firstOfAll();
    const one = leg(ledger, room);
    const recording = record(one);
    await rm(join(folder, gone), { recursive: true });
    sound(room, ms);
    completed(one);
    expect(await toldSoFar()).toEqual([]);
    await recordings.finish(recording, REGION);
    expect(await toldSoFar()).toEqual(["completed"]);
    expect(ledger.notes.map(({ said }) => said)).toContainEqual(expect.stringMatching(/^the recording is lost: ENOENT/));
  });
});
