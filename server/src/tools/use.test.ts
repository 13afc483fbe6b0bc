import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AgentSettings } from "@earshot/contract/agent";
import type { AgentTool } from "@earshot/contract/tool";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { createAgent } from "../agents/store.ts";
import { recordEvent } from "../calls/events.ts";
import { CarrierUnreachable } from "../carrier/failures.ts";
import type { Carrier } from "../carrier/port.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { type CallId, type LegId, newId } from "../ids.ts";
import { withSecretsKept } from "./secrets.ts";
import { type Moment, openTools, type ToolsParts } from "./use.ts";
import { usedSoFar } from "./used-so-far.ts";

let db: FreshDatabase;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => answer(request, response, body));
});
let url = "";
beforeAll(async () => {
  db = await freshDatabase();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await db.drop();
});

/** What the carrier was asked, in order. */
const asked: string[] = [];
afterEach(() => {
  asked.length = 0;
});
const carrier: Carrier = {
  name: "written down",
  dial: async () => ({ dialed: "yes", leg: newId<LegId>(), conversation: null }),
  hangUp: async () => {},
  legState: async () => null,
  press: async (_, keys) => void asked.push(`press ${keys}`),
  handOver: async ({ to, announced }) => void asked.push(`hand over to ${to}${announced ? ", announced" : ""}`),
  openRecording: async () => {
    throw new Error("This carrier has no recordings.");
  },
  mayFetch: () => false,
};
const toolsWith = (more: Partial<ToolsParts> = {}) =>
  openTools({
    pool: db.pool,
    carrier,
    clock: systemClock,
    log: pino({ level: "silent" }),
    number: "+12025550100",
    key: null,
    local: true,
    ...more,
  });

const lookUp: AgentTool = {
  kind: "http",
  name: "look_up",
  description: "Looks up an order.",
  parameters: { type: "object", properties: { order: { type: "string" } }, required: ["order"] },
  url: "",
  method: "POST",
  headers: [],
  secret_headers: [],
  timeout_ms: 5_000,
};

/** A running call whose agent has these tools. */
async function callWith(tools: (AgentTool | (Omit<Extract<AgentTool, { kind: "http" }>, "url"> & { url?: string }))[]): Promise<CallId> {
  const at = { by: "user:x", at: new Date(), key: null };
  return inTransaction(db.pool, async (sql) => {
    const withUrl = tools.map((tool) => (tool.kind === "http" ? { ...tool, url } : tool)) as AgentTool[];
    const agent = await createAgent(
      sql,
      AgentSettings.parse({
        name: "Desk",
        prompt: "Help.",
        transfer_number: "+12025550143",
        tools: await withSecretsKept(sql, withUrl, at),
      }),
    );
    const call = newId<CallId>();
    await sql.query(
      `insert into calls (id, direction, status, from_number, to_number, phone_leg, agent_id, agent_version, answered_at, deadline_at, variables)
       values ($1, 'inbound', 'in_progress', '+12025550101', '+12025550100', $2, $3, 1, now(), now() + interval '1 hour', '{"name": "Guest"}')`,
      [call, newId(), agent.id],
    );
    return call;
  });
}

/** The bridge's side, moved by hand. */
function moment() {
  const over = new AbortController();
  const quiet = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  const is: Moment = { signal: over.signal, quiet: () => quiet.promise, back: () => back.promise };
  return { is, over, quiet, back };
}
const atOnce = (): Moment => {
  const { is, quiet } = moment();
  quiet.resolve();
  return is;
};

const eventsOf = async (call: CallId) =>
  (
    await db.pool.query<{ kind: string; detail: Record<string, unknown> }>(
      "select kind, detail from events where call_id = $1 order by at, id",
      [call],
    )
  ).rows;
const says = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};

describe("a tool an engine asks for", () => {
  it("is on the timeline, with its arguments, before anything is done", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    let known: Awaited<ReturnType<typeof eventsOf>> = [];
    answer = async (request, response) => {
      known = await eventsOf(call);
      says(200, { due: "Friday" })(request, response);
    };
    const result = await toolsWith().use(call, { id: "u1", name: "look_up", args: '{"order":"4711"}' }, atOnce());
    expect(result).toEqual({ ok: true, text: '{"due":"Friday"}', status: 200 });
    expect(known).toEqual([{ kind: "tool.called", detail: { tool: "look_up", use: "u1", arguments: { order: "4711" } } }]);
  });

  it("that does not exist, or gets wrong arguments, is answered with what is wrong, and nothing is done", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    let met = 0;
    answer = (request, response) => {
      met++;
      says(200, {})(request, response);
    };
    const tools = toolsWith();
    expect(await tools.use(call, { id: "u1", name: "rm_rf", args: "{}" }, atOnce())).toMatchObject({
      ok: false,
      text: expect.stringContaining("no such tool"),
    });
    expect(await tools.use(call, { id: "u2", name: "look_up", args: '{"order":4711}' }, atOnce())).toEqual({
      ok: false,
      text: "order must be string.",
    });
    expect(await tools.use(call, { id: "u3", name: "look_up", args: '{"ord' }, atOnce())).toEqual({
      ok: false,
      text: "The arguments are not JSON.",
    });
    expect(await tools.use(call, { id: "u4", name: "transfer", args: "{}" }, atOnce())).toMatchObject({ ok: false });
    expect(met).toBe(0);
    expect((await eventsOf(call)).map(({ detail }) => detail.use)).toEqual(["u1", "u2", "u3", "u4"]);
  });

  it("is known to whoever carries the call next, with what came of it, or that nobody knows", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    answer = (request, response) => says(200, { due: "Friday" })(request, response);
    const use = { id: "u1", name: "look_up", args: '{"order":"4711"}' };
    const result = await toolsWith().use(call, use, atOnce());
    const event = { call, at: new Date(), actor: "us", said: "The tool answered." } as const;
    await recordEvent(db.pool, {
      ...event,
      kind: "tool.answered",
      detail: { tool: "look_up", use: "u1", ok: result.ok, result: result.text },
    });
    await toolsWith().use(call, { ...use, id: "u2" }, atOnce());
    expect(await usedSoFar(db.pool, call)).toEqual([
      { use, result: { ok: true, text: '{"due":"Friday"}' } },
      { use: { ...use, id: "u2" }, result: { ok: false, text: expect.stringContaining("not known") } },
    ]);
  });

  it("asked again by another process is not done again: its result is told, or that nobody knows it", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    let met = 0;
    answer = (request, response) => {
      met++;
      says(200, { n: met })(request, response);
    };
    const use = { id: "u1", name: "look_up", args: '{"order":"4711"}' };
    await toolsWith().use(call, use, atOnce());
    expect(await toolsWith().use(call, use, atOnce())).toMatchObject({ ok: false, text: expect.stringContaining("not known") });
    await db.pool.query(
      `insert into events (id, call_id, at, kind, actor, said, detail) values ($1, $2, now(), 'tool.answered', 'us', '', '{"use": "u1", "ok": true, "result": "one"}')`,
      [newId(), call],
    );
    expect(await toolsWith().use(call, use, atOnce())).toEqual({ ok: true, text: "one" });
    expect(met).toBe(1);
  });

  it("is refused while four are at work, and after a hundred", async () => {
    // Its answers wait for the test, which a busy machine lets take longer than a tool has.
    const call = await callWith([{ ...lookUp, url: "", timeout_ms: 30_000 }]);
    const waiting: (() => void)[] = [];
    answer = (request, response) => void waiting.push(() => says(200, {})(request, response));
    const tools = toolsWith();
    const is = atOnce();
    const use = (n: number) => tools.use(call, { id: `u${n}`, name: "look_up", args: '{"order":"1"}' }, is);
    const four = [1, 2, 3, 4].map(use);
    await vi.waitUntil(() => waiting.length === 4);
    expect(await use(5)).toMatchObject({ ok: false, text: expect.stringContaining("Too many tools are running") });
    for (const go of waiting) go();
    expect((await Promise.all(four)).every(({ ok }) => ok)).toBe(true);
    answer = says(200, {});
    for (let n = 6; n <= 101; n++) await use(n);
    expect(await use(102)).toMatchObject({ ok: false, text: expect.stringContaining("too often") });
  });

  it("is broken off by the end of its call", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    const { is, over } = moment();
    answer = () => over.abort();
    expect(await toolsWith().use(call, { id: "u1", name: "look_up", args: '{"order":"1"}' }, is)).toMatchObject({
      ok: false,
      text: expect.stringContaining("given up"),
    });
  });

  it("with a secret sends it to the host it was given for, and says so when it cannot be read", async () => {
    const call = await callWith([{ ...lookUp, url: "", secret_headers: [{ name: "Authorization", value: "Bearer s3cret" }] }]);
    let header: unknown;
    answer = (request, response) => {
      header = request.headers.authorization;
      says(200, {})(request, response);
    };
    expect(await toolsWith().use(call, { id: "u1", name: "look_up", args: '{"order":"1"}' }, atOnce())).toMatchObject({ ok: true });
    expect(header).toBe("Bearer s3cret");
    expect(JSON.stringify(await eventsOf(call))).not.toContain("s3cret");
    await db.pool.query("update tool_secrets set sealed = true");
    expect(await toolsWith().use(call, { id: "u2", name: "look_up", args: '{"order":"1"}' }, atOnce())).toMatchObject({
      ok: false,
      text: expect.stringContaining("cannot be read"),
    });
  });

  it("is answered at all when the database is not there, and not done", async () => {
    const call = await callWith([{ ...lookUp, url: "" }]);
    let met = 0;
    answer = (request, response) => {
      met++;
      says(200, {})(request, response);
    };
    const pool = { query: async () => Promise.reject(new Error("the database is away")) } as never;
    expect(await toolsWith({ pool }).use(call, { id: "u1", name: "look_up", args: '{"order":"1"}' }, atOnce())).toEqual({
      ok: false,
      text: "The tool cannot be used at this moment.",
    });
    expect(met).toBe(0);
  });
});

describe("keys", () => {
  it("are pressed when the agent has finished its sentence", async () => {
    const call = await callWith([{ kind: "send_dtmf" }]);
    const { is, quiet } = moment();
    const result = toolsWith().use(call, { id: "u1", name: "send_dtmf", args: '{"digits":"12#"}' }, is);
    await vi.waitUntil(async () => (await eventsOf(call)).length === 1);
    expect(asked).toEqual([]);
    quiet.resolve();
    expect(await result).toMatchObject({ ok: true });
    expect(asked).toEqual(["press 12#"]);
  });

  it("that are none are refused with the reason", async () => {
    const call = await callWith([{ kind: "send_dtmf" }]);
    const result = await toolsWith().use(call, { id: "u1", name: "send_dtmf", args: '{"digits":"call me"}' }, atOnce());
    expect(result.ok).toBe(false);
    expect(result.text).toContain("Nothing was done.");
    expect(asked).toEqual([]);
  });
});

describe("a transfer", () => {
  const open = async (announcement: string | null = null) => {
    const call = await callWith([{ kind: "transfer", announcement }]);
    const by = moment();
    const result = toolsWith().use(call, { id: "u1", name: "transfer", args: '{"reason":"an <order>"}' }, by.is);
    await vi.waitUntil(async () => (await eventsOf(call)).length === 1);
    return { call, result, ...by };
  };
  const became = (call: CallId, result: string) => db.pool.query("update transfers set result = $2 where call_id = $1", [call, result]);

  it("waits for the sentence that announces it", async () => {
    const { call, result, quiet, over } = await open();
    expect(asked).toEqual([]);
    quiet.resolve();
    await vi.waitUntil(() => asked.length === 1);
    expect(asked).toEqual(["hand over to +12025550143"]);
    await became(call, "connected");
    over.abort();
    expect(await result).toMatchObject({ ok: true, outcome: "connected" });
  });

  it("that reaches nobody tells why once the caller is back", async () => {
    const { call, result, quiet, back } = await open();
    quiet.resolve();
    await vi.waitUntil(() => asked.length === 1);
    await became(call, "no_answer");
    back.resolve();
    expect(await result).toMatchObject({ ok: false, outcome: "no_answer", text: expect.stringContaining("no answer") });
  });

  it("is announced with the caller's name and the reason, without marks a voice could obey", async () => {
    const { call, result, quiet, over } = await open("{{name}} is on the line about {{reason}}.");
    quiet.resolve();
    await vi.waitUntil(() => asked.length === 1);
    expect(asked).toEqual(["hand over to +12025550143, announced"]);
    const { rows } = await db.pool.query("select announcement, asked_by from transfers where call_id = $1", [call]);
    expect(rows).toEqual([{ announcement: "Guest is on the line about an  order.", asked_by: "agent" }]);
    over.abort();
    expect(await result).toMatchObject({ ok: false, outcome: "cancelled" });
  });

  it("the carrier does not take is told as failed", async () => {
    const call = await callWith([{ kind: "transfer", announcement: null }]);
    const { handOver: _, ...cannot } = carrier;
    const result = await toolsWith({ carrier: cannot }).use(call, { id: "u1", name: "transfer", args: "{}" }, atOnce());
    expect(result.ok).toBe(false);
    expect(result.text).toContain("Nothing was done.");
  });

  it("whose answer is lost is not told as undone", async () => {
    const call = await callWith([{ kind: "transfer", announcement: null }]);
    async function handOver(): Promise<void> {
      throw new CarrierUnreachable("x.test", "it took too long");
    }
    const result = await toolsWith({ carrier: { ...carrier, handOver } }).use(call, { id: "u1", name: "transfer", args: "{}" }, atOnce());
    expect(result.ok).toBe(false);
    expect(result.text).toContain("Whether it was done is not known. Do not repeat it.");
  });
});
