import { describe, expect, it } from "vitest";
import { hashPassword, isOutdated, isPassword } from "./passwords.ts";

describe("a password", () => {
  it("is recognised by its hash, and no other is", async () => {
    const hash = await hashPassword("correct horse");
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await isPassword("correct horse", hash)).toBe(true);
    expect(await isPassword("Correct horse", hash)).toBe(false);
    expect(await isPassword("", hash)).toBe(false);
    expect(await hashPassword("correct horse")).not.toBe(hash);
  });

  it("typed on another keyboard is the same", async () => {
    expect(await isPassword("cafe\u0301", await hashPassword("caf\u00e9"))).toBe(true);
  });

  it("hashed elsewhere at another cost is known too, and is made anew", async () => {
    // A vector of the reference implementation (P-H-C/phc-winner-argon2, src/test.c).
    const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    expect(await isPassword("password", hash)).toBe(true);
    expect(isOutdated(hash)).toBe(true);
    expect(isOutdated(await hashPassword("x"))).toBe(false);
  });

  it.each([
    "",
    "x",
    "$argon2i$v=19$m=16,t=2,p=1$c29tc2FsdA$AAAA",
    "$2b$10$abcdefghijklmnopqrstuv",
    "$argon2id$v=19$m=99999999999,t=2,p=1$c29t$AAAA",
  ])("is not behind what is no such hash: %s", async (hash) => {
    expect(await isPassword("x", hash)).toBe(false);
  });
});
