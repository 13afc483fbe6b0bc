import { expect, test } from "vitest";
import type { EngineEvent } from "../port.ts";
import { EviTalk } from "./talk.ts";
import { hear } from "./wire.ts";

const talk = (mayHangUp = false, cutInMs = 0): { talk: EviTalk; hears: (...messages: object[]) => EngineEvent[] } => {
  const one = new EviTalk(() => new Date("2026-01-01T00:00:00Z"), undefined, mayHangUp, cutInMs);
  return {
    talk: one,
    hears: (...messages) =>
      messages.flatMap((message) => {
        const heard = hear(Buffer.from(JSON.stringify(message)));
        if (heard.kind !== "saying") throw new Error(`not understood: ${JSON.stringify(message)}`);
        return one.hear(heard.saying);
      }),
  };
};
const metadata = { type: "chat_metadata", chat_id: "chat", chat_group_id: "group" };
const user = (content: string, { interim = false, begin = 0, end = 900, ...more } = {}): object => ({
  type: "user_message",
  message: { role: "user", content },
  models: { prosody: { scores: { Joy: 0.5 } } },
  time: { begin, end },
  interim,
  from_text: false,
  ...more,
});
const agent = (id: string, content: string): object => ({
  type: "assistant_message",
  id,
  message: { role: "assistant", content },
  models: {},
  from_text: false,
  is_quick_response: false,
});
const pcm = (value: number): Int16Array => Int16Array.of(value);

test("the chat's beginning tells the session, how to resume it and when it ends", () => {
  expect(talk().hears(metadata)).toEqual([
    { what: "ready", session: "chat", resume: "group", expiresAt: new Date("2026-01-01T00:30:00Z") },
  ]);
});

test("interim words and the final ones are one utterance, the next is another; feelings come with the final", () => {
  const { hears } = talk();
  const events = hears(
    metadata,
    user("move", { interim: true }),
    user("move it", { interim: true }),
    user("Move it."),
    user("Yes.", { begin: 2_000, end: 2_400 }),
  );
  const texts = events.filter((event) => event.what === "caller text");
  expect(texts.map(({ utterance, text, final }) => [utterance, text, final])).toEqual([
    ["chat:c1", "move", false],
    ["chat:c1", "move it", false],
    ["chat:c1", "Move it.", true],
    ["chat:c2", "Yes.", true],
  ]);
  expect(events.filter((event) => event.what === "emotion").map(({ utterance, fromMs, set }) => [utterance, fromMs, set])).toEqual([
    ["chat:c1", 0, "evi-prosody-48"],
    ["chat:c2", 2_000, "evi-prosody-48"],
  ]);
});

test("the same final message twice is one utterance", () => {
  const { hears } = talk();
  expect(hears(metadata, user("Yes."), user("Yes.")).filter((event) => event.what === "caller text")).toHaveLength(1);
});

test.each<[string, boolean, object[], string[]]>([
  ["an interruption while EVI still generates", true, [{ type: "user_interruption", time: 1 }], ["cut in", "agent done"]],
  ["an interim word while our queue still plays", true, [user("wait", { interim: true })], ["cut in", "caller text"]],
  ["final words while our queue still plays", true, [user("wait")], ["cut in", "caller text", "emotion"]],
  ["final words in silence", false, [user("yes")], ["caller text", "emotion"]],
  ["typed words while our queue plays", true, [user("yes", { from_text: true } as object)], ["caller text", "emotion"]],
  [
    "two interims while our queue plays: one cut-in",
    true,
    [user("wa", { interim: true }), user("wait", { interim: true })],
    ["cut in", "caller text", "caller text"],
  ],
])("%s", (_, playing, messages, events) => {
  const { talk: one, hears } = talk();
  hears(metadata, agent("a1", "A long story."));
  one.tellPlaying(playing);
  expect(hears(...messages).map(({ what }) => what)).toEqual(events);
});

test.each<[string, object[], number[]]>([
  ["a word of agreement does not", [user("mhm", { interim: true, end: 300 }), user("Mhm.", { end: 500 })], []],
  ["one who goes on speaking does", [user("but", { interim: true, end: 400 }), user("but wait", { interim: true, end: 1_600 })], [1]],
  [
    "also where each message tells of its own piece",
    [user("but", { interim: true, end: 900 }), user("wait", { begin: 900, end: 1_700 })],
    [1],
  ],
  [
    "two words of agreement do not, one after the other",
    [user("Mhm.", { end: 500 }), user("mhm", { interim: true, begin: 4_000, end: 4_300 }), user("Mhm.", { begin: 4_000, end: 4_400 })],
    [],
  ],
  ["where it is not told how long, any word does", [user("but", { interim: true, time: undefined } as object)], [0]],
])("who may break into an agent that is hard to interrupt: %s", (_, messages, cutAt) => {
  const { talk: one, hears } = talk(false, 1_500);
  hears(metadata, agent("a1", "A long story."));
  one.tellPlaying(true);
  const cuts = messages.flatMap((message, at) => (hears(message).some(({ what }) => what === "cut in") ? [at] : []));
  expect(cuts).toEqual(cutAt);
  // Words that broke nothing off leave the agent's own as they are.
  expect(one.hearSound("a1", 0, pcm(1)).chunks).toHaveLength(cutAt.length === 0 ? 1 : 0);
});

test("after a cut-in nothing more is heard of the sentences known before, but the next answer is", () => {
  const { talk: one, hears } = talk();
  hears(metadata, agent("a1", "Long."), agent("a2", "Longer."));
  one.hearSound("a1", 0, pcm(1));
  hears({ type: "user_interruption", time: 1 });
  expect(one.hearSound("a1", 1, pcm(2)).chunks).toEqual([]);
  expect(one.hearSound("a2", 0, pcm(2)).chunks).toEqual([]);
  expect(hears(agent("a2", "Longer."))).toEqual([]);
  expect(one.hearSound("a3", 0, pcm(3)).chunks).toEqual([pcm(3)]);
});

test("chunks leave in the order of their index, each once", () => {
  const { talk: one } = talk();
  const order: number[] = [];
  for (const index of [2, 0, 0, 4, 1, 3, 1])
    for (const chunk of one.hearSound("a", index, pcm(index)).chunks) order.push(chunk[0] as number);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("what waits for a chunk that never comes is played when its sentence is over", () => {
  const { talk: one } = talk();
  one.hearSound("a", 0, pcm(0));
  one.hearSound("a", 2, pcm(2));
  const { fresh, rest, chunks } = one.hearSound("b", 0, pcm(9));
  expect([fresh, rest, chunks]).toEqual([true, [pcm(2)], [pcm(9)]]);
});

test("an error that ends the chat is remembered through what follows; another only if it was the last word", () => {
  const { talk: one, hears } = talk();
  hears(metadata, { type: "error", code: "E0712", slug: "slow", message: "The model did not answer." });
  expect(one.error?.code).toBe("E0712");
  hears(agent("a", "Still here."));
  expect(one.error).toBeNull();
  hears({ type: "error", code: "E0715", slug: "max_duration_timeout", message: "Over." }, { type: "assistant_end" });
  expect(one.error?.code).toBe("E0715");
});

test("ten thousand strange messages of a thousand types are ten troubles", () => {
  const { talk: one } = talk();
  let troubles = 0;
  for (let i = 0; i < 10_000; i++) troubles += one.strangeMessage(`type_${i % 1_000}`, false).length;
  expect(troubles).toBeLessThanOrEqual(10);
});

test("a chat is at rest when nothing is said, asked or waited for", () => {
  const { talk: one, hears } = talk();
  const rests: [string, boolean][] = [];
  const now = (moment: string): void => void rests.push([moment, one.atRest]);
  now("before it began");
  hears(metadata);
  now("begun");
  one.asked();
  now("asked to greet");
  one.hearSound("a1", 0, pcm(1));
  one.tellPlaying(true);
  hears({ type: "assistant_end" });
  now("the greeting is being heard");
  one.tellPlaying(false);
  now("greeted");
  hears(user("can you", { interim: true }));
  now("the caller speaks");
  hears(user("can you look it up?"));
  now("the caller waits");
  hears({ type: "tool_call", name: "look_up", parameters: "{}", tool_call_id: "t1", tool_type: "function", response_required: true });
  hears({ type: "assistant_end" });
  now("a tool is out");
  one.toolAnswered("t1");
  now("its result is to be said");
  one.hearSound("a2", 0, pcm(1));
  one.tellPlaying(true);
  one.tellPlaying(false);
  now("said, and no assistant_end came");
  hears({ type: "user_interruption", time: 1 });
  now("interrupted");
  hears(user("never mind"), { type: "assistant_end" });
  now("answered with nothing");
  expect(rests.filter(([, rests]) => rests).map(([moment]) => moment)).toEqual([
    "begun",
    "greeted",
    "said, and no assistant_end came",
    "answered with nothing",
  ]);
});

const hangUp = { type: "tool_call", name: "hang_up", parameters: "{}", tool_call_id: "t", tool_type: "builtin", response_required: false };

test.each([
  ["its tool was called", false, [agent("a1", "Goodbye."), hangUp], true],
  ["its tool was called and failed", false, [hangUp, { type: "tool_error", tool_call_id: "t", error: "No." }], false],
  ["it may, and had the last word", true, [user("That is all."), agent("a1", "Goodbye."), { type: "assistant_end" }], true],
  ["it may not, though it had the last word", false, [user("That is all."), agent("a1", "Goodbye.")], false],
  ["it may, and the caller waits for an answer", true, [agent("a1", "Hello."), user("Hello?")], false],
  ["it may, and the caller is speaking", true, [agent("a1", "Hello."), user("Hel", { interim: true })], false],
  ["it may, and nobody has said anything", true, [], false],
] as const)("a chat that closes without an error is the agent hanging up or not: %s", (_, mayHangUp, messages, hungUp) => {
  const one = talk(mayHangUp);
  one.hears(metadata, ...messages);
  expect(one.talk.hungUp).toBe(hungUp);
});
