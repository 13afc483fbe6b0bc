import { expect, test } from "vitest";
import { refusalIn } from "../../refusal-words.ts";
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
  [401, "", "refused", false, "EVI refused the API key."],
  [401, '{"message":"This key has expired."}', "refused", false, "EVI refused the API key: This key has expired."],
  [402, '{"error":"payment_required"}', "refused", false, "EVI refused the chat with HTTP 402: payment_required."],
  [403, "<html><body>No</body></html>", "refused", false, "EVI refused the API key."],
  [404, "There is no config x.", "refused", false, "EVI refused the chat with HTTP 404: There is no config x."],
  [429, '{"detail":[{"msg":"5 chats are open"}]}', "refused", true, "EVI refused another chat: too many at once: 5 chats are open."],
  [500, "", "lost", true, "EVI answered with HTTP 500."],
  [503, "", "lost", true, "EVI answered with HTTP 503."],
] as const)("a handshake answered with %i %s is %s", (status, body, why, retry, text) => {
  expect(refusalOf(status, refusalIn(body))).toEqual({ why, retry, code: `http_${status}`, text });
});
