import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { HttpTool } from "@earshot/contract/tool";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callHttpTool } from "./http.ts";

/** The other side, on a real socket. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const met: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => {
    met.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    answer(request, response);
  });
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  met.length = 0;
});

const says = (status: number, headers: Record<string, string>, body: string | Buffer) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, headers);
  response.end(body);
};
const json = { "content-type": "application/json" };
const use = (
  wish: Partial<HttpTool> = {},
  args: Record<string, unknown> = { order: "4711" },
  more: { secrets?: Record<string, string>; local?: boolean; signal?: AbortSignal } = {},
) =>
  callHttpTool({ url, method: "POST", headers: [], timeout_ms: 5_000, ...wish }, args, {
    call: "call-1",
    use: "use-1",
    secrets: {},
    local: true,
    signal: new AbortController().signal,
    ...more,
  });

describe("an HTTP tool", () => {
  it("gets the arguments as JSON, with its headers and who asks, and its answer comes back without white space", async () => {
    answer = says(200, json, '{\n  "due": "Friday"\n}');
    const result = await use(
      { headers: [{ name: "X-Desk", value: "front" }] },
      { order: "4711" },
      { secrets: { authorization: "Bearer s3cret" } },
    );
    expect(result).toEqual({ ok: true, text: '{"due":"Friday"}', status: 200 });
    expect(met).toHaveLength(1);
    expect(met[0]).toMatchObject({ method: "POST", url: "/orders", body: '{"order":"4711"}' });
    expect(met[0]?.headers).toMatchObject({
      "x-desk": "front",
      authorization: "Bearer s3cret",
      "content-type": "application/json",
      "earshot-call": "call-1",
      "idempotency-key": "call-1:use-1",
    });
  });

  it.each(["GET", "DELETE"] as const)("that is asked by %s gets them in the query", async (method) => {
    answer = says(200, { "content-type": "text/plain" }, " ready ");
    const result = await use({ method, url: `${url}?shop=1` }, { order: "a&b=c", count: 2, more: { a: [1] } });
    expect(result).toMatchObject({ ok: true, text: "ready" });
    expect(met[0]).toMatchObject({ method, body: "" });
    expect(Object.fromEntries(new URL(`http://x${met[0]?.url}`).searchParams)).toEqual({
      shop: "1",
      order: "a&b=c",
      count: "2",
      more: '{"a":[1]}',
    });
  });

  it("without a word in its answer is done", async () => {
    answer = says(204, {}, "");
    expect(await use()).toMatchObject({ ok: true, text: "Done.", status: 204 });
  });

  it.each<[string, Parameters<typeof says>, string]>([
    ["a redirect, which is not followed", [302, { location: "http://127.0.0.1:1/" }, ""], "redirect"],
    [
      "an error, with its first words",
      [500, { "content-type": "text/plain" }, `broken ${"x".repeat(900)}`],
      "The tool answered 500. broken",
    ],
    ["a picture", [200, { "content-type": "image/png" }, "PNG"], "neither text nor JSON"],
    ["no type", [200, {}, "hm"], "neither text nor JSON"],
    ["JSON that is none", [200, json, "{"], "neither text nor JSON"],
    ["bytes that are no text", [200, { "content-type": "text/plain" }, Buffer.from([0xff, 0xfe, 0x00])], "neither text nor JSON"],
    ["more than anybody could tell", [200, json, JSON.stringify("x".repeat(70_000))], "longer than 64 kB"],
    ["what was packed unasked", [200, { ...json, "content-encoding": "gzip" }, gzipSync("{}")], "compressed"],
  ])("that answers with %s has not worked, and says so", async (_, said, text) => {
    answer = says(...said);
    const result = await use();
    expect(result.ok).toBe(false);
    expect(result.text).toContain(text);
    expect(result.text.length).toBeLessThan(700);
    expect(met).toHaveLength(1);
  });

  it("gives the engine no more than 4,000 characters", async () => {
    answer = says(200, { "content-type": "text/plain" }, "word ".repeat(5_000));
    const { ok, text } = await use();
    expect(ok).toBe(true);
    expect(text).toMatch(/word … \(shortened\)$/);
    expect(text.length).toBeLessThan(4_020);
  });

  it("that does not answer in time is given up, whether nothing came or half of it", async () => {
    answer = () => {};
    expect(await use({ timeout_ms: 100 })).toEqual({ ok: false, text: "The tool could not be reached: no answer within 0.1 s." });
    answer = (_, response) => {
      response.writeHead(200, json);
      response.write('{"half":');
    };
    expect(await use({ timeout_ms: 1_500 })).toMatchObject({ ok: false, text: "The tool's answer was not complete within 1.5 s." });
  });

  it("is broken off when its call ends", async () => {
    const over = new AbortController();
    answer = () => over.abort();
    expect(await use({}, {}, { signal: over.signal })).toEqual({ ok: false, text: "The tool could not be reached: it was given up." });
  });

  it("that repeats its secret does not tell it to the engine", async () => {
    answer = (request, response) => says(200, json, JSON.stringify({ you: request.headers.authorization }))(request, response);
    expect(await use({}, {}, { secrets: { authorization: 'Bearer "s3cret"' } })).toMatchObject({ ok: true, text: '{"you":"***"}' });
  });

  it("is not called where it would lead into our own network, nor without TLS", async () => {
    answer = says(200, json, "{}");
    for (const wrong of [url, url.replace("http:", "https:"), "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/"])
      expect(await use({ url: wrong }, {}, { local: false })).toMatchObject({
        ok: false,
        text: expect.stringContaining("could not be reached"),
      });
    expect(met).toEqual([]);
  });
});
