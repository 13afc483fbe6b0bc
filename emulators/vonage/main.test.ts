import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { apiKey, applicationId, publicKey, signatureSecret, token } from "./test-app.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let folder: string;
let flags: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "network-"));
  await writeFile(join(folder, "public.pem"), publicKey);
  flags = [
    "--application-id",
    applicationId,
    "--public-key",
    join(folder, "public.pem"),
    "--signature-secret",
    signatureSecret,
    "--api-key",
    apiKey,
    "--number",
    "+12025550100",
  ];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function run(args: readonly string[]): {
  stdin: NodeJS.WritableStream;
  line: Promise<string>;
  exit: Promise<{ code: number | null; stderr: string }>;
} {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (part) => {
    stderr += part;
  });
  const line = new Promise<string>((resolve) => {
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text);
    });
  });
  const exit = new Promise<{ code: number | null; stderr: string }>((resolve) => child.on("exit", (code) => resolve({ code, stderr })));
  return { stdin: child.stdin, line, exit };
}

it("says in one line of JSON where it listens, and ends with its parent", async () => {
  const { stdin, line, exit } = run([...flags, "--with-parent"]);
  const said = JSON.parse(await line);
  expect(said).toEqual({ ready: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  const answer = await fetch(`${said.url}/v1/calls`, { headers: { authorization: `Bearer ${await token()}` } });
  expect(answer.status).toBe(200);
  stdin.end();
  expect(await exit).toEqual({ code: 0, stderr: "" });
});

it("says every problem of its flags and ends with 2", async () => {
  const { exit } = run(["--number", "nobody", "--api-key", "abcd"]);
  const { code, stderr } = await exit;
  expect(code).toBe(2);
  expect(stderr).toMatch(/--number: is no E.164 number/);
  expect(stderr).toMatch(/--application-id/);
});

it("says what is wrong with a people file", async () => {
  await writeFile(join(folder, "people.json"), JSON.stringify({ people: [{ number: "12", habit: "none" }] }));
  const { exit } = run([...flags, "--people", join(folder, "people.json")]);
  const { code, stderr } = await exit;
  expect(code).toBe(2);
  expect(stderr).toMatch(/people.json/);
  expect(stderr).toMatch(/number/);
  const mute = { number: "+12025550170", habit: "none", script: [{ after: { ms: 1 }, say: { wav: "gone.wav" } }] };
  await writeFile(join(folder, "people.json"), JSON.stringify({ people: [mute] }));
  expect((await run([...flags, "--people", join(folder, "people.json")]).exit).stderr).toMatch(/gone\.wav/);
});

it("says what to do when its port is taken", async () => {
  const first = run([...flags, "--with-parent"]);
  const { port } = new URL(JSON.parse(await first.line).url);
  const { code, stderr } = await run([...flags, "--port", port]).exit;
  first.stdin.end();
  expect(code).toBe(2);
  expect(stderr).toBe(`Something listens at 127.0.0.1:${port} already: choose another --port (0 takes a free one).\n`);
  await first.exit;
});

it("names its flags when asked for help, and says where to ask when one is wrong", async () => {
  const asked = run(["--help"]);
  expect(await asked.line).toMatch(/--answer-url/);
  expect(await asked.exit).toEqual({ code: 0, stderr: "" });
  expect((await run([...flags, "--prot", "1"]).exit).stderr).toMatch(/--prot.*\n\(--help names every flag\)\n$/s);
});

it("makes an account of its own when it is given none, and keeps it for the next time", async () => {
  const words: string[] = [];
  for (const _ of [1, 2]) {
    const { stdin, line, exit } = run(["--account", join(folder, "account"), "--with-parent"]);
    await line;
    stdin.end();
    words.push((await exit).stderr.replace(/127\.0\.0\.1:\d+/g, ""));
  }
  expect(words[0]).toMatch(/VONAGE_APPLICATION_ID=[0-9a-f-]{36}\nVONAGE_PRIVATE_KEY=.*private\.pem\n/);
  expect(words[0]).toMatch(/Watch it at http:\/\/\/ and be somebody on it at http:\/\/\/phone\n/);
  expect(words[1]).toBe(words[0]);
});
