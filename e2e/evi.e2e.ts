import type { Agent } from "@earshot/contract/agent";
import { describe, test } from "vitest";
import { briefNumber, briefPeople } from "./brief.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, type Page, place, utterances } from "./shapes.ts";

const hume = async <T>(house: House, path: string): Promise<T> => {
  const answer = await fetch(new URL(path, house.evi.url), { headers: { "x-hume-api-key": house.humeKey } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
};

interface Chats {
  readonly chats_page: readonly { readonly id: string; readonly config: { readonly id: string; readonly version: number } | null }[];
}
interface Config {
  readonly turn_detection: object;
  readonly interruption: object;
  readonly webhooks: readonly { readonly url: string }[];
}

describe("a call with EVI", () => {
  test("runs with the agent's patience, lets an operator whisper, is told of by Hume, and lacks no word afterwards", async ({
    expect,
    onTestFinished,
  }) => {
    const house = await openHouse({ people: briefPeople });
    onTestFinished(() => house.close());
    const agent = (await house.api<Page<Agent>>("/api/agents")).items[0] as Agent;
    // The emulated engine keeps the caller's second sentence to itself, and answers it.
    const settings = {
      ...agent.settings,
      prompt: `${agent.settings.prompt}\n[emulator: withheld]`,
      patience: { ...agent.settings.patience, end_of_turn_ms: 600 },
      interruption: "low",
    };
    const put = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(settings) };
    await house.api(`/api/agents/${agent.id}`, put);

    const id = await place(house, briefNumber);
    await until("the agent speaks", async () => (await utterances(house, id)).length > 0, 60_000);
    const whisper = (body: object) => ({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      expect: 202,
    });
    await house.api(`/api/calls/${id}/whisper`, whisper({ text: "They have called before." }));
    await house.api(`/api/calls/${id}/whisper`, whisper({ text: "This call may be listened to.", how: "say" }));
    await ended(house, id);

    const { chats_page } = await hume<Chats>(house, "/v0/evi/chats?page_size=100");
    const config = chats_page.at(-1)?.config;
    expect(await hume<Config>(house, `/v0/evi/configs/${config?.id}/version/${config?.version}`)).toMatchObject({
      turn_detection: { end_of_turn_silence_ms: 600 },
      interruption: { min_interruption_ms: 1_500 },
      webhooks: [{ url: expect.stringMatching(/\/webhooks\/hume$/) }],
    });

    const said = await until("what was withheld is filled in", async () => {
      const all = await utterances(house, id);
      return all.some(({ source }) => source === "engine") && all;
    });
    const caller = said.filter(({ speaker }) => speaker === "caller").map(({ source, text }) => [source, text]);
    expect(caller).toEqual([
      ["heard", "Half past three would be perfect for me."],
      ["engine", "Wonderful. Thank you very much for your help. Goodbye."],
    ]);
    expect(said.filter(({ speaker, source }) => speaker === "agent" && source === "engine")).toEqual([]);
    expect(said.map(({ text }) => text)).toContain("This call may be listened to.");

    const told = await until("Hume tells of the end", async () => {
      const kinds = (await events(house, id)).map(({ kind }) => kind);
      return kinds.includes("engine.session_ended") && kinds;
    });
    expect(told.filter((kind) => kind === "operator.whispered")).toHaveLength(2);
    expect(told).toContain("transcript.filled");
    expect(told).not.toContain("engine.end_unnoticed");
    expect(told).not.toContain("engine.troubled");
  });
});
