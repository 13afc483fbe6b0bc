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

  it("hides tokens in addresses", () => {
    expect(redactUrl("/webhooks/vonage/event?call=1&token=abc&sig=")).toBe("/webhooks/vonage/event?call=1&token=[redacted]&sig=");
    expect(redactUrl("/media/vonage/abcdef")).toBe("/media/vonage/[redacted]");
    expect(redactUrl(`/x?a=${jwt}`)).toBe("/x?a=[redacted]");
  });
});
