import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openPhraseBook, type PhraseBook } from "../speech/phrases.ts";
import { speak } from "../speech/voice.ts";
import { readWav } from "../speech/wav.ts";
import { usualPace } from "./answering.ts";
import { type HandClock, handClock } from "./clock.ts";
import { agents, directed, ordinary } from "./directive.ts";
import { type Faults, faultTable } from "./faults.ts";
import { type Evi, startEvi } from "./server.ts";
import { type Client, connect, joined, type Message, silence } from "./test/client.ts";

const book: PhraseBook = openPhraseBook([]);
let evi: Evi;
beforeAll(async () => {
  evi = await startEvi({ port: 0, apiKey: "key", listener: book, pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY } });
});
afterAll(() => evi.close());

const opened: Client[] = [];
afterEach(async () => {
  for (const client of opened.splice(0)) {
    client.socket.terminate();
    await client.closed;
  }
});

async function call(fault: string, on = evi): Promise<Client> {
  const client = await connect(on.url, { config_id: fault });
  opened.push(client);
  return client;
}

const of = (client: Client, type: string): Message[] => client.messages.filter((message) => message.type === type);
const says = (client: Client, text = "Thank you."): void => client.send({ type: "user_input", text });

/** Says so many things and waits for each answer. */
async function turns(client: Client, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    const from = client.messages.length;
    says(client);
    await client.until("assistant_end", from);
  }
}

/** One that stands still, to be looked at in the middle of an answer. */
async function still(use: (own: Evi, clock: HandClock) => Promise<void>): Promise<void> {
  const clock = handClock();
  const own = await startEvi({ port: 0, apiKey: "key", listener: book, clock });
  await use(own, clock);
  await own.close();
}

/** What each row of the table does to a client. A row without a line here fails. */
const proof: Record<string, () => Promise<void>> = {
  async slow() {
    await still(async (own, clock) => {
      const client = await call("slow", own);
      says(client);
      await client.until("user_message");
      clock.pass(usualPace.thinkMs + 5_900);
      client.send({ type: "nothing" });
      await client.until("error");
      expect(of(client, "assistant_message")).toEqual([]);
      clock.pass(100);
      await client.until("assistant_message");
    });
  },
  async flood() {
    const client = await call("flood");
    await turns(client, 1);
    expect(client.messages.length).toBeGreaterThan(10_000);
    expect(of(client, "transcript_delta")).toHaveLength(2_500);
  },
  async "unknown-types"() {
    const client = await call("unknown-types");
    await turns(client, 2);
    expect(of(client, "billing_notice")).toHaveLength(2);
  },
  async malformed() {
    const client = await call("malformed");
    await turns(client, 1);
    expect(of(client, "not JSON")).toHaveLength(1);
    expect(of(client, "binary")).toHaveLength(1);
    expect(of(client, "user_message").some((message) => message.models === undefined)).toBe(true);
  },
  async "flood-malformed"() {
    const client = await call("flood-malformed");
    await turns(client, 1);
    expect(client.messages.length).toBeGreaterThan(10_000);
  },
  async silent() {
    const client = await call("silent");
    says(client);
    await client.until("user_message");
    client.send({ type: "nothing" });
    await client.until("error");
    expect(of(client, "assistant_message")).toEqual([]);
  },
  async deaf() {
    const client = await call("deaf");
    client.send({ type: "session_settings", audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 } });
    client.speak(joined(await speak("Goodbye.", "awb"), silence(1_000)));
    client.send({ type: "nothing" });
    await client.until("error");
    expect(of(client, "user_message")).toEqual([]);
  },
  async mute() {
    const client = await call("mute");
    await new Promise((resolve) => client.socket.ping(resolve));
    expect(client.messages).toEqual([]);
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  },
  async freeze() {
    const client = await call("freeze");
    await turns(client, 1);
    says(client);
    await client.until((message) => message.type === "user_message", of(client, "user_message").length + 1);
    const state = await (await fetch(`${evi.url}/emulator/chats/${client.messages[0].chat_id}`)).json();
    expect(state).toMatchObject({ turns: 2, closed: null });
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  },
  refuse: () => expect(call("refuse")).rejects.toThrow("HTTP 401"),
  "too-many": () => expect(call("too-many")).rejects.toThrow("HTTP 429"),
  unavailable: () => expect(call("unavailable")).rejects.toThrow("HTTP 503"),
  async hang() {
    const address = `${evi.url.replace("http", "ws")}/v0/evi/chat?config_id=hang`;
    const hanging = new WebSocket(address, { headers: { "x-hume-api-key": "key" } });
    hanging.on("error", () => undefined);
    for (let i = 0; i < 3; i++) await (await call("desk")).until("chat_metadata"); // others are answered meanwhile
    expect(hanging.readyState).toBe(hanging.CONNECTING);
    hanging.terminate();
  },
  async drop() {
    const client = await call("drop");
    await turns(client, 1);
    const from = client.messages.length;
    says(client);
    expect(await client.closed).toBe(1006);
    expect(client.messages.slice(from).map((message) => message.type)).toEqual(["user_message", "assistant_message", "audio_output"]);
  },
  async "drop-greeting"() {
    const client = await call("drop-greeting");
    client.send({ type: "assistant_input", text: "Hello, this is the appointment desk, and this is a long greeting." });
    expect(await client.closed).toBe(1006);
    expect(of(client, "audio_output")).toHaveLength(1);
  },
  async "drop-thinking"() {
    const client = await call("drop-thinking");
    await turns(client, 1);
    says(client);
    expect(await client.closed).toBe(1006);
    expect(client.messages.at(-1).type).toBe("user_message");
  },
  async "drop-always"() {
    const first = await call("drop-always");
    says(first);
    expect(await first.closed).toBe(1006);
    const again = await connect(evi.url, { config_id: "drop-always", resumed_chat_group_id: first.messages[0].chat_group_id });
    says(again);
    expect(await again.closed).toBe(1006);
  },
  "close-1008": () => closesAtTheSecondTurn("close-1008", 1008),
  "close-1011": () => closesAtTheSecondTurn("close-1011", 1011),
  "close-1012": () => closesAtTheSecondTurn("close-1012", 1012),
  "close-1000": () => closesAtTheSecondTurn("close-1000", 1000),
  async "no-credit"() {
    const client = await call("no-credit");
    expect(await client.closed).toBe(1000);
    expect(client.messages).toMatchObject([{ type: "chat_metadata" }, { type: "error", code: "E0300" }]);
  },
  async untranscribable() {
    const client = await call("untranscribable");
    says(client);
    expect(await client.closed).toBe(1000);
    expect(client.messages.at(-1)).toMatchObject({ code: "I0116", slug: "transcription_failure" });
  },
  async "transcription-lost"() {
    const client = await call("transcription-lost");
    await turns(client, 1);
    says(client);
    expect(await client.closed).toBe(1000);
    expect(client.messages.at(-1)).toMatchObject({ code: "I0118" });
  },
  async "llm-timeout"() {
    const client = await call("llm-timeout");
    expect(await client.until("error")).toMatchObject({ code: "E0712" });
    await turns(client, 1);
  },
  async "llm-lost"() {
    const client = await call("llm-lost");
    await turns(client, 1);
    says(client);
    expect(await client.until("error")).toMatchObject({ code: "E0705" });
    says(client);
    await client.until((message) => message.type === "user_message", client.messages.length);
    expect(of(client, "assistant_end")).toHaveLength(1);
  },
  async withheld() {
    const client = await call("withheld");
    await turns(client, 2);
    expect(of(client, "user_message")).toHaveLength(1);
    const { chat_id } = await client.until("chat_metadata");
    const kept = await fetch(`${evi.url}/v0/evi/chats/${chat_id}?page_size=100`, { headers: { "x-hume-api-key": "key" } });
    const { events_page } = (await kept.json()) as { events_page: { type: string }[] };
    expect(events_page.filter(({ type }) => type === "USER_MESSAGE")).toHaveLength(2);
  },
  async "no-resume"() {
    const first = await call("no-resume");
    const { chat_group_id } = await first.until("chat_metadata");
    const again = await connect(evi.url, { config_id: "no-resume", resumed_chat_group_id: chat_group_id });
    expect(await again.closed).toBe(1000);
    expect(again.messages).toMatchObject([{ type: "error", slug: "chat_group_not_found" }]);
  },
  async forgets() {
    const move = "Could we move it to Friday?";
    const first = await call("forgets");
    says(first, move);
    const offers = (message: Message): boolean => message.type === "assistant_message" && message.message.content.startsWith("For Friday");
    await first.until(offers);
    const again = await connect(evi.url, { config_id: "forgets", resumed_chat_group_id: first.messages[0].chat_group_id });
    opened.push(again);
    says(again, move);
    await again.until(offers); // offered once in a conversation; it has forgotten that it did
  },
  async "another-group"() {
    const first = await call("another-group");
    const { chat_group_id } = await first.until("chat_metadata");
    const again = await connect(evi.url, { config_id: "another-group", resumed_chat_group_id: chat_group_id });
    opened.push(again);
    expect((await again.until("chat_metadata")).chat_group_id).not.toBe(chat_group_id);
  },
  async mirror() {
    const client = await call("mirror");
    client.send({ type: "session_settings", variables: { visits: 3 } });
    expect(await client.until("session_settings")).toEqual({ type: "session_settings", variables: { visits: "3" } });
  },
  async expires() {
    await still(async (own, clock) => {
      const client = await call("expires", own);
      await client.until("chat_metadata");
      clock.pass(30_000);
      expect(await client.closed).toBe(1000);
      expect(client.messages.at(-1)).toMatchObject({ code: "E0715" });
    });
  },
  async impatient() {
    await still(async (own, clock) => {
      const client = await call("impatient", own);
      await client.until("chat_metadata");
      clock.pass(30_000);
      expect(await client.closed).toBe(1000);
      expect(client.messages.at(-1)).toMatchObject({ code: "E0714" });
    });
  },
  async shuffled() {
    const client = await call("shuffled");
    client.send({ type: "assistant_input", text: "This is a rather long sentence, so that it takes more than a few chunks to say it." });
    await client.until("assistant_end");
    const indices = of(client, "audio_output").map((chunk) => chunk.index);
    expect(indices).not.toEqual([...indices.keys()]);
    expect([...indices].sort()).toEqual([...indices.keys()]);
  },
  async "wav-sizes"() {
    const text =
      "This is a rather long sentence, so that it takes more than a few chunks to say all of it, one after the other, until they are five.";
    const [bent, straight] = [await call("wav-sizes"), await call("desk")];
    for (const client of [bent, straight]) {
      client.send({ type: "assistant_input", text });
      await client.until("assistant_end");
    }
    const sizes = of(bent, "audio_output").map((chunk) => Buffer.from(chunk.data, "base64").readUInt32LE(40));
    expect(sizes.slice(0, 2)).toEqual([0, 0xffffffff]);
    expect(sizes[2]).toBeGreaterThan(200_000);
    const sound = (client: Client) => of(client, "audio_output").map((chunk) => readWav(Buffer.from(chunk.data, "base64")).samples);
    expect(sound(bent)).toEqual(sound(straight));
    expect(Buffer.from(of(bent, "audio_output")[3].data, "base64").toString("latin1", 36, 40)).toBe("LIST");
  },
  async "audio-first"() {
    const client = await call("audio-first");
    await turns(client, 1);
    expect(client.messages.findIndex((message) => message.type === "audio_output")).toBeLessThan(
      client.messages.findIndex((message) => message.type === "assistant_message"),
    );
  },
  async "late-audio"() {
    const client = await interrupted("late-audio");
    const from = client.messages.findIndex((message) => message.type === "user_interruption");
    expect(client.messages.slice(from + 1).filter((message) => message.type === "audio_output")).toHaveLength(3);
  },
  async "end-always"() {
    const client = await interrupted("end-always");
    expect(client.messages.map((message) => message.type).slice(-2)).toEqual(["user_interruption", "assistant_end"]);
  },
  async "no-end"() {
    const client = await call("no-end");
    says(client);
    await client.until((message) => message.type === "assistant_message" && message.message.content.includes("anything else"));
    const answered = of(client, "assistant_prosody").length;
    says(client);
    await client.until((message) => message.type === "assistant_message", client.messages.length);
    expect(answered).toBeGreaterThan(0);
    expect(of(client, "assistant_end")).toEqual([]);
  },
  async "no-prosody"() {
    const client = await call("no-prosody");
    await turns(client, 1);
    expect(of(client, "assistant_prosody")).toEqual([]);
  },
  async "47-scores"() {
    const client = await call("47-scores");
    await turns(client, 1);
    expect(Object.keys(of(client, "assistant_prosody")[0].models.prosody.scores)).toHaveLength(47);
  },
  async "other-scores"() {
    const client = await call("other-scores");
    await turns(client, 1);
    expect(of(client, "assistant_prosody")[0].models.prosody.scores).toEqual({ Warmth: 0.41, Irritation: 0.03, Hurry: 0.12 });
  },
  async doubled() {
    const client = await call("doubled");
    await turns(client, 1);
    expect(of(client, "chat_metadata")).toHaveLength(2);
    expect(of(client, "user_message")).toHaveLength(2);
  },
  // the webhooks' own tests prove these
  "webhooks-doubled": async () => undefined,
  "webhooks-late": async () => undefined,
  "webhooks-unsigned": async () => undefined,
  "webhooks-forged": async () => undefined,
};

async function closesAtTheSecondTurn(fault: string, code: number): Promise<void> {
  const client = await call(fault);
  await turns(client, 1);
  says(client);
  expect(await client.closed).toBe(code);
  expect(of(client, "error")).toEqual([]);
}

/** A long answer that a voice has cut. */
async function interrupted(fault: string): Promise<Client> {
  const clock = handClock();
  const own = await startEvi({ port: 0, apiKey: "key", listener: book, clock });
  const client = await call(fault, own);
  client.send({ type: "session_settings", audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 } });
  client.send({
    type: "assistant_input",
    text: "This is a rather long sentence, so that it takes more than a few chunks to say all of it, one after the other.",
  });
  await client.until("audio_output");
  client.speak(await speak("Sorry, stop. I only want to know what it costs.", "awb"));
  await client.until("user_interruption");
  for (let i = 0; i < 10; i++) {
    clock.pass(500);
    await new Promise(setImmediate);
  }
  client.send({ type: "nothing" });
  await client.until("error");
  client.messages.splice(client.messages.findIndex((message) => message.type === "error"));
  await own.close();
  return client;
}

describe("on purpose", () => {
  test.each(faultTable.map((row) => [row.name, row.does] as const))("%s: %s", async (name) => {
    const shown = proof[name];
    if (!shown) throw new Error(`The fault ${name} has no proof here.`);
    await shown();
  });
});

describe("a directive", () => {
  const faults = (prompt: string): Faults => directed(ordinary, prompt).faults;

  test("in the prompt chooses an agent and faults, several of them, at another turn", () => {
    expect(directed(ordinary, "Be kind. [emulator: storyteller drop turn=3 shuffled]")).toEqual({
      agent: agents.find((agent) => agent.name === "storyteller"),
      faults: { closes: { code: 1006, turn: 3, at: "speaking" }, shuffled: true },
    });
    expect(faults("[emulator: slow] and later [EMULATOR: no-end]")).toEqual({ slowMs: 6_000, end: "never" });
    expect(faults("[emulator: nonsense]")).toEqual({});
    expect(faults("An emulator is a fine thing.")).toEqual({});
  });

  test("works when it comes with the session's settings", async () => {
    const client = await connect(evi.url);
    opened.push(client);
    client.send({ type: "session_settings", system_prompt: "Be kind. [emulator: parrot drop turn=1]" });
    client.send({ type: "user_input", text: "One two three." });
    expect(await client.closed).toBe(1006);
    expect(of(client, "assistant_message")[0].message.content).toBe("You said: One two three.");
  });
});

test("an unknown config is refused with an error and 1000", async () => {
  const client = await connect(evi.url, { config_id: "0b7c0000-0000-4000-8000-000000000000" });
  expect(await client.closed).toBe(1000);
  expect(client.messages).toMatchObject([{ type: "error", slug: "config_not_found" }]);
});

test("the README's tables are these tables", () => {
  const readme = readFileSync(new URL("./README.md", import.meta.url), "utf8");
  for (const { name, does } of faultTable) expect(readme).toContain(`| \`${name}\` | ${does} |`);
  for (const { name, habit } of agents) expect(readme).toContain(`| \`${name}\` | ${habit} |`);
});
