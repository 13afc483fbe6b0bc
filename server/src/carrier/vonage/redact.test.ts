import { expect, it } from "vitest";
import { keptHeaders, withoutTokens } from "./redact.ts";

it("a stored address does not open a call's audio", () => {
  expect(withoutTokens("/x?to=wss%3A%2F%2Fa.test%2Fmedia%2Fvonage%2Fs3cr-t_T&from=1")).toBe(
    "/x?to=wss%3A%2F%2Fa.test%2Fmedia%2Fvonage%2F[token]&from=1",
  );
  expect(withoutTokens('{"to":"wss://a.test/media/vonage/abc","x":1}')).toBe('{"to":"wss://a.test/media/vonage/[token]","x":1}');
});

it("stored headers hold the claims and not the token", () => {
  const claims = Buffer.from('{"iat":1,"jti":"j"}').toString("base64url");
  const kept = keptHeaders({ authorization: `Bearer e30.${claims}.sig`, cookie: "secret", "user-agent": "Java\0" });
  expect(kept).toMatchObject({ authorization: { claims: { jti: "j" } }, "user-agent": "Java" });
  expect(JSON.stringify(kept)).not.toMatch(/sig|secret|e30/);
});
