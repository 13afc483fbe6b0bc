import { afterEach, describe, expect, it } from "vitest";
import type { Network } from "./network.ts";
import { type App, ask, bridgeNcco, callTo, markOf, peopleFile, type Seen, startApp, startTestNetwork, token } from "./test-app.ts";

let app: App;
let network: Network;
let people: Awaited<ReturnType<typeof peopleFile>>;

/** 400 ms of sound. */
const FRAMES = 20;

/**
 * A short recorded call to somebody whose network has that fault; over when this returns. They hang up when that much sound has been recorded and
 * heard, however long the application took to answer.
 *
 * @param hangsUp false for a call that ends by itself
 */
async function call(faults: object, hangsUp = true): Promise<string> {
  people = await peopleFile([{ number: "+12025550351", habit: "listens", whenDialled: { answers: { afterMs: 0 } }, faults }]);
  app = await startApp((seen, own) => (seen.path === "/answer" ? { body: bridgeNcco(own) } : undefined));
  network = await startTestNetwork(app, { people: people.path });
  const { body } = await ask(network, "POST", "/v1/calls", callTo("12025550351", app));
  if (hangsUp) {
    const { frames } = await app.sockets.first(() => true);
    await frames.first(() => true, FRAMES);
    await ask(network, "POST", `/emulator/calls/${body.uuid}/hangup`);
  }
  await ask(network, "GET", `/emulator/calls/${body.uuid}?until=over`);
  return body.uuid;
}

afterEach(async () => {
  await network.close();
  await app.close();
  await people.remove();
});

async function fetchFile(): Promise<{ status: number; type: string | null; bytes: number; size: number }> {
  const { body } = await app.event("record");
  const answer = await fetch(body.recording_url, { headers: { authorization: `Bearer ${await token()}` } });
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    bytes: (await answer.arrayBuffer()).byteLength,
    size: body.size,
  };
}

describe("recordings that go wrong", () => {
  it("are empty: no URL, size 0", async () => {
    await call({ file: "empty" });
    expect((await app.event("record")).body).toMatchObject({ recording_url: "", size: 0 });
  });

  it.each([
    ["404 then 200", 404],
    ["500 then 200", 500],
  ])("are %s", async (file, status) => {
    await call({ file });
    expect([(await fetchFile()).status, (await fetchFile()).status, (await fetchFile()).status]).toEqual([status, status, 200]);
  });

  it("break off in the middle of the download", async () => {
    await call({ file: "truncated" });
    await expect(fetchFile()).rejects.toThrow();
  });

  it("are half as long as announced", async () => {
    await call({ file: "short" });
    const { status, bytes, size } = await fetchFile();
    expect(status).toBe(200);
    expect(bytes).toBe(Math.floor(size / 2));
  });

  it("come slowly, at 10 kB a second, but whole", async () => {
    await call({ file: "slow" });
    const began = performance.now();
    const { bytes, size } = await fetchFile();
    expect(bytes).toBe(size);
    expect(bytes / (performance.now() - began)).toBeLessThan(12);
  });

  it("are a web page", async () => {
    await call({ file: "not audio" });
    expect(await fetchFile()).toMatchObject({ status: 200, type: "text/html" });
  });

  it("are gone", async () => {
    await call({ file: "gone" });
    expect(await fetchFile()).toMatchObject({ status: 404 });
  });

  it("lie on a host that is not the network's", async () => {
    await call({ file: "on a foreign host" });
    const { body } = await app.event("record");
    expect(body.recording_url).toMatch(/^https:\/\/recordings\.invalid\/v1\/files\//);
    expect(body.size).toBeGreaterThan(0);
  });

  it("are announced twice in the same words", async () => {
    await call({ record: "twice" });
    const isRecord = (seen: Seen): boolean => markOf(seen.body) === "record";
    const [one, two] = [await app.requests.first(isRecord), await app.requests.first(isRecord, 2)];
    expect(one.raw).toBe(two.raw);
    await network.close();
    const others = app.requests.all.filter((seen) => !isRecord(seen) && seen.path !== "/answer").map((seen) => seen.raw);
    expect(new Set(others).size).toBe(others.length);
  });

  it("are announced before the call is told to be over", async () => {
    const uuid = await call({ record: "first" });
    await app.event("completed", (seen) => seen.body.uuid === uuid);
    const marks = app.requests.all.map((seen) => markOf(seen.body));
    expect(marks.indexOf("record")).toBeLessThan(marks.indexOf("completed"));
  });

  it("are announced late, or never", async () => {
    await call({ record: { laterMs: 500 } });
    const [record, completed] = await Promise.all([app.event("record"), app.event("completed", (seen) => seen.body.to === "12025550351")]);
    // By the clock of the network: when the application comes to read them is the machine's affair.
    expect(Date.parse(record.body.timestamp) - Date.parse(completed.body.timestamp)).toBeGreaterThanOrEqual(500);
    await network.close();
    await app.close();
    await people.remove();
    const uuid = await call({ loses: ["record"] });
    await app.event("completed", (seen) => seen.body.uuid === uuid);
    await network.close();
    expect(app.requests.all.map((seen) => markOf(seen.body))).not.toContain("record");
  });
});

it("the network cuts the audio socket: disconnected, and without instructions the call ends", async () => {
  await call({ cutsSocketAfterMs: 100 }, false);
  const [socket] = app.sockets.all;
  expect(await socket?.closed).toBe(1006);
  expect((await app.event("disconnected")).body.to).toMatch(/^ws:/);
});
