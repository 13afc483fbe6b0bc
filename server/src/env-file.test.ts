import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linesLost, withEnvFile } from "./env-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "earshot-env-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, ".env");
  writeFileSync(path, text);
  return path;
}

test("what the process was given wins over the file, and there need not be one", () => {
  expect(withEnvFile(file("PORT=4001\nAPI_KEY=from the file\n"), { PORT: "4002" })).toEqual({ PORT: "4002", API_KEY: "from the file" });
  expect(withEnvFile(join(folder, "none"), { PORT: "4002" })).toEqual({ PORT: "4002" });
});

test("a file as another system writes it is read: byte order mark, carriage returns, export", () => {
  expect(withEnvFile(file("\uFEFFPORT=4001\r\n\r\nexport LOG_LEVEL = debug # for a while\r\n"), {})).toEqual({
    PORT: "4001",
    LOG_LEVEL: "debug",
  });
});

test.each<[string, string, number[]]>([
  ["nothing but settings and remarks", "# ours\n\nPORT=4000\n  API_KEY = 'a b' # c\nEMPTY=\n", []],
  ["a key of several lines in quotation marks", 'VONAGE_PRIVATE_KEY="-----BEGIN\nabc==\nnot = a setting\n-----END"\nPORT=4000\n', []],
  ["a key of several lines without them", "VONAGE_PRIVATE_KEY=-----BEGIN\nab/c==\n-----END\nPORT=4000\n", [2, 3]],
  ["a colon or a blank instead of =", 'PORT: 4000\nAPI_KEY "x"\n', [1, 2]],
  ["a line without a name", "=x\nA B=3\n", [1, 2]],
  ["a quotation mark that nothing closes", 'A="x\nB=2\n', [1]],
  ["another quotation mark inside", `A="it's"\nB='say "x"'\nC=2\n`, []],
])("lines that would be left out are found: %s", (_, text, lines) => {
  expect(linesLost(text).map(({ line }) => line)).toEqual(lines);
});

test("what is found whole, Node reads whole: every name is there", () => {
  const text = "A=1\nexport B='2\n3'\n# D=\nC=`x`\n";
  expect(linesLost(text)).toEqual([]);
  expect(Object.keys(parseEnv(text))).toEqual(["A", "B", "C"]);
});

test("a line that is not understood stops the start by its number, without what stands in it", () => {
  const path = file("PORT=4001\nADMIN_PASSWORD the secret\n");
  expect(() => withEnvFile(path, {})).toThrow(`${path} line 2: is not NAME=value`);
  expect(() => withEnvFile(path, {})).not.toThrow("the secret");
});

test("a file that cannot be read stops the start: what it sets is not left out", () => {
  const path = join(folder, "a-folder");
  mkdirSync(path);
  expect(() => withEnvFile(path, {})).toThrow("cannot be read (EISDIR)");
});

test.skipIf(process.getuid?.() === 0)("nor does one of another account", () => {
  const path = file("PORT=4001\n");
  chmodSync(path, 0);
  expect(() => withEnvFile(path, {})).toThrow("cannot be read (EACCES)");
});
