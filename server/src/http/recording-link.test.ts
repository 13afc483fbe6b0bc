import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type CallId, newId, type RecordingId } from "../ids.ts";
import { readShare, type Share, signShare } from "./recording-link.ts";

const key = randomBytes(32);
const now = new Date("2026-03-01T12:00:00Z");
const share: Share = {
  call: newId<CallId>(),
  source: "journal",
  recording: null,
  expiresAt: new Date(now.getTime() + 60_000),
  maker: `user:${newId()}`,
};

describe("a shared link's token", () => {
  it("says again what was signed", () => {
    expect(readShare(signShare(share, key), key, now)).toEqual(share);
    for (const other of [{ source: null }, { source: null, recording: newId<RecordingId>() }])
      expect(readShare(signShare({ ...share, ...other }, key), key, now)).toEqual({ ...share, ...other });
  });

  it("ends on the second", () => {
    const token = signShare(share, key);
    expect(readShare(token, key, new Date(share.expiresAt.getTime() - 1))).not.toBeNull();
    expect(readShare(token, key, share.expiresAt)).toBeNull();
  });

  it("of another key, or changed in any one place, is nothing", () => {
    const token = signShare(share, key);
    expect(readShare(token, randomBytes(32), now)).toBeNull();
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === "0" ? "1" : "0";
      expect(readShare(token.slice(0, i) + other + token.slice(i + 1), key, now), `at ${i}`).toBeNull();
    }
    for (const nonsense of ["", ".", "v1", `${token}.`, `x.${token}`, "../../etc/passwd"]) expect(readShare(nonsense, key, now)).toBeNull();
  });
});
