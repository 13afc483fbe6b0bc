import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "@earshot/contract/agent";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type House, openHouse } from "./house.ts";
import { ended, events, place, recorded, utterances } from "./shapes.ts";

/** The same calls on OpenAI Realtime and on a self-hosted server of its protocol that knows only 16 kHz. */
const servers = [
  { name: "OpenAI Realtime", openai: { args: ["--as", "late-deltas"] }, rate: 24_000 },
  { name: "a self-hosted server", openai: { args: ["--as", "local"], dialect: "localai", model: "desk" }, rate: 16_000 },
] as const;

describe.each(servers)("an agent that speaks through $name", ({ openai, rate }) => {
  let house: House;
  let agent: Agent;
  beforeAll(async () => {
    house = await openHouse({ openai });
    agent = await house.api<Agent>("/api/agents", {
      method: "POST",
      body: JSON.stringify({
        name: "Desk",
        engine: "openai",
        prompt: "You are the appointment desk. The customer's name is {{customer_name}}.",
        greeting: "Hello, this is the appointment desk. Is this a good moment to talk?",
      }),
    });
  });
  afterAll(() => house?.close());

  test.concurrent("is called, greets, listens, answers and says goodbye: all of it in the rows, in order", async ({ expect }) => {
    const id = await place(house, "+12025550101", { agent_id: agent.id, customer_name: "Guest" });
    const call = await ended(house, id);
    expect(call.end_reason).toMatch(/^(caller|agent|callee)_hung_up$/);
    expect(call.agent?.id).toBe(agent.id);
    const said = await utterances(house, id);
    expect(said[0]).toMatchObject({
      speaker: "agent",
      text: "Hello, this is the appointment desk. Is this a good moment to talk?",
      cut: false,
    });
    expect(said.filter(({ text }) => text.startsWith("Hello, this is the appointment desk"))).toHaveLength(1);
    expect(said.filter(({ speaker }) => speaker === "caller").map(({ text }) => text)).toEqual([
      "Hello, yes, this is a good moment. How can I help you?",
      "Oh, that is right. Could we move my appointment to Thursday afternoon, please?",
      "Half past three would be perfect for me.",
      "Wonderful. Thank you very much for your help. Goodbye.",
    ]);
    const speakers = said.map(({ speaker }) => speaker);
    expect(speakers.slice(0, 8)).toEqual(["agent", "caller", "agent", "caller", "agent", "caller", "agent", "caller"]);
    for (const [at, one] of said.entries()) {
      expect(one.ended_ms).toBeGreaterThan(one.started_ms);
      expect(one.started_ms).toBeGreaterThanOrEqual(said[at - 1]?.started_ms ?? 0);
    }
    expect((await events(house, id)).map(({ kind }) => kind)).toEqual(expect.arrayContaining(["engine.ready", "call.answered"]));
    expect((await recorded(house, id, "carrier")).recording.channels).toBe(2);

    // The sound was asked of the carrier at the rate that suits the engine, and went up as it came.
    const dump = join(house.dir, "dump-openai");
    const sessions = readdirSync(dump).filter((name) => /^sess_\w+\.json$/.test(name));
    expect(sessions.length).toBeGreaterThanOrEqual(1);
    for (const name of sessions)
      expect(JSON.parse(readFileSync(join(dump, name), "utf8"))).toMatchObject({ heard_rate: rate, said_rate: rate });
  });

  test.concurrent("is interrupted: what was said is whole, what was heard is marked, and the engine is told the same", async ({
    expect,
  }) => {
    const id = await place(house, "+12025550102", { agent_id: agent.id });
    await ended(house, id);
    const said = await utterances(house, id);
    const cut = said.filter((one) => one.speaker === "agent" && one.cut);
    expect(cut.length).toBeGreaterThanOrEqual(1);
    expect((await events(house, id)).filter(({ kind }) => kind === "caller.cut_in").length).toBeGreaterThanOrEqual(1);
    expect(said.filter(({ speaker }) => speaker === "caller").map(({ text }) => text)).toContain(
      "Sorry, stop. I only want to know what it costs.",
    );
    const dump = join(house.dir, "dump-openai");
    const messages = readdirSync(dump)
      .filter((name) => name.endsWith(".messages.jsonl"))
      .flatMap((name) => readFileSync(join(dump, name), "utf8").trim().split("\n"))
      .map((line) => JSON.parse(line) as { in?: Message; out?: Message });
    const truncated = messages.flatMap(({ in: told }) => (told?.type === "conversation.item.truncate" ? [told.audio_end_ms] : []));
    const refused = messages.flatMap(({ out }) => (out?.type === "error" ? [out.error?.message] : []));
    expect(truncated.length).toBeGreaterThanOrEqual(1);
    expect(refused).toEqual([]);
    for (const one of cut.filter(({ ended_ms, started_ms }) => ended_ms - started_ms > 300))
      expect(truncated.some((ms) => Math.abs((ms ?? 0) - (one.ended_ms - one.started_ms)) < 150)).toBe(true);
  });
});

interface Message {
  readonly type: string;
  readonly audio_end_ms?: number;
  readonly error?: { readonly message: string };
}
