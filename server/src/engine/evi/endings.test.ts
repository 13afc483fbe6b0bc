import { expect, test } from "vitest";
import { endingOf, refusalOf } from "./endings.ts";

const error = (code: string | null) => ({ code, text: "what EVI said" });

test.each([
  ["we closed", 1000, null, true, "asked", false],
  ["the agent hung up", 1000, null, false, "agent_hung_up", false],
  ["inactivity", 1000, error("E0714"), false, "idle", false],
  ["30 minutes", 1000, error("E0715"), false, "expired", true],
  ["no credit", 1000, error("E0300"), false, "refused", false],
  ["transcription failed", 1000, error("I0116"), false, "lost", true],
  ["transcription dropped", 1000, error("I0118"), false, "lost", true],
  ["the network dropped", 1006, null, false, "lost", true],
  ["a restart", 1012, null, false, "lost", true],
  ["a code nobody documented", 1000, error("X9999"), false, "lost", true],
  ["an error without a code", 1011, error(null), false, "lost", true],
] as const)("%s: close %i is %s", (_, close, because, asked, why, retry) => {
  expect(endingOf(close, because, asked, true)).toMatchObject({ why, retry });
});

test("a close without an error is a loss when the agent did not hang up", () => {
  expect(endingOf(1000, null, false, false)).toMatchObject({ why: "lost", retry: true, code: "ws_1000" });
});

test.each([
  [401, "refused", false],
  [403, "refused", false],
  [404, "refused", false],
  [429, "refused", true],
  [500, "lost", true],
  [503, "lost", true],
] as const)("a handshake answered with %i is %s", (status, why, retry) => {
  expect(refusalOf(status)).toMatchObject({ why, retry, code: `http_${status}` });
});
