import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { recordEvent } from "../calls/events.ts";
import { inTransaction } from "../db/pool.ts";
import { type CallId, newId } from "../ids.ts";
import { isPublic, urlRefusal } from "./address.ts";
import { type Kind, listListeners, listTellings, makeListener, pauseListener, removeListener, tellAgain } from "./listeners.ts";
import { post } from "./post.ts";
import { signature, signatureHolds } from "./sign.ts";
import { type Outgoing, pauseMs, startOutgoing } from "./work.ts";

let database: FreshDatabase;
let call: CallId;
let now = new Date();
const clock = { now: () => now, monotonicMs: () => performance.now() };
const warnings: unknown[] = [];
const heard: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
let answers: number[] = [];
const hanging: ServerResponse[] = [];
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    heard.push({ path: request.url ?? "", headers: request.headers, body });
    if (request.url === "/hangs") return void hanging.push(response);
    const answer = answers.shift() ?? 204;
    if (answer === 0) request.socket.destroy();
    else response.writeHead(answer, answer === 302 ? { location: "http://169.254.169.254/" } : {}).end();
  });
});
let url: string;
let outgoing: Outgoing;

const start = (more: { timeoutMs?: number } = {}) =>
  startOutgoing({
    pool: database.pool,
    clock,
    log: { warn: (detail: unknown) => void warnings.push(detail), error: () => {} },
    publicUrl: "https://earshot.example",
    local: true,
    pollMs: 3_600_000,
    ...more,
  });
const listen = (kinds: Kind[], path = "/hook") =>
  makeListener(database.pool, { url: `${url}${path}`, kinds, by: "user:x", at: now, local: true });
const happen = (kind: string, detail = {}, fail = false) =>
  inTransaction(database.pool, async (sql) => {
    await recordEvent(sql, { call, at: now, kind, actor: "us", said: "Something.", detail });
    if (fail) throw new Error("rolled back");
  })
    .catch(() => {})
    .finally(() => {
      now = new Date(Math.max(now.getTime(), Date.now() + 100)); // tellings are due by the database's clock
    });

beforeAll(async () => {
  database = await freshDatabase();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  call = newId<CallId>();
  await database.pool.query(
    "insert into calls (id, direction, status, end_reason, to_number, answered_at, ended_at) values ($1, 'outbound', 'ended', 'caller_hung_up', '+12025550101', $2, $3)",
    [call, new Date(now.getTime() - 5000), now],
  );
  outgoing = start();
});
beforeEach(async () => {
  await database.pool.query("truncate tellings; delete from listeners");
  heard.length = 0;
  answers = [];
});
afterAll(async () => {
  await outgoing.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await database.drop();
});

describe("a listener", () => {
  it("is told what it asked for, signed, with ids and states and no words, numbers or secrets", async () => {
    const { secret } = await listen(["call.ended"]);
    await happen("call.ended", { from: "+12025550100" });
    await happen("call.answered");
    expect(await outgoing.tellDue()).toBe(1);
    expect(heard).toHaveLength(1);
    const [{ headers, body }] = heard as [(typeof heard)[0]];
    expect(JSON.parse(body)).toMatchObject({
      kind: "call.ended",
      call: { id: call, url: `https://earshot.example/api/calls/${call}`, end_reason: "caller_hung_up", duration_ms: 5000 },
    });
    expect(headers["earshot-kind"]).toBe("call.ended");
    expect(signatureHolds(secret, String(headers["earshot-signature"]), body, now)).toBe(true);
    expect(body).not.toMatch(/2025550/);
    expect(body).not.toContain(secret);
  });

  it("is given a recording's whole address while it can be played, and none when it was deleted or never came", async () => {
    await listen(["recording.stored", "recording.failed"]);
    const id = newId();
    await database.pool.query(
      `insert into recordings (id, call_id, source, status, format, storage_key, size_bytes, sha256)
       values ($1, $2, 'carrier', 'verified', 'mp3', 'recordings/aa/bb/x.mp3', 100, 'abc')`,
      [id, call],
    );
    const told = async (kind: string) => {
      await happen(kind, { recording: id });
      await outgoing.tellDue();
      return JSON.parse((heard.at(-1) as (typeof heard)[0]).body);
    };
    const address = `https://earshot.example/api/calls/${call}/recording?recording=${id}`;
    expect(await told("recording.stored")).toMatchObject({ recording: { id, status: "verified", url: address } });
    await database.pool.query("update recordings set status = 'failed', because = 'RECORDING_SHORT' where id = $1", [id]);
    expect(await told("recording.failed")).toMatchObject({ recording: { status: "failed", because: "RECORDING_SHORT", url: address } });
    await database.pool.query("update recordings set status = 'deleted', storage_key = null, because = 'RECORDING_DELETED' where id = $1", [
      id,
    ]);
    expect(await told("recording.stored")).toMatchObject({ recording: { id, status: "deleted", url: null } });
    await database.pool.query("update recordings set status = 'refused', sha256 = null, because = 'RECORDING_REFUSED_HOST' where id = $1", [
      id,
    ]);
    const refused = { kind: "recording.failed", recording: { status: "refused", because: "RECORDING_REFUSED_HOST", url: null } };
    expect(await told("recording.refused")).toMatchObject(refused);
  });

  it("is told nothing of what was rolled back", async () => {
    await listen(["call.ended"]);
    await happen("call.ended", {}, true);
    expect(await outgoing.tellDue()).toBe(0);
  });

  it("is told again after failures, under the same id, until it answers well", async () => {
    const { id } = await listen(["recording.missing"]);
    answers = [500, 0, 302, 200];
    await happen("recording.missing", { recording: newId() });
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect(await outgoing.tellDue()).toBe(1);
      expect(await outgoing.tellDue()).toBe(0);
      now = new Date(now.getTime() + pauseMs(attempt));
    }
    expect(new Set(heard.map(({ headers }) => headers["earshot-telling"])).size).toBe(1);
    expect(heard).toHaveLength(4);
    expect(await listTellings(database.pool, id, 10)).toMatchObject([{ status: "told", attempts: 4, answer: 200, because: null }]);
  });

  it("that never answers has a dead telling, said in the log, which a person can send again", async () => {
    const { id } = await listen(["transcript.ready"]);
    answers = Array.from({ length: 8 }, () => 503);
    await happen("transcript.ready", { utterances: 12 });
    for (let attempt = 1; attempt <= 8; attempt++) {
      await outgoing.tellDue();
      now = new Date(now.getTime() + pauseMs(attempt));
    }
    const [telling] = await listTellings(database.pool, id, 10);
    expect(telling).toMatchObject({ status: "dead", attempts: 8, answer: 503, because: "It answered 503." });
    expect(warnings.at(-1)).toMatchObject({ kind: "transcript.ready" });
    expect(await outgoing.tellDue()).toBe(0);
    await tellAgain(database.pool, telling?.id as string, now);
    expect(await outgoing.tellDue()).toBe(1);
    expect(JSON.parse(heard.at(-1)?.body ?? "")).toMatchObject({ transcript: { utterances: 12 } });
    expect(await listListeners(database.pool)).toMatchObject([{ id, told: 1, dead: 0, waiting: 0 }]);
  });

  it("hears at once what happened while another does not answer, however much waits for that one", async () => {
    await listen(["call.ended"], "/hangs");
    for (let i = 0; i < 20; i++) await happen("call.ended");
    const before = heard.length;
    const own = start({ timeoutMs: 600_000 });
    const all = own.tellDue();
    await vi.waitUntil(() => heard.length - before === 8); // as many as it is told at once; all of them hang
    await listen(["transcript.ready"], "/hears");
    await happen("transcript.ready");
    const told = () => heard.filter(({ path }) => path === "/hears").length;
    own.wake();
    await vi.waitUntil(() => told() === 1);
    expect(hanging).toHaveLength(8);
    const closed = own.close();
    for (const response of hanging.splice(0)) response.writeHead(204).end();
    await closed;
    expect(await all).toBe(8);
  });

  it("that is paused is told everything when it goes on", async () => {
    const { id } = await listen(["call.ended"]);
    await pauseListener(database.pool, id, true, now);
    await happen("call.ended");
    await happen("call.ended");
    expect(await outgoing.tellDue()).toBe(0);
    await pauseListener(database.pool, id, false, now);
    expect(await outgoing.tellDue()).toBe(2);
  });

  it("that is removed is told nothing more", async () => {
    const { id } = await listen(["call.ended"]);
    await happen("call.ended");
    await removeListener(database.pool, id, now);
    await happen("call.ended");
    expect(await outgoing.tellDue()).toBe(0);
    expect(await listListeners(database.pool)).toEqual([]);
    await expect(removeListener(database.pool, id, now)).rejects.toMatchObject({ code: "LISTENER_UNKNOWN" });
  });

  it("hears each event once from two servers, and after one of them died in the middle", async () => {
    await listen(["call.ended"]);
    for (let i = 0; i < 30; i++) await happen("call.ended");
    const second = start();
    await Promise.all([outgoing.tellDue(), second.tellDue()]);
    await second.close();
    expect(new Set(heard.map(({ headers }) => headers["earshot-telling"])).size).toBe(30);
    expect(heard).toHaveLength(30);
    await database.pool.query("update tellings set status = 'waiting', next_attempt_at = $1 where id = (select id from tellings limit 1)", [
      new Date(now.getTime() + 60_000),
    ]);
    expect(await outgoing.tellDue()).toBe(0);
    now = new Date(now.getTime() + 60_001);
    expect(await outgoing.tellDue()).toBe(1);
  });
});

describe("an address that is told nothing", () => {
  it.each([
    "ftp://example.com/",
    "http://example.com/hook",
    "https://user:pass@example.com/",
    "nonsense",
    "",
    "https://10.1.2.3/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://[fe80::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://localhost/",
    "https://printer.local/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f.1/",
  ])("%j", async (address) => {
    expect(urlRefusal(address, false)).not.toBeNull();
    await expect(
      makeListener(database.pool, { url: address, kinds: ["call.ended"], by: "user:x", at: now, local: false }),
    ).rejects.toMatchObject({ code: "LISTENER_URL_REFUSED" });
  });

  it("is also one whose name leads into our own network", async () => {
    const posted = await post("https://localhost.localdomain:1/", {}, "{}", { timeoutMs: 2000, local: false });
    expect(posted).toMatchObject({ failed: expect.any(String) });
  });

  it.each([
    ["8.8.8.8", true],
    ["2606:4700::1111", true],
    ["127.0.0.1", false],
    ["100.64.0.1", false],
    ["::ffff:8.8.8.8", false],
    ["fd00::1", false],
    ["x", false],
  ])("of %s being public: %s", (address, is) => {
    expect(isPublic(address)).toBe(is);
  });
});

describe("a signature", () => {
  const at = new Date("2026-03-01T10:00:00Z");
  it("holds for its body, its secret and its time alone", () => {
    const header = signature("whs_secret", at, "{}");
    expect(header).toMatch(/^t=1772359200,v1=[0-9a-f]{64}$/);
    expect(signatureHolds("whs_secret", header, "{}", at)).toBe(true);
    expect(signatureHolds("whs_other", header, "{}", at)).toBe(false);
    expect(signatureHolds("whs_secret", header, "{ }", at)).toBe(false);
    expect(signatureHolds("whs_secret", header.replace("1772359200", "1772359201"), "{}", at)).toBe(false);
    expect(signatureHolds("whs_secret", header, "{}", new Date(at.getTime() + 301_000))).toBe(false);
    expect(signatureHolds("whs_secret", "nonsense", "{}", at)).toBe(false);
  });
});
