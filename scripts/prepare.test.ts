import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mustBeOurs, remedyOf } from "./prepare.mjs";

test("a folder in which nothing can be installed is told of before npm is asked, with what to do; a good one is left as it was", () => {
  const folder = mkdtempSync(join(tmpdir(), "prepare-"));
  try {
    mustBeOurs(folder);
    expect(readdirSync(folder)).toEqual([]);
    // Also for root: nothing can be made in a file.
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    expect(() => mustBeOurs(file)).toThrow(
      `built in ${file}, and nothing can be written there (ENOTDIR).\nStart as the user it belongs to`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ["npm error code EAI_AGAIN\nnpm error syscall getaddrinfo", /network .* proxy/],
  ["npm error code ENOSPC", /disk is full/],
  ["npm error code EACCES\nnpm error path x", /chown/],
  ["npm error code E404", null],
])("what npm failed of comes with what to do: %j", (said, remedy) => {
  if (remedy === null) expect(remedyOf(said)).toBeNull();
  else expect(remedyOf(said)).toMatch(remedy);
});
