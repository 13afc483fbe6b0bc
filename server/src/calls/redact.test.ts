import { describe, expect, it } from "vitest";
import { redact, redactText, redactUrl } from "./redact.ts";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.abc-DEF_123";

describe("what people may see of the carrier's requests", () => {
  it("hides what opens something, at any depth, and leaves the claims", () => {
    expect(redact({ authorization: `Bearer ${jwt}`, status: "answered", deep: [{ "X-Api-Key": "k", uuid: "u" }] })).toEqual({
      authorization: "[redacted]",
      status: "answered",
      deep: [{ "X-Api-Key": "[redacted]", uuid: "u" }],
    });
    expect(redact({ authorization: { claims: { iat: 1, jti: "j" } } })).toEqual({ authorization: { claims: { iat: 1, jti: "j" } } });
  });

  it("hides tokens in bodies that are JSON and in those that are not", () => {
    expect(redactText(`{"token":"t","n":1}`)).toBe(`{"token":"[redacted]","n":1}`);
    expect(redactText(`broken {${jwt}`)).toBe("broken {[redacted]");
    expect(redactText("")).toBe("");
  });

  it("hides what opens a call's audio inside any text of a body, however its slashes are written", () => {
    const leg = { from: "12025550100", to: "wss://calls.example.com/media/vonage/One-time_42", status: "answered" };
    expect(redactText(JSON.stringify(leg))).toBe(JSON.stringify({ ...leg, to: "wss://calls.example.com/media/vonage/[redacted]" }));
    expect(redactText(JSON.stringify([{ deep: [leg] }]))).not.toContain("One-time_42");
    expect(redactText(String.raw`{"to":"wss:\/\/calls.example.com\/media\/vonage\/One-time_42"}`)).not.toContain("One-time_42");
    expect(redactText(String.raw`cut off {"to":"wss:\/\/x\/media\/vonage\/One-time_42`)).toMatch(/vonage\\\/\[redacted\]$/);
    expect(redactText("to=wss%3A%2F%2Fx%2Fmedia%2Fvonage%2FOne-time_42&status=answered")).toBe(
      "to=wss%3A%2F%2Fx%2Fmedia%2Fvonage%2F[redacted]&status=answered",
    );
    expect(redactUrl("/webhooks/vonage/event?to=wss%3A%2F%2Fx%2Fmedia%2Fvonage%2FOne-time_42")).not.toContain("One-time_42");
    expect(redact({ said: `It was opened with ${jwt}.` })).toEqual({ said: "It was opened with [redacted]." });
  });

  it("hides tokens in addresses", () => {
    expect(redactUrl("/webhooks/vonage/event?call=1&token=abc&sig=")).toBe("/webhooks/vonage/event?call=1&token=[redacted]&sig=");
    expect(redactUrl("/media/vonage/abcdef")).toBe("/media/vonage/[redacted]");
    expect(redactUrl(`/x?a=${jwt}`)).toBe("/x?a=[redacted]");
  });
});
