import { Problem } from "@earshot/contract/problem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineInOrder, openTestHouse, seedCall, type TestHouse } from "./test-house.ts";

/** EARSHOT_FUZZ_ROUNDS makes it as long as one likes; the seed is told when something fails. */
const ROUNDS = Number(process.env.EARSHOT_FUZZ_ROUNDS ?? 400);
const SEED = Number(process.env.EARSHOT_FUZZ_SEED ?? 20_260_301);

let house: TestHouse;
let call: string;
beforeAll(async () => {
  house = await openTestHouse({
    line: lineInOrder,
    limits: { credential: { perSecond: 1e9, burst: 1e9 }, open: { perSecond: 1e9, burst: 1e9 }, refused: { perSecond: 1e9, burst: 1e9 } },
  });
  call = await seedCall(house, { customer_name: "word" });
});
afterAll(() => house.close());

/** mulberry32: small, seeded, good enough to pick from lists. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  "",
  " ",
  "0",
  "-1",
  "1e9",
  "NaN",
  "null",
  "undefined",
  "[object Object]",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00x",
  "\u202e",
  "💥",
  "x".repeat(5000),
  "'",
  '"',
  "\\",
  "%",
  "%25",
  "..",
  "../../etc/passwd",
  "<script>",
  "{{x}}",
  "' or 1=1 --",
  "() { :;}",
  "+12025550143",
  "+1",
  "00000000-0000-0000-0000-000000000000",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
  "2026-03-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "0000-01-01T00:00:00Z",
  "0001-01-01T00:00:00+23:59",
  "2026-03-01T00:00:00.123456789Z",
  "live",
  "ended",
  [],
  [[]],
  [null],
  {},
  { a: { b: { c: {} } } },
  { constructor: { prototype: 1 } },
  { toString: 1 },
  { length: -1 },
  JSON.parse('{"then":1}'),
  ["x", "x"],
];
const queryNames = [
  "status",
  "direction",
  "end_reason",
  "recording",
  "agent_id",
  "number",
  "search",
  "from",
  "to",
  "cursor",
  "limit",
  "source",
  "download",
  "token",
  "everywhere",
  "page",
  "__proto__",
  "a[b]",
  "limit[]",
  "",
];
const bodyNames = [
  "to",
  "agent_id",
  "customer_name",
  "variables",
  "metadata",
  "name",
  "prompt",
  "role",
  "engine",
  "options",
  "numbers",
  "greeting",
  "max_minutes",
  "record",
  "email",
  "password",
  "token",
  "source",
  "minutes",
  "constructor",
];

describe("whatever is sent", () => {
  it(`never ends as a failure of ours, and every refusal says what and why (${ROUNDS} rounds)`, {
    timeout: 60_000 + ROUNDS * 100,
  }, async () => {
    const next = random(SEED);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const text = (): string => {
      const one = pick(odd);
      return typeof one === "string" ? one : (JSON.stringify(one) ?? "");
    };
    const value = (depth = 0): unknown =>
      next() < 0.7 || depth > 4
        ? pick(odd)
        : next() < 0.5
          ? Array.from({ length: Math.floor(next() * 4) }, () => value(depth + 1))
          : object(depth + 1);
    const object = (depth = 0): Record<string, unknown> =>
      Object.fromEntries(
        Array.from({ length: Math.floor(next() * 5) }, () => [next() < 0.85 ? pick(bodyNames) : text().slice(0, 40), value(depth)]),
      );
    const encode = (raw: string): string =>
      next() < 0.15
        ? [...raw].filter((letter) => letter > " " && letter !== "#" && letter !== "?").join("")
        : encodeURIComponent(raw.toWellFormed());
    const query = (): string =>
      Array.from({ length: Math.floor(next() * 4) }, () => `${encode(pick(queryNames))}=${encode(text().slice(0, 700))}`).join("&");

    const routes = house.app.routeTable
      .flatMap(({ method, url }) => [method].flat().map((one) => ({ method: String(one), url })))
      .filter(({ url }) => !["/api/live", "/", "/*", "/metrics"].includes(url));
    const statuses = new Map<number, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const { method, url } = pick(routes);
      const path = url.replace(/:\w+/g, () => (next() < 0.5 ? call : encode(text()).replaceAll("/", "%2F") || "x"));
      const headers: Record<string, string> = { authorization: `Bearer ${house.keys.admin}` };
      if (next() < 0.2) headers.range = pick(["bytes=0-", "bytes=-1", `bytes=${Math.floor(next() * 1e12)}-`, "bytes=--", "x"]);
      if (next() < 0.2) headers["idempotency-key"] = pick(["a", "ä", "x".repeat(300), "two words"]);
      if (next() < 0.1) headers["if-match"] = pick(["*", '"1"', "9".repeat(30)]);
      let payload: string | undefined;
      if (!["GET", "HEAD"].includes(method) && next() < 0.9) {
        headers["content-type"] =
          next() < 0.9
            ? "application/json"
            : pick(["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=latin1"]);
        payload =
          next() < 0.9
            ? JSON.stringify(value())
            : pick(["", "{", "[1,", "\u0000", '{"a":1}}', "NaN", '{"a":1,"a":2}', "[".repeat(20_000), '"\\ud800"']);
      }
      const asked = query();
      const request = {
        method: method as "GET",
        url: `${path}${asked ? `?${asked}` : ""}`,
        headers,
        ...(payload === undefined ? {} : { payload }),
      };
      const answer = await house.app.inject(request);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      const told = `seed ${SEED}, round ${round}: ${JSON.stringify(request).slice(0, 600)} -> ${answer.statusCode} ${answer.body.slice(0, 300)}`;
      expect(answer.statusCode, told).toBeLessThan(500);
      if (answer.statusCode < 400 || method === "HEAD") continue;
      const problem = Problem.safeParse(answer.json());
      expect(problem.success, told).toBe(true);
      if (problem.data?.code === "INVALID_REQUEST") expect(problem.data.errors?.length, told).toBeGreaterThan(0);
      expect(answer.body, told).not.toMatch(/node_modules|\.ts:|select |syntax error|zod/i);
    }
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404]));
    const { rows } = await house.database.pool.query("select count(*)::int as n from agents where archived_at is null and is_default");
    expect(rows[0]).toEqual({ n: 1 });
  });
});
