import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./prepare.mjs";

/** What must never be in a public repository. Written so that this file does not find itself. */
const never: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "a private key", pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\\n|\s)+[A-Za-z0-9+/=\\\s]{100}/ },
  { what: "a cloud key", pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { what: "a service's token", pattern: /\b(?:sk-(?:proj-)?|gh[pousr]_|github_pat_|xox[abprs]-|npm_|AIza)[A-Za-z0-9_-]{24,}/ },
  { what: "a registry's token", pattern: /_auth(?:Token)?\s*=/ },
  {
    what: "a folder of somebody's machine",
    pattern: /(?<![\w.~-])\/(?:home|Users)\/[a-z][\w.-]*\/|(?<![\w.~-])\/(?:root|work|mnt|workspace)\/[\w.-]+/,
  },
  { what: "a registry's host", pattern: /\bregistry\.[a-z0-9.-]+\.[a-z]{2,}\b|"resolved":\s*"https?:|^\s*(?:@[\w-]+:)?registry\s*=/m },
];

/** Everything that is or is about to be committed: what git does not ignore. */
function publishedFiles(): string[] {
  const listed = execFileSync("git", ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed.split("\0").filter(Boolean);
}

const text = (file: string): string => {
  try {
    const bytes = readFileSync(join(root, file));
    return bytes.includes(0) ? "" : bytes.toString("utf8");
  } catch {
    return ""; // deleted, not yet committed
  }
};

describe("the repository", () => {
  test.each(never)("holds no $what", ({ pattern }) => {
    const found = publishedFiles().flatMap((file) => {
      const hit = pattern.exec(text(file));
      return hit === null ? [] : [`${file}: ${hit[0].slice(0, 60)}`];
    });
    expect(found).toEqual([]);
  });

  test("ignores what must stay on the machine", () => {
    const kept = [".env", ".data/postgres/password", ".node/package.json", "node_modules/x", "dashboard/dist/index.html"];
    const ignored = execFileSync("git", ["-c", "safe.directory=*", "check-ignore", "--no-index", ...kept], { cwd: root, encoding: "utf8" });
    expect(ignored.trim().split("\n")).toEqual(kept);
  });
});

describe("the scan finds", () => {
  const [privateKey, cloudKey, token, registryToken, folder, host] = never.map(({ pattern }) => pattern) as [
    RegExp,
    RegExp,
    RegExp,
    RegExp,
    RegExp,
    RegExp,
  ];
  test.each([
    ["a private key", privateKey, `-----BEGIN RSA ${"PRIVATE KEY"}-----\n${"MIIEvQIBADAN".repeat(12)}`],
    ["a private key in an env file", privateKey, `KEY="-----BEGIN ${"PRIVATE KEY"}-----\\n${"MIIEvQIBADAN".repeat(12)}"`],
    ["a cloud key", cloudKey, `${"AKIA"}IOSFODNN7EXAMPLE`],
    ["a service's token", token, `${"sk-"}abcdefghijklmnopqrstuvwxyz0123`],
    ["a registry's token", registryToken, `//host/:${"_auth"}Token=abc`],
    ["a home folder", folder, `see ${"/ho"}me/someone/earshot`],
    ["a checkout's folder", folder, `cd ${"/wo"}rk/checkout`],
    ["a lock file with hosts", host, `"resolved": "${"htt"}ps://packages.example/x.tgz"`],
    ["a registry setting", host, `${"regis"}try = https://packages.example`],
  ])("%s", (_what, pattern, text) => {
    expect(pattern.test(text)).toBe(true);
  });
});
