import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "@earshot/contract/agent";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { people } from "../emulators/people/people.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, recorded, utterances } from "./shapes.ts";

/** The same calls on OpenAI Realtime and on a self-hosted server of its protocol that knows only 16 kHz. */
const servers = [
  { name: "OpenAI Realtime", openai: { args: ["--as", "late-deltas"] }, rate: 24_000 },
  { name: "a self-hosted server", openai: { args: ["--as", "local"], dialect: "localai", model: "desk" }, rate: 16_000 },
] as const;

/** The polite caller, who lets a pause in a sentence pass: on a busy machine there may be one. */
const patient = people
  .filter(({ number }) => number === "+12025550101")
  .map((person) => ({
    ...person,
    script: person.script.map((line) => ("hangUp" in line ? line : { ...line, after: { silenceMs: 1_500, atMostMs: 20_000 } })),
  }));

describe.concurrent.each(servers)("an agent that speaks through $name", ({ openai, rate }) => {
  let house: House;
  let agent: Agent;
  beforeAll(async () => {
    house = await openHouse({ openai, people: { people: patient } });
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

  test("is called, greets, listens, answers and says goodbye: all of it in the rows, in order", async ({ expect }) => {
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
    for (const { facts } of await sessionsOf(house, id)) expect(facts).toMatchObject({ heard_rate: rate, said_rate: rate });
  });

  test("is interrupted: what was said is whole, what was heard is marked, and the engine is told the same", async ({ expect }) => {
    const id = await place(house, "+12025550102", { agent_id: agent.id });
    await ended(house, id);
    const said = await utterances(house, id);
    // Broken off by the caller's words; not what they hung up on, of which no engine is told.
    const cut = said.filter((one, at) => one.speaker === "agent" && one.cut && said.slice(at).some(({ speaker }) => speaker === "caller"));
    expect(cut.length).toBeGreaterThanOrEqual(1);
    expect((await events(house, id)).filter(({ kind }) => kind === "caller.cut_in").length).toBeGreaterThanOrEqual(1);
    expect(said.filter(({ speaker }) => speaker === "caller").map(({ text }) => text)).toContain(
      "Sorry, stop. I only want to know what it costs.",
    );
    const messages = (await sessionsOf(house, id)).flatMap((session) => session.messages);
    const truncated = messages.flatMap(({ in: told }) => (told?.type === "conversation.item.truncate" ? [told.audio_end_ms] : []));
    const refused = messages.flatMap(({ out }) => (out?.type === "error" ? [out.error?.message] : []));
    expect(truncated.length).toBeGreaterThanOrEqual(1);
    expect(refused).toEqual([]);
    for (const { heard_ms } of cut.filter(({ heard_ms }) => (heard_ms ?? 0) > 300))
      expect(
        truncated.filter((ms) => Math.abs((ms ?? 0) - (heard_ms ?? 0)) < 150),
        `${heard_ms} ms of ${truncated}`,
      ).not.toEqual([]);
  });
});

/** What the engine's sessions of a call were, once they are over: each one's facts and its messages. */
async function sessionsOf(house: House, id: string): Promise<{ facts: object; messages: { in?: Message; out?: Message }[] }[]> {
  const names = (await events(house, id)).filter(({ kind }) => kind === "engine.ready").map(({ detail }) => String(detail.session));
  expect(names.length).toBeGreaterThanOrEqual(1);
  const read = (name: string): string => {
    const path = join(house.dir, "dump-openai", name);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return Promise.all(
    names.map((name) =>
      until(`session ${name} is over and written down`, async () => {
        const facts = read(`${name}.json`);
        if (!facts.endsWith("}\n")) return null;
        const messages = read(`${name}.messages.jsonl`).trim().split("\n");
        return { facts: JSON.parse(facts) as object, messages: messages.map((line) => JSON.parse(line)) };
      }),
    ),
  );
}

interface Message {
  readonly type: string;
  readonly audio_end_ms?: number;
  readonly error?: { readonly message: string };
}
