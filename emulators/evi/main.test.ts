import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { readWav, writeWav } from "../speech/wav.ts";
import { connect, joined, silence } from "./test/client.ts";

interface Program {
  readonly process: ChildProcess;
  /** The first line on stdout. */
  readonly ready: Promise<string>;
  readonly ended: Promise<number | null>;
  readonly said: () => string;
}

const running: Program[] = [];
afterEach(async () => {
  for (const { process, ended } of running.splice(0)) {
    process.kill("SIGKILL");
    await ended;
  }
});

function start(...args: readonly string[]): Program {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./main.ts", import.meta.url)), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => {
    stderr += part.toString("utf8");
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (part: Buffer) => {
      stdout += part.toString("utf8");
      if (stdout.includes("\n")) resolve(stdout);
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  ready.catch(() => undefined);
  const program = { process: child, ready, ended, said: () => stderr };
  running.push(program);
  return program;
}

const urlOf = async (program: Program): Promise<string> => JSON.parse(await program.ready).url;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "evi-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// each test starts a process, which on a busy machine takes seconds
describe("the program", () => {
  test("says in one line of JSON where it listens, and ends with its parent", async () => {
    const program = start("--api-key", "key", "--with-parent");
    const line = await program.ready;
    expect(line).toMatch(/^\{"ready":true,"url":"http:\/\/127\.0\.0\.1:\d+"\}\n$/);
    const client = await connect(JSON.parse(line).url);
    await client.until("chat_metadata");
    program.process.stdin?.end();
    expect(await program.ended).toBe(0);
    await client.closed;
  });

  test("understands more with --phrases, and dumps to the byte what was heard and said", async () => {
    const phrases = mkdtempSync(join(folder, "phrases-"));
    const dump = join(folder, "dump");
    const text = "Nobody but this folder knows what I am saying.";
    const sound = await speak(text, "kal");
    writeFileSync(join(phrases, "one.wav"), writeWav(resample(sound, 16_000, 8_000), 8_000));
    writeFileSync(join(phrases, "one.txt"), `${text}\n`);
    const program = start("--api-key", "key", "--phrases", phrases, "--dump", dump, "--think-ms", "0", "--speed", "1000");
    const client = await connect(await urlOf(program), { config_id: "parrot" });
    client.send({ type: "session_settings", audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 } });
    const sent = joined(silence(300), sound, silence(1_000));
    client.speak(sent);
    await client.until("assistant_end");
    expect((await client.until("user_message")).message.content).toBe(text);
    await client.close();
    const state = async () =>
      (await fetch(`${await urlOf(program)}/emulator/chats/${client.messages[0].chat_id}`)).json() as Promise<{ closed: number | null }>;
    while ((await state()).closed === null); // the other side hears of the close a moment later
    program.process.kill("SIGTERM");
    expect(await program.ended).toBe(0);

    const { chat_id } = client.messages[0];
    expect(readdirSync(dump).sort()).toEqual(["heard.pcm", "json", "messages.jsonl", "said.pcm"].map((ending) => `${chat_id}.${ending}`));
    expect(readFileSync(join(dump, `${chat_id}.heard.pcm`)).equals(Buffer.from(sent.buffer))).toBe(true);
    const chunks = client.messages
      .filter((message) => message.type === "audio_output")
      .map((message) => readWav(Buffer.from(message.data, "base64")).samples);
    expect(readFileSync(join(dump, `${chat_id}.said.pcm`)).equals(Buffer.from(joined(...chunks).buffer))).toBe(true);
    expect(JSON.parse(readFileSync(join(dump, `${chat_id}.json`), "utf8"))).toMatchObject({
      format: { sample_rate: 16_000 },
      heard_bytes: sent.byteLength,
      status: "USER_ENDED",
      code: 1000,
    });
    const lines = readFileSync(join(dump, `${chat_id}.messages.jsonl`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => (line.in ?? line.out).type)).toEqual([
      "chat_metadata",
      "session_settings",
      "user_message",
      "assistant_message",
      ...chunks.map(() => "audio_output"),
      "assistant_prosody",
      "assistant_end",
    ]);
  });

  test("understands the people of a people file, spoken or read from a sound file", async () => {
    const said = "I am not in the table of numbers.";
    writeFileSync(join(folder, "said.wav"), writeWav(await speak("Only the file says this.", "awb"), 16_000));
    const person = (number: string, say: Record<string, string>) => ({
      number,
      habit: "Says one thing.",
      voice: "awb-slow",
      script: [{ after: { ms: 0 }, say }],
    });
    writeFileSync(
      join(folder, "people.json"),
      JSON.stringify({
        people: [person("+12025550190", { text: said }), person("+12025550191", { wav: "said.wav", text: "Words of a file." })],
      }),
    );
    const program = start("--api-key", "key", "--people", join(folder, "people.json"));
    const answer = await fetch(`${await urlOf(program)}/emulator/phrases`);
    const { phrases } = (await answer.json()) as { phrases: string[] };
    expect(phrases).toContain(said);
    expect(phrases).toContain("Words of a file.");
    expect(phrases).toContain("Half past three would be perfect for me.");
  });

  test.each([
    ["no key", [], /--api-key: is missing/],
    [
      "several wrong flags",
      ["--port", "99999", "--speed", "0", "--colour", "red"],
      /--port:[\s\S]*--api-key:[\s\S]*--speed:[\s\S]*--colour/,
    ],
    ["a people file that is none", ["--api-key", "key", "--people", "/nowhere/people.json"], /\/nowhere\/people\.json/],
    ["a folder of phrases that is none", ["--api-key", "key", "--phrases", "/nowhere"], /\/nowhere/],
  ])("does not start with %s, and says what is wrong", async (_what, args, says) => {
    const program = start(...args);
    expect(await program.ended).toBe(2);
    expect(program.said()).toMatch(says);
    expect(program.said()).not.toContain("    at ");
  });

  test("does not start with a WAV that has no words beside it", async () => {
    const phrases = mkdtempSync(join(folder, "phrases-"));
    writeFileSync(join(phrases, "alone.wav"), writeWav(new Int16Array(16_000), 16_000));
    const wordless = start("--api-key", "key", "--phrases", phrases);
    expect(await wordless.ended).toBe(2);
    expect(wordless.said()).toMatch(/alone\.wav has no text: write its words into .*alone\.txt/);
  });

  test("does not start on a port that is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const late = start("--api-key", "key", "--port", String(typeof address === "object" && address ? address.port : 0));
    expect(await late.ended).toBe(2);
    expect(late.said()).toMatch(/EADDRINUSE/);
    taken.close();
  });
});
