import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EngineHasNot, EngineHostForbidden, EngineRefused, EngineUnauthorized, EngineUnreachable } from "../failures.ts";
import { hostRefusal } from "./hosts.ts";
import { type HumeRest, humeRest, restOrigin } from "./rest.ts";
import { reconstructionsOf, together } from "./rest-audio.ts";
import { chatHistory } from "./rest-chats.ts";

/** The other end, byte for byte. */
let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

async function hume(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ rest: HumeRest; url: string; asked: string[] }> {
  const asked: string[] = [];
  const mine = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["x-hume-api-key"] ?? "no key"}`);
    answer(request, response);
  });
  server = mine;
  await new Promise<void>((resolve) => mine.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(mine.address() as AddressInfo).port}`;
  return { rest: humeRest({ url: `${url.replace("http", "ws")}/v0/evi/chat`, apiKey: "k-1" }), url, asked };
}
const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

describe("where REST lies and what may be fetched", () => {
  test("beside the chat socket", () => {
    expect(restOrigin("wss://api.hume.ai/v0/evi/chat")).toBe("https://api.hume.ai");
    expect(restOrigin("ws://127.0.0.1:8701/v0/evi/chat")).toBe("http://127.0.0.1:8701");
  });

  test.each([
    ["https://storage.googleapis.com/bucket/u/c/reconstructed_audio.mp4?sig=1", true],
    ["https://bucket.storage.googleapis.com/reconstructed_audio.mp4", true],
    ["https://api.hume.ai/file.mp4", true],
    ["http://storage.googleapis.com/file.mp4", false],
    ["https://storage.googleapis.com:8443/file.mp4", false],
    ["https://evilstorage.googleapis.com.example.com/file.mp4", false],
    ["https://evilhume.ai/file.mp4", false],
    ["https://user:secret@api.hume.ai/file.mp4", false],
    ["https://169.254.169.254/latest", false],
    ["file:///etc/passwd", false],
    ["not a url", false],
  ])("%s: %s", (url, may) => {
    expect(hostRefusal(url, "https://api.hume.ai") === null).toBe(may);
  });

  test("the configured origin, also on this machine", () => {
    expect(hostRefusal("http://127.0.0.1:8701/emulator/storage/a.mp4", "http://127.0.0.1:8701")).toBeNull();
    expect(hostRefusal("http://127.0.0.1:8702/emulator/storage/a.mp4", "http://127.0.0.1:8701")).not.toBeNull();
  });
});

describe("what Hume answers", () => {
  test.each([
    [401, EngineUnauthorized],
    [403, EngineUnauthorized],
    [404, EngineHasNot],
    [400, EngineRefused],
    [422, EngineRefused],
    [429, EngineUnreachable],
    [503, EngineUnreachable],
  ])("%i becomes a failure with a name", async (status, kind) => {
    const { rest } = await hume((_, response) => json(response, { message: "what was wrong" }, status));
    await expect(rest.ask("GET", "/v0/evi/configs")).rejects.toBeInstanceOf(kind);
  });

  test("its words stand in the failure, whichever way it spells them", async () => {
    const { rest } = await hume((request, response) =>
      request.url === "/v0/a"
        ? json(response, { detail: [{ loc: ["body"], msg: "first wrong thing", type: "x" }] }, 422)
        : json(response, { error: "second\nwrong thing" }, 400),
    );
    await expect(rest.ask("GET", "/v0/a")).rejects.toThrow("first wrong thing");
    await expect(rest.ask("GET", "/v0/b")).rejects.toThrow("second wrong thing");
  });

  test("no answer is unreachable, and no key is in the failure", async () => {
    const rest = humeRest({ url: "ws://127.0.0.1:1/v0/evi/chat", apiKey: "very-secret" });
    const failure = await rest.ask("GET", "/v0/evi/configs").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnreachable);
    expect(JSON.stringify([failure, String(failure)])).not.toContain("very-secret");
  });
});

describe("a chat's history", () => {
  const event = (n: number, more: Record<string, unknown> = {}) => ({
    id: `e${n}`,
    chat_id: "c1",
    timestamp: 1_790_000_000_000 + n,
    role: "USER",
    type: "USER_MESSAGE",
    message_text: `words ${n}`,
    emotion_features: '{"Joy":0.5,"Awe":"high"}',
    metadata: '{"segments":[{"time":{"begin_ms":1000,"end_ms":1800}},{"time":{"begin_ms":2000,"end_ms":2500}}]}',
    related_event_id: null,
    ...more,
  });

  test("is read page by page, in order, with what is strange in it left out", async () => {
    const all = Array.from({ length: 203 }, (_, n) => event(n));
    const { rest, asked } = await hume((request, response) => {
      const query = new URL(request.url ?? "", "http://x").searchParams;
      const page = Number(query.get("page_number"));
      json(response, {
        id: "c1",
        chat_group_id: "g1",
        status: "USER_ENDED",
        start_timestamp: 1_790_000_000,
        end_timestamp: 1_790_000_100_000,
        total_pages: 3,
        events_page: [...all.slice(page * 100, page * 100 + 100), ...(page === 2 ? [{ nonsense: true }, null] : [])],
      });
    });
    const history = await chatHistory(rest, "c1");
    expect(asked.map((one) => one.split("page_number=")[1]?.[0])).toEqual(["0", "1", "2"]);
    expect(asked[0]).toMatch(/ k-1$/);
    expect(history.events.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    // Seconds and milliseconds are both understood.
    expect(history).toMatchObject({ chat: "c1", group: "g1", running: false, startedAt: new Date(1_790_000_000_000) });
    expect(history.events[0]).toEqual({
      id: "e0",
      at: new Date(1_790_000_000_000),
      type: "USER_MESSAGE",
      text: "words 0",
      scores: { Joy: 0.5 },
      lastsMs: 1500,
      of: null,
    });
  });

  test("says nothing where nothing is said", async () => {
    const { rest } = await hume((_, response) =>
      json(response, { id: "c1", status: "ACTIVE", events_page: [event(1, { emotion_features: "", metadata: "", timestamp: "soon" })] }),
    );
    const history = await chatHistory(rest, "c1");
    expect(history).toMatchObject({ group: null, running: true, startedAt: null });
    expect(history.events[0]).toMatchObject({ at: null, scores: null, lastsMs: null });
  });
});

describe("audio reconstruction", () => {
  const ready = { is: "ready", part: { session: "c1", url: "u", expiresAt: null, startedAt: new Date(2_000) } } as const;

  test.each([
    [[{ is: "making", status: "QUEUED" }, ready], { state: "making" }],
    [[ready, { is: "failed", status: "ERROR" }], { state: "ready", parts: [ready.part] }],
    [[{ is: "not kept", status: "unknown" }], { state: "none", because: "not_kept" }],
    [
      [
        { is: "not kept", status: "unknown" },
        { is: "failed", status: "CANCELLED" },
      ],
      { state: "none", because: "failed" },
    ],
    [[], { state: "none", because: "not_kept" }],
  ] as const)("of several chats: %j", (all, result) => {
    expect(together([...all])).toMatchObject(result);
  });

  test("walks from queued to a file with its hour of life", async () => {
    let looks = 0;
    const { rest } = await hume((request, response) => {
      if (!request.url?.endsWith("/audio")) return json(response, { id: "c1", status: "USER_ENDED", start_timestamp: 1_790_000_000_000 });
      const status = ["QUEUED", "IN_PROGRESS", "COMPLETE"][looks++] ?? "COMPLETE";
      json(response, {
        id: "c1",
        user_id: "u",
        status,
        ...(status === "COMPLETE" && {
          signed_audio_url: "https://storage.googleapis.com/b/u/c1/reconstructed_audio.mp4?s=1",
          signed_url_expiration_timestamp_millis: 1_790_003_600_000,
        }),
      });
    });
    const reconstructions = reconstructionsOf(rest);
    const look = () => reconstructions.look([{ session: "c1", resume: "g1" }]);
    expect(await look()).toEqual({ state: "making" });
    expect(await look()).toEqual({ state: "making" });
    expect(await look()).toEqual({
      state: "ready",
      parts: [
        {
          session: "c1",
          url: "https://storage.googleapis.com/b/u/c1/reconstructed_audio.mp4?s=1",
          expiresAt: new Date(1_790_003_600_000),
          startedAt: new Date(1_790_000_000_000),
        },
      ],
    });
  });

  test("its file is fetched without the key, from where it stopped, and by no way to a forbidden host", async () => {
    const file = Buffer.from("0123456789");
    const { rest, url, asked } = await hume((request, response) => {
      if (request.url === "/away") return void response.writeHead(302, { location: "https://example.com/file.mp4" }).end();
      if (request.url === "/moved") return void response.writeHead(302, { location: "/file.mp4" }).end();
      if (request.url === "/expired") return void response.writeHead(400).end("<Error><Code>ExpiredToken</Code></Error>");
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response
        .writeHead(from > 0 ? 206 : 200, {
          "content-type": "video/mp4",
          "content-length": file.length - from,
          ...(from > 0 && { "content-range": `bytes ${from}-9/10` }),
        })
        .end(file.subarray(from));
    });
    const read = async (path: string, from = 0) => {
      const opened = await rest.openFile(`${url}${path}`, from);
      const parts: Uint8Array[] = [];
      for await (const part of opened.body) parts.push(part);
      return [Buffer.concat(parts).toString(), opened.sizeBytes, opened.from, opened.type];
    };
    expect(await read("/file.mp4")).toEqual(["0123456789", 10, 0, "video/mp4"]);
    expect(await read("/moved", 4)).toEqual(["456789", 10, 4, "video/mp4"]);
    await expect(read("/away")).rejects.toBeInstanceOf(EngineHostForbidden);
    await expect(read("/expired")).rejects.toBeInstanceOf(EngineHasNot);
    expect(asked.every((one) => one.endsWith("no key"))).toBe(true);
  });
});
