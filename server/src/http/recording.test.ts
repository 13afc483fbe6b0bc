import { randomBytes } from "node:crypto";
import { page } from "@earshot/contract/call";
import { Peaks, Recording, RecordingLink } from "@earshot/contract/recording";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CallId, newId } from "../ids.ts";
import { conversation, mp3Of } from "../recordings/audio/test-sounds.ts";
import { StorageUnreadable } from "../recordings/failures.ts";
import { insert, openStream, openTestHouse, seedCall, seedRecording, type TestHouse } from "./test-house.ts";

const sound = randomBytes(10_000);
let house: TestHouse;
let call: CallId;
let recording: string;

beforeAll(async () => {
  house = await openTestHouse({ publicUrl: "https://desk.test/" });
});
afterAll(() => house.close());
beforeEach(async () => {
  house.clock.forward(3_600_000);
  call = await seedCall(house);
  recording = await seedRecording(house, call, sound, {
    peaks: Buffer.from(Int8Array.of(-1, 2, -3, 4, -5, 6, -7, 8)),
    audio_started_at: new Date(house.clock.now().getTime() + 5_250),
  });
});

const get = (query = "", headers: Record<string, string> = {}, method: "GET" | "HEAD" = "GET") =>
  house.ask("viewer", { method, url: `/api/calls/${call}/recording${query}`, headers });
const audits = async () =>
  (
    await house.database.pool.query<{ actor: string; action: string; detail: Record<string, unknown> }>(
      "select actor, action, detail from audits where call_id = $1 order by at, id",
      [call],
    )
  ).rows;

describe("the sound of a call", () => {
  it("comes whole, typed, and cached only after asking", async () => {
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(sound)).toBe(true);
    expect(answer.headers).toMatchObject({
      "content-type": "audio/mpeg",
      "content-length": "10000",
      "accept-ranges": "bytes",
      "cache-control": "private, no-cache",
      "content-disposition": `inline; filename="call-${call}-carrier.mp3"`,
    });
    expect(answer.headers.etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect((await get("?download=1")).headers["content-disposition"]).toMatch(/^attachment; /);
  });

  it.each([
    ["bytes=0-", 206, [0, 9_999]],
    ["bytes=0-0", 206, [0, 0]],
    ["bytes=100-199", 206, [100, 199]],
    ["bytes=9999-", 206, [9_999, 9_999]],
    ["bytes=9000-20000", 206, [9_000, 9_999]],
    ["bytes=-500", 206, [9_500, 9_999]],
    ["bytes=-20000", 206, [0, 9_999]],
    ["bytes=5-1", 200, [0, 9_999]],
    ["bytes=0-1,3-4", 200, [0, 9_999]],
    ["lines=1-2", 200, [0, 9_999]],
  ] as const)("asked for %s answers %i with those bytes", async (range, status, [from, to]) => {
    const answer = await get("", { range });
    expect(answer.statusCode).toBe(status);
    expect(answer.rawPayload.equals(sound.subarray(from, to + 1))).toBe(true);
    expect(answer.headers["content-length"]).toBe(String(to - from + 1));
    expect(answer.headers["content-range"]).toBe(status === 206 ? `bytes ${from}-${to}/10000` : undefined);
    const head = await get("", { range }, "HEAD");
    expect(head.statusCode).toBe(status);
    expect(head.rawPayload).toHaveLength(0);
    expect(head.headers["content-length"]).toBe(answer.headers["content-length"]);
  });

  it.each(["bytes=10000-", "bytes=99999-100000", "bytes=-0"])("asked for %s, which lies outside, says how long it is", async (range) => {
    const answer = await get("", { range });
    expect(answer.statusCode).toBe(416);
    expect(answer.headers["content-range"]).toBe("bytes */10000");
    expect(answer.headers["content-type"]).toContain("problem+json");
    expect(answer.json().code).toBe("RANGE_NOT_THERE");
  });

  it("is not sent again when nothing changed, and whole when something did", async () => {
    const etag = String((await get("", {}, "HEAD")).headers.etag);
    const unchanged = await get("", { "if-none-match": etag });
    expect(unchanged.statusCode).toBe(304);
    expect(unchanged.rawPayload).toHaveLength(0);
    expect((await get("", { range: "bytes=0-9", "if-range": etag })).statusCode).toBe(206);
    const changed = await get("", { range: "bytes=0-9", "if-range": '"other"' });
    expect(changed.statusCode).toBe(200);
    expect(changed.rawPayload).toHaveLength(10_000);
  });

  it("arrives over a real connection as a player asks for it", async () => {
    const stream = await openStream(house.app, `/api/calls/${call}/recording`, {
      authorization: `Bearer ${house.keys.viewer}`,
      range: "bytes=5000-",
    });
    await stream.end();
    expect(stream.response.statusCode).toBe(206);
    expect(stream.response.headers["content-range"]).toBe("bytes 5000-9999/10000");
  });
});

describe("which recording", () => {
  it("is the best, or the source asked for; the list shows all with addresses of their own", async () => {
    const own = randomBytes(300);
    await seedRecording(house, call, own, { source: "journal", status: "stored", format: "wav" });
    expect((await get()).headers["content-type"]).toBe("audio/mpeg");
    const journal = await get("?source=journal");
    expect(journal.headers["content-type"]).toBe("audio/wav");
    expect(journal.rawPayload.equals(own)).toBe(true);
    const none = await get("?source=engine");
    expect(none.statusCode).toBe(404);
    const { items } = page(Recording).parse((await house.ask("viewer", { url: `/api/calls/${call}/recordings` })).json());
    expect(items.map(({ source, url }) => [source, url])).toEqual([
      ["carrier", `/api/calls/${call}/recording?recording=${recording}`],
      ["journal", `/api/calls/${call}/recording?recording=${items[1]?.id}`],
    ]);
    expect(items[0]).toMatchObject({ offset_ms: 250, channels: 2, duration_ms: 60_000 });
  });

  it("is also the second of one source, each at its own address, and no other call's", async () => {
    const after = randomBytes(200);
    const second = await seedRecording(house, call, after, { peaks: Buffer.from(Int8Array.of(-7, 7)), channels: 1 });
    const { items } = page(Recording).parse((await house.ask("viewer", { url: `/api/calls/${call}/recordings` })).json());
    expect(items.map(({ source }) => source)).toEqual(["carrier", "carrier"]);
    const heard = await Promise.all(items.map(({ url }) => house.ask("viewer", { url: url ?? "" })));
    expect(heard.map(({ rawPayload }) => rawPayload.length)).toEqual([10_000, 200]);
    const drawn = await house.ask("viewer", { url: items[1]?.peaks_url ?? "" });
    expect(drawn.json().channels).toEqual([[-7, 7]]);
    const other = await seedCall(house);
    expect((await house.ask("viewer", { url: `/api/calls/${other}/recording?recording=${second}` })).statusCode).toBe(404);
    expect((await get(`?recording=${second}&source=journal`)).statusCode).toBe(404);
    expect((await get("?recording=../../etc/passwd")).json().errors[0].field).toBe("recording");
    const shared = await house.ask("member", { method: "POST", url: `/api/calls/${call}/recording/link`, payload: { recording: second } });
    const link = shared.json().url.replace("https://desk.test", "");
    expect((await house.app.inject({ url: link })).rawPayload.equals(after)).toBe(true);
    expect((await house.app.inject({ url: `${link}&recording=${recording}` })).statusCode).toBe(403);
  });

  it("that is not there says why and what to do, in its own words", async () => {
    const other = await seedCall(house);
    await insert(house, "recordings", {
      id: newId(),
      call_id: other,
      source: "carrier",
      status: "missing",
      because: "RECORDING_NOT_ANNOUNCED",
    });
    const missing = await house.ask("viewer", { url: `/api/calls/${other}/recording` });
    expect(missing.statusCode).toBe(404);
    expect(missing.json()).toMatchObject({ code: "RECORDING_NOT_ANNOUNCED", remedy: expect.stringContaining("PUBLIC_URL") });
    const waiting = await seedCall(house);
    await insert(house, "recordings", { id: newId(), call_id: waiting, source: "carrier", status: "expected" });
    expect((await house.ask("viewer", { url: `/api/calls/${waiting}/recording` })).json().title).toContain("expected");
    expect((await house.ask("viewer", { url: `/api/calls/${await seedCall(house)}/recording/peaks` })).statusCode).toBe(404);
  });

  it.each([
    [{ record: false }, null, "RECORDING_NOT_WANTED"],
    [{ record: true, recording: { sources: ["carrier"], consent: "ask" } }, "refused", "RECORDING_NOT_CONSENTED"],
    [{ record: true, recording: { sources: ["carrier"], consent: "ask" } }, "asked", "RECORDING_NOT_CONSENTED"],
    [{ record: true }, null, null],
  ])("of a call whose agent says %j, answered by %s, is none and says %s", async (rules, consent, code) => {
    const agent = newId();
    await insert(house, "agents", { id: agent, version: 1 });
    await insert(house, "agent_versions", { agent_id: agent, version: 1, settings: { name: "A", prompt: "", ...rules } });
    const quiet = await seedCall(house, { agent_id: agent, agent_version: 1, recording_consent: consent });
    const { recording: told } = (await house.ask("viewer", { url: `/api/calls/${quiet}` })).json();
    expect([told.status, told.because?.code ?? null]).toEqual(["none", code]);
    const answer = await house.ask("viewer", { url: `/api/calls/${quiet}/recording` });
    expect([answer.statusCode, answer.json().code]).toEqual([404, code ?? "RECORDING_NOT_THERE"]);
  });

  it("whose file is gone from the storage is a failure of the storage, with its remedy, and nothing of the path", async () => {
    await house.database.pool.query("update recordings set storage_key = 'recordings/ab/cd/lost.mp3' where id = $1", [recording]);
    const answer = await get();
    expect(answer.statusCode).toBe(410);
    expect(answer.json().code).toBe("STORED_FILE_LOST");
  });

  it("whose file is gone is not a call without sound: its other recording is played at once, and the loss stands on the row", async () => {
    const { pool } = house.database;
    await pool.query("update recordings set storage_key = 'recordings/ab/cd/lost.mp3' where id = $1", [recording]);
    const other = randomBytes(9_000);
    const own = await seedRecording(house, call, other, { source: "journal" });
    const answer = await get("", { range: "bytes=0-99" });
    expect([answer.statusCode, answer.headers["content-range"]]).toEqual([206, "bytes 0-99/9000"]);
    expect(answer.rawPayload.equals(other.subarray(0, 100))).toBe(true);
    const { rows } = await pool.query("select id, status, because from recordings where call_id = $1 order by source", [call]);
    expect(rows).toEqual([
      { id: recording, status: "failed", because: "STORED_FILE_LOST" },
      { id: own, status: "verified", because: null },
    ]);
    const told = (await house.ask("viewer", { url: `/api/calls/${call}` })).json().recording;
    expect(told).toMatchObject({ id: own, source: "journal", url: expect.any(String) });
    const all = (await house.ask("viewer", { url: `/api/calls/${call}/recordings` })).json().items;
    expect(all[1]).toMatchObject({ id: recording, url: null, because: { code: "STORED_FILE_LOST" } });
    // Who means that one is not given another.
    expect((await get(`?recording=${recording}`)).json()).toMatchObject({ code: "STORED_FILE_LOST" });
  });

  it("that the storage cannot give just now is a failure of the storage, and nothing is written on the recording", async () => {
    const away = house.storage.read;
    house.storage.read = () => Promise.reject(new StorageUnreadable("bucket", new Error("503 Slow Down")));
    try {
      const answer = await get();
      expect([answer.statusCode, answer.json().code, answer.json().remedy]).toEqual([
        503,
        "STORAGE_UNREADABLE",
        expect.stringContaining("STORAGE_URL"),
      ]);
    } finally {
      house.storage.read = away;
    }
    expect((await get()).statusCode).toBe(200);
    const { rows } = await house.database.pool.query("select status from recordings where id = $1", [recording]);
    expect(rows).toEqual([{ status: "verified" }]);
  });

  it.each(["?source=../x", "?source=carrier&source=journal", "?download=yes", "?path=/etc/passwd", `?token=${"x".repeat(601)}`])(
    "asked with %s is refused naming the field",
    async (query) => {
      const answer = await get(query);
      expect(answer.statusCode).toBe(400);
      expect(["source", "download", "path", "token"]).toContain(answer.json().errors[0].field);
    },
  );
});

describe("its loudness", () => {
  it("is drawn without the sound", async () => {
    const answer = await house.ask("viewer", { url: `/api/calls/${call}/recording/peaks` });
    expect(Peaks.parse(answer.json())).toEqual({
      duration_ms: 60_000,
      points: 2,
      channels: [
        [-1, 2, -3, 4],
        [-5, 6, -7, 8],
      ],
    });
    expect(await audits()).toEqual([]);
  });

  it("is drawn as finely as asked for, every zoom from the one measurement", async () => {
    const pairs = Array.from({ length: 8000 }, (_, i) => [-(i % 128), i % 128]).flat();
    await house.database.pool.query("update recordings set peaks = $2, channels = 1 where id = $1", [
      recording,
      Buffer.from(Int8Array.from(pairs)),
    ]);
    const zoom = async (points: string) => (await house.ask("viewer", { url: `/api/calls/${call}/recording/peaks${points}` })).json();
    for (const points of [500, 2000, 8000]) {
      const peaks = Peaks.parse(await zoom(`?points=${points}`));
      expect([peaks.points, peaks.channels[0]?.length]).toEqual([points, points * 2]);
      const each = 8000 / points;
      expect(peaks.channels[0]?.slice(0, 4)).toEqual([1 - each, each - 1, 1 - 2 * each, 2 * each - 1].map((level) => level + 0));
    }
    expect((await zoom("")).points).toBe(2000);
    expect((await zoom("?points=1000")).errors[0].field).toBe("points");
  });
});

describe("as a WAV", () => {
  it("it comes whole and decoded, both sides, and is an event of its own", async () => {
    const talk = conversation(2, 5);
    const spoken = await mp3Of(talk);
    const other = await seedCall(house);
    await seedRecording(house, other, spoken);
    const answer = await house.ask("viewer", { url: `/api/calls/${other}/recording?as=wav&download=1` });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      "content-type": "audio/wav",
      "content-length": String(answer.rawPayload.length),
      "accept-ranges": "none",
      "content-disposition": `attachment; filename="call-${other}-carrier.wav"`,
    });
    const header = answer.rawPayload.subarray(0, 44);
    expect(header.toString("latin1", 0, 4) + header.toString("latin1", 8, 12)).toBe("RIFFWAVE");
    expect([header.readUInt16LE(22), header.readUInt32LE(24), header.readUInt16LE(34)]).toEqual([2, 16_000, 16]);
    expect(header.readUInt32LE(40)).toBe(answer.rawPayload.length - 44);
    expect((answer.rawPayload.length - 44) / 4 / 16_000).toBeCloseTo(2, 2);
    const etag = String(answer.headers.etag);
    const again = await house.ask("viewer", { url: `/api/calls/${other}/recording?as=wav`, headers: { "if-none-match": etag } });
    expect(again.statusCode).toBe(304);
    const { rows } = await house.database.pool.query("select action, detail from audits where call_id = $1", [other]);
    expect(rows).toMatchObject([{ action: "recording.downloaded", detail: { as: "wav" } }, { action: "recording.played" }]);
  });

  it("it refuses what is no sound, with a reason", async () => {
    const answer = await get("?as=wav");
    expect(answer.statusCode).toBe(502);
    expect(answer.json().code).toBe("RECORDING_UNREADABLE");
  });
});

describe("a recording that is yet to be redacted", () => {
  it("is given in no form: not whole, not by a range, not again by its hash, not as a WAV, a drawing or by a link made before", async () => {
    const whole = await get();
    const made = await house.ask("admin", { method: "POST", url: `/api/calls/${call}/recording/link`, payload: {} });
    const link = new URL(RecordingLink.parse(made.json()).url);
    expect((await house.ask(null, { method: "GET", url: link.pathname + link.search })).statusCode).toBe(200);
    await insert(house, "redactions", {
      id: newId(),
      call_id: call,
      from_ms: 1000,
      to_ms: 2000,
      side: "both",
      original: "sealed",
      why: "a card number",
      asked_at: house.clock.now(),
      asked_by: "user:someone",
      done_at: house.clock.now(), // done before this one came
    });
    const before = await audits();
    for (const answer of [
      await get(),
      await get("", { range: "bytes=0-9" }),
      await get("", { "if-none-match": String(whole.headers.etag) }),
      await get("?as=wav"),
      await get("?download=1"),
      await get(`?recording=${recording}`),
      await house.ask("viewer", { method: "GET", url: `/api/calls/${call}/recording/peaks` }),
      await house.ask("admin", { method: "POST", url: `/api/calls/${call}/recording/link`, payload: {} }),
      await house.ask(null, { method: "GET", url: link.pathname + link.search }),
    ])
      expect(answer.json(), answer.body).toMatchObject({ status: 404, code: "RECORDING_TO_BE_REDACTED" });
    expect(await audits()).toEqual(before);
    const listed = await house.ask("viewer", { method: "GET", url: `/api/calls?recording=verified` });
    const json = listed.json().items.find(({ id }: { id: string }) => id === call).recording;
    expect(json).toMatchObject({ status: "verified", url: null, peaks_url: null, because: { code: "RECORDING_TO_BE_REDACTED" } });
    await house.database.pool.query(
      "update recordings set detail = jsonb_build_object('redacted', (select jsonb_agg(jsonb_build_object('id', id, 'blur_ms', 0)) from redactions where call_id = $1)) where call_id = $1",
      [call],
    );
    expect((await get()).statusCode).toBe(200);
  });
});

describe("a playback", () => {
  it("is written down once, however many ranges the player asks for, and once again for a download", async () => {
    await Promise.all([
      get("", { range: "bytes=0-" }),
      get("", { range: "bytes=1-" }),
      get("", { range: "bytes=5000-" }),
      get("", { range: "bytes=9000-9999" }),
    ]);
    await get("", {}, "HEAD");
    await get("", { range: "bytes=1-" });
    await get("?download=1");
    await house.ask("admin", { url: `/api/calls/${call}/recording` });
    const detail = { recording, source: "carrier" };
    const rows = await audits();
    expect(rows.map(({ action }) => action).sort()).toEqual(["recording.downloaded", "recording.played", "recording.played"]);
    expect(new Set(rows.map(({ actor }) => actor)).size).toBe(2);
    expect(rows[0]).toMatchObject({ actor: expect.stringMatching(/^key:/), detail });
    house.clock.forward(31 * 60_000);
    await get();
    expect(await audits()).toHaveLength(4);
  });

  it("that nothing came of is not written down", async () => {
    await get("", { authorization: "Bearer wrong" });
    await get("?source=engine");
    expect(await audits()).toEqual([]);
  });
});

describe("a shared link", () => {
  const share = async (body: unknown = undefined, role: "member" | "viewer" = "member") => {
    const answer = await house.ask(role, { method: "POST", url: `/api/calls/${call}/recording/link`, ...(body ? { payload: body } : {}) });
    return answer;
  };
  const open = (url: string, headers: Record<string, string> = {}) =>
    house.app.inject({ url: url.replace("https://desk.test", ""), headers });

  it("plays without signing in, by ranges, until it expires; the audit names link and maker", async () => {
    const link = RecordingLink.parse((await share({ minutes: 5 })).json());
    expect(link.url).toMatch(new RegExp(`^https://desk\\.test/api/calls/${call}/recording\\?token=v1\\.`));
    expect(new Date(link.expires_at).getTime()).toBe(house.clock.now().getTime() + 300_000);
    expect((await open(link.url)).rawPayload.equals(sound)).toBe(true);
    expect((await open(link.url, { range: "bytes=5-6" })).statusCode).toBe(206);
    expect((await open(link.url.replace("/recording?", "/recording/peaks?"))).statusCode).toBe(200);
    const played = (await audits()).filter(({ action }) => action === "recording.played");
    expect(played).toHaveLength(1);
    expect(played[0]).toMatchObject({ actor: `link:${recording}`, detail: { made_by: expect.stringMatching(/^key:/) } });
    house.clock.forward(300_000);
    const late = await open(link.url);
    expect(late.statusCode).toBe(403);
    expect(late.json().code).toBe("LINK_REFUSED");
  });

  it("opens nothing else: no other call, no other source, nothing when changed by a letter", async () => {
    const link = RecordingLink.parse((await share({ source: "carrier" })).json()).url;
    const other = await seedCall(house);
    await seedRecording(house, other, sound);
    await seedRecording(house, call, sound, { source: "journal" });
    for (const url of [
      link.replace(call, other),
      `${link}&source=journal`,
      `${link}x`,
      link.replace("v1.", "v2."),
      link.replace(/token=.*/, "token=v1"),
      link.replace(/token=.*/, "token="),
      `${link}&token=again`,
    ]) {
      const answer = await open(url);
      expect([400, 403], url).toContain(answer.statusCode);
      expect(answer.headers["content-type"]).toContain("problem+json");
    }
    for (const tail of ["/recordings", "", "/utterances"])
      expect((await open(link.replace("/recording?", `${tail}?`))).statusCode).toBe(401);
  });

  it("ends with its maker's access", async () => {
    const { rows } = await house.database.pool.query<{ id: string }>("select id from api_keys where role = 'member'");
    const link = RecordingLink.parse((await share()).json()).url;
    const maker = rows[0]?.id;
    await house.database.pool.query("update api_keys set role = 'viewer' where id = $1", [maker]);
    expect((await open(link)).statusCode).toBe(403);
    await house.database.pool.query("update api_keys set role = 'member', revoked_at = now() where id = $1", [maker]);
    expect((await open(link)).statusCode).toBe(403);
    await house.database.pool.query("update api_keys set revoked_at = null where id = $1", [maker]);
    expect((await open(link)).statusCode).toBe(200);
  });

  it("is made only by who may, for what is there, and not for ever", async () => {
    expect((await share({}, "viewer")).statusCode).toBe(403);
    for (const [body, field] of [
      [{ minutes: 0 }, "minutes"],
      [{ minutes: 100_000 }, "minutes"],
      [{ minutes: "60" }, "minutes"],
      [{ source: "mine" }, "source"],
      [{ for: "ever" }, "for"],
    ] as const) {
      const answer = await share(body);
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors[0].field).toBe(field);
    }
    expect((await share({ source: "engine" })).statusCode).toBe(404);
    expect((await share()).statusCode).toBe(201);
  });

  it("still opens after a restart: its key is the installation's", async () => {
    const { rows } = await house.database.pool.query("select count(*)::int as n from settings where name = 'recording_link_key'");
    expect(rows[0]).toEqual({ n: 1 });
  });
});
