/** Hume's own package, unchanged, pointed here by its environment: what it takes for an error would be one. */
import { HumeClient } from "hume";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { speak } from "../speech/voice.ts";
import { handClock } from "./clock.ts";
import { type Evi, startEvi } from "./server.ts";
import { connect, joined, type Message, silence } from "./test/client.ts";

let evi: Evi;
let hume: HumeClient;
beforeAll(async () => {
  const text = "Could we move my appointment to Friday?";
  evi = await startEvi({
    port: 0,
    apiKey: "key",
    listener: openPhraseBook([{ text, sound: await speak(text, "rms") }]),
    pace: { thinkMs: 0, speed: Number.POSITIVE_INFINITY },
  });
  const socket = evi.url.replace("http", "ws");
  hume = new HumeClient({
    apiKey: "key",
    environment: { base: evi.url, evi: `${socket}/v0/evi`, tts: `${socket}/v0/tts`, stream: `${socket}/v0/stream` },
  });
});
afterAll(() => evi.close());

const said: string[] = [];
beforeEach(() => {
  for (const how of ["warn", "error", "log"] as const)
    vi.spyOn(console, how).mockImplementation((...words) => void said.push(words.join(" ")));
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(said.splice(0)).toEqual([]); // the package prints hundreds of lines for a message that misses its schema
});

/** Collects messages until one fits. */
function until(socket: object, fits: (message: Message) => boolean): Promise<Message[]> {
  const { on } = socket as { on(event: string, hear: (what: Message) => void): void };
  const all: Message[] = [];
  return new Promise((resolve, reject) => {
    on.call(socket, "message", (message) => {
      all.push(message);
      if (fits(message)) resolve(all);
    });
    on.call(socket, "error", reject);
  });
}

describe("the official package", () => {
  test("talks by the chat socket: every message fits its schema", async () => {
    const socket = hume.empathicVoice.chat.connect({
      verboseTranscription: true,
      reconnectAttempts: 0,
      sessionSettings: {
        audio: { encoding: "linear16", sampleRate: 16_000, channels: 1 },
        customSessionId: "call-7",
        variables: { customer_name: "Guest", visits: 3 },
      },
    });
    await socket.waitForOpen();
    const talk = until(socket, (message) => message.type === "error");
    socket.sendSessionSettings({
      tools: [{ type: "function", name: "book_slot", parameters: "{}", description: "books" }],
      builtinTools: [{ name: "web_search" }],
      context: { text: "The caller is a regular.", type: "persistent" },
    });
    const sound = joined(silence(300), await speak("Could we move my appointment to Friday?", "rms"), silence(1_000));
    for (let at = 0; at < sound.length; at += 320)
      socket.sendAudioInput({ data: Buffer.from(sound.slice(at, at + 320).buffer).toString("base64") });
    socket.pauseAssistant();
    socket.resumeAssistant();
    socket.sendUserInput("Half past three would be perfect for me.");
    socket.sendToolResponseMessage({ toolCallId: "call_unknown", content: "{}" });
    const messages = await talk;
    const [metadata] = messages;
    expect(metadata).toMatchObject({ type: "chat_metadata", customSessionId: "call-7", receivedAt: expect.any(Date) });
    const heard = messages.filter((message) => message.type === "user_message" && !message.interim && !message.fromText);
    expect(heard).toMatchObject([{ message: { content: "Could we move my appointment to Friday?" }, time: { begin: expect.any(Number) } }]);
    expect(Object.keys(heard[0].models.prosody.scores)).toContain("surpriseNegative");
    expect(Object.keys(heard[0].models.prosody.scores)).toHaveLength(48);
    expect(messages.some((message) => message.type === "user_message" && message.interim)).toBe(true);
    socket.close();
  });

  test("gets an answer with sound, calls a tool, and is hung up on", async () => {
    const socket = hume.empathicVoice.chat.connect({ reconnectAttempts: 0 });
    await socket.waitForOpen();
    const called = until(socket, (message) => message.type === "tool_call");
    socket.sendSessionSettings({ tools: [{ type: "function", name: "book_slot", parameters: "{}" }], builtinTools: [{ name: "hang_up" }] });
    socket.sendUserInput("Half past three would be perfect for me.");
    const first = await called;
    expect(first.map((message) => message.type)).toEqual(
      expect.arrayContaining(["assistant_message", "audio_output", "assistant_prosody", "tool_call"]),
    );
    const answered = until(socket, (message) => message.type === "assistant_end");
    socket.sendToolResponseMessage({ toolCallId: first.at(-1).toolCallId, content: "booked" });
    await answered;
    const closed = new Promise<{ code: number }>((resolve) => socket.on("close", resolve));
    const goodbye = until(socket, (message) => message.type === "tool_response");
    socket.sendUserInput("Goodbye.");
    await goodbye;
    expect((await closed).code).toBe(1000);
  });

  test("keeps configs, prompts and tools with versions", async () => {
    const { configs, prompts, tools } = hume.empathicVoice;
    const prompt = await prompts.createPrompt({ name: "Desk prompt", text: "Be kind." });
    expect(prompt).toMatchObject({ name: "Desk prompt", version: 0, text: "Be kind.", versionType: "FIXED" });
    const promptId = prompt?.id ?? "";
    expect(await prompts.createPromptVersion(promptId, { text: "Be brief.", versionDescription: "shorter" })).toMatchObject({
      version: 1,
      text: "Be brief.",
    });
    const tool = await tools.createTool({ name: "book_slot", parameters: '{"type":"object"}', fallbackContent: "no calendar" });
    expect(tool).toMatchObject({ toolType: "FUNCTION", fallbackContent: "no calendar" });

    const config = await configs.createConfig({
      name: "Desk",
      eviVersion: "3",
      prompt: { id: promptId, version: 0 },
      tools: [{ id: tool?.id ?? "" }],
      builtinTools: [{ name: "hang_up" }],
      eventMessages: { onNewChat: { enabled: true, text: "Welcome." } },
      timeouts: { inactivity: { enabled: true, durationSecs: 90 }, maxDuration: { enabled: true, durationSecs: 600 } },
      turnDetection: { endOfTurnSilenceMs: 500 },
      interruption: { minInterruptionMs: 300 },
      webhooks: [{ url: "https://example.com/hook", events: ["chat_started", "chat_ended"] }],
    });
    const id = config.id ?? "";
    expect(config).toMatchObject({
      name: "Desk",
      version: 0,
      prompt: { text: "Be kind." },
      tools: [{ name: "book_slot" }],
      turnDetection: { endOfTurnSilenceMs: 500 },
    });
    await configs.createConfigVersion(id, { eviVersion: "3", prompt: { text: "Inline." }, versionDescription: "second" });
    expect(await configs.getConfigVersion(id, 1)).toMatchObject({ version: 1, versionDescription: "second", prompt: { text: "Inline." } });
    expect((await configs.getConfigVersion(id, 0)).eventMessages?.onNewChat).toEqual({ enabled: true, text: "Welcome." });
    await configs.updateConfigName(id, { name: "Front desk" });
    await configs.updateConfigDescription(id, 1, { versionDescription: "the second" });
    const versions = [];
    for await (const version of await configs.listConfigVersions(id))
      versions.push([version.version, version.name, version.versionDescription]);
    expect(versions).toEqual([
      [0, "Front desk", ""],
      [1, "Front desk", "the second"],
    ]);
    await configs.deleteConfigVersion(id, 1);
    await configs.deleteConfig(id);
    await expect(configs.getConfigVersion(id, 0)).rejects.toMatchObject({ statusCode: 404 });
    await expect(configs.createConfig({ name: "Wrong", eviVersion: "3", tools: [{ id: "nobody" }] })).rejects.toMatchObject({
      statusCode: 400,
    });
    await expect(
      configs.createConfig({ name: "Wrong", eviVersion: "3", turnDetection: { endOfTurnSilenceMs: 100 } }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });

  test("pages through what is many, up to an empty page", async () => {
    for (let i = 0; i < 23; i++) await hume.empathicVoice.tools.createTool({ name: `tool_${i}`, parameters: "{}" });
    const names = [];
    for await (const tool of await hume.empathicVoice.tools.listTools({ pageSize: 10 })) names.push(tool?.name);
    expect(names.filter((name) => name?.startsWith("tool_"))).toHaveLength(23);
  });

  test("reads the chats that were, their events with scores as a string and times in ms", async () => {
    const before = Date.now();
    const socket = hume.empathicVoice.chat.connect({ reconnectAttempts: 0 });
    await socket.waitForOpen();
    const answered = until(socket, (message) => message.type === "assistant_end");
    socket.sendSessionSettings({ systemPrompt: "Be kind.", metadata: { campaign: "spring" } });
    socket.sendUserInput("Thank you.");
    const { chatId, chatGroupId } = (await answered)[0];
    const chats = [];
    for await (const chat of await hume.empathicVoice.chats.listChats({ ascendingOrder: false, pageSize: 1 })) chats.push(chat);
    expect(chats[0]).toMatchObject({ id: chatId, chatGroupId, status: "ACTIVE", metadata: '{"campaign":"spring"}' });
    expect(chats[0]?.startTimestamp).toBeGreaterThanOrEqual(before);
    const events = [];
    for await (const event of await hume.empathicVoice.chats.listChatEvents(chatId, { pageSize: 3 })) events.push(event);
    expect(events.map((event) => event.type)).toEqual([
      "CHAT_START_MESSAGE",
      "SESSION_SETTINGS",
      "USER_MESSAGE",
      "AGENT_MESSAGE",
      "ASSISTANT_PROSODY",
      "AGENT_MESSAGE",
      "ASSISTANT_PROSODY",
    ]);
    const [, , user, agent, prosody] = events;
    expect(user).toMatchObject({ role: "USER", messageText: "Thank you.", emotionFeatures: "" });
    expect(prosody?.relatedEventId).toBe(agent?.id);
    expect(Object.keys(JSON.parse(prosody?.emotionFeatures ?? ""))).toHaveLength(48);
    socket.close();
    const groups = await hume.empathicVoice.chatGroups.getChatGroup(chatGroupId);
    expect(groups).toMatchObject({ id: chatGroupId, numChats: 1, chatsPage: [{ id: chatId }] });
    const inGroup = [];
    for await (const event of await hume.empathicVoice.chatGroups.listChatGroupEvents(chatGroupId, { pageSize: 100 }))
      inGroup.push(event.type);
    expect(inGroup.slice(0, 7)).toEqual(events.map((event) => event.type));
  });

  test("fetches a chat's sound when it is reconstructed: queued, in progress, complete, by a URL that expires", async () => {
    const clock = handClock();
    const own = await startEvi({ port: 0, apiKey: "key", listener: openPhraseBook([]), clock });
    const client = new HumeClient({
      apiKey: "key",
      environment: { base: own.url, evi: `${own.url.replace("http", "ws")}/v0/evi`, tts: own.url, stream: own.url },
    });
    const socket = client.empathicVoice.chat.connect({ reconnectAttempts: 0 });
    await socket.waitForOpen();
    const greeted = until(socket, (message) => message.type === "audio_output");
    socket.sendAssistantInput({ text: "Hello." });
    const [{ chatId, chatGroupId }] = await greeted;
    const audio = async () => client.empathicVoice.chats.getAudio(chatId);
    expect((await audio()).status).toBe("QUEUED"); // it is not over yet
    const ended = fetch(`${own.url}/emulator/chats/${chatId}/close`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"code":1000}',
    });
    expect((await ended).status).toBe(200);
    expect((await audio()).status).toBe("QUEUED");
    clock.pass(500);
    expect((await audio()).status).toBe("IN_PROGRESS");
    clock.pass(500);
    let reconstruction = await audio();
    while (reconstruction.status === "IN_PROGRESS") reconstruction = await audio(); // the encoder works in real time
    expect(reconstruction).toMatchObject({ status: "COMPLETE", filename: expect.stringMatching(/reconstructed_audio\.mp4$/) });
    const url = reconstruction.signedAudioUrl ?? "";
    const file = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(file.toString("latin1", 4, 12)).toBe("ftypisom");
    expect((await fetch(url.replace(/.$/, "x"))).status).toBe(403);
    const inGroup = [];
    for await (const one of (await client.empathicVoice.chatGroups.getAudio(chatGroupId)).audioReconstructionsPage)
      inGroup.push(one.status);
    expect(inGroup).toEqual(["COMPLETE"]);
    clock.pass(3_600_001);
    expect((await fetch(url)).status).toBe(400);
    await own.close();
  });

  test("lists the voices there are, and none of an account's own", async () => {
    const names = async (provider: "HUME_AI" | "CUSTOM_VOICE") => {
      const found: (string | undefined)[] = [];
      for await (const voice of await hume.tts.voices.list({ provider, pageSize: 3 })) found.push(voice.name);
      return found;
    };
    expect(await names("HUME_AI")).toEqual(expect.arrayContaining(["slt", "rms"]));
    expect(await names("CUSTOM_VOICE")).toEqual([]);
  });

  test("reads an agent's or a fault's name as a Config to make another of, which does the same; none is in the list", async () => {
    const named = await hume.empathicVoice.configs.getConfigVersion("refuse", 0);
    expect(named.prompt?.text).toBe("[emulator: refuse]");
    await expect(hume.empathicVoice.configs.getConfigVersion("refuse", 1)).rejects.toMatchObject({ statusCode: 404 });
    const made = await hume.empathicVoice.configs.createConfig({
      name: "made of it",
      eviVersion: "3",
      prompt: { text: named.prompt?.text ?? "" },
    });
    const listed: (string | undefined)[] = [];
    for await (const config of await hume.empathicVoice.configs.listConfigs({ pageSize: 100 })) listed.push(config.name);
    expect(listed).toContain("made of it");
    expect(listed).not.toContain("refuse");
    await expect(connect(evi.url, { config_id: made.id ?? "" })).rejects.toThrow("401");
  });

  test("speaks into a running chat by the control plane, and listens in", async () => {
    const socket = hume.empathicVoice.chat.connect({ reconnectAttempts: 0, allowConnection: true });
    await socket.waitForOpen();
    const greeted = until(socket, (message) => message.type === "assistant_end");
    socket.sendAssistantInput({ text: "Hello." });
    const { chatId } = (await greeted)[0];

    const observer = await hume.empathicVoice.controlPlane.connect({ chat_id: chatId, reconnectAttempts: 0 });
    const replayed = until(observer, (message) => message.type === "assistant_end");
    await observer.waitForOpen();
    expect((await replayed).map((message) => message.type)).toEqual([
      "chat_metadata",
      "assistant_message",
      "assistant_prosody",
      "assistant_end",
    ]);

    const live = until(observer, (message) => message.type === "assistant_end");
    await hume.empathicVoice.controlPlane.send(chatId, { type: "assistant_input", text: "A word from above." });
    expect((await live).map((message) => message.type)).toContain("audio_output");
    await expect(hume.empathicVoice.controlPlane.send("nobody", { type: "session_settings" })).rejects.toMatchObject({ statusCode: 404 });
    observer.close();
    socket.close();
  });
});
