import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { claimsOf, type Received, type SignatureKeys, verifyHandshake, verifyWebhook } from "./signature.ts";

const keys: SignatureKeys = {
  secret: "0123456789abcdef0123456789abcdef",
  apiKey: "abcd1234",
  applicationId: "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
};
/** The moment of the literal tokens below: 2026-03-04T10:00:02Z. */
const IAT = 1_772_618_402;
const then = (seconds: number): Date => new Date((IAT + seconds) * 1000);

const BODY =
  '{"headers":{},"from":"12025550100","to":"12025550101","uuid":"5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11","conversation_uuid":"CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20","status":"ringing","direction":"outbound","timestamp":"2026-03-04T10:00:02.120Z"}';
const POST_TOKEN =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NzI2MTg0MDIsImp0aSI6ImMxZjdkMWRlLTUxYTktNGYwZi05YzBiLTlhNmYyYjFlN2QzMCIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjcwZjkwMjk2NmUwMmQ2ODhlYTlmN2VlNTRiYmE2MDQzODVhMjBmYWEzYzkwNmNhZDQ2ZWZiYmU4OWMyMmRkODIiLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiJ9.nMAiHn3EUMcRScC4JNH07glPmPmOL8N8tZDZRpaw1ls";
const QUERY =
  "to=12025550100&from=12025550106&uuid=4f0c3b9e7d2a41c6b8e5a9d01f72c3e4&conversation_uuid=CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20";
const GET_TOKEN =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NzI2MTg0MDIsImp0aSI6ImotZ2V0IiwiaXNzIjoiVm9uYWdlIiwicGF5bG9hZF9oYXNoIjoiM2IyYjYxMWNhZjBlMWQyMGY2YTYxMTYyMTdjYmMwMzJjMmNlOTU3ZjkyOWVhNGEyY2ZmZWY4YjJkOTI4MmNiYSIsImFwaV9rZXkiOiJhYmNkMTIzNCJ9.y3L33cY-jT3C8Wawg2wmgvjLXyLbngKmVthdqCZpDgo";

const post = (more: Partial<Received> = {}): Received => ({
  method: "POST",
  authorization: `Bearer ${POST_TOKEN}`,
  body: Buffer.from(BODY),
  rawQuery: "call=x",
  ...more,
});
const get = (more: Partial<Received> = {}): Received => ({
  method: "GET",
  authorization: `Bearer ${GET_TOKEN}`,
  body: Buffer.alloc(0),
  rawQuery: QUERY,
  ...more,
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function token(claims: object, { alg = "HS256", secret = keys.secret, hash = "sha256" } = {}): string {
  const signed = `${part({ alg, typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
}
const right = {
  iat: IAT,
  jti: "j",
  iss: "Vonage",
  payload_hash: createHash("sha256").update(BODY).digest("hex"),
  api_key: keys.apiKey,
  application_id: keys.applicationId,
};
const because = (authorization: string | undefined, now = then(0)): string => {
  const signed = verifyWebhook(post({ authorization }), keys, now);
  return signed.good ? "good" : signed.because;
};

describe("a signed webhook", () => {
  it("by POST is accepted as it was sent, byte for byte", () => {
    expect(verifyWebhook(post(), keys, then(0))).toEqual({
      good: true,
      claims: {
        iat: IAT,
        jti: "c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30",
        iss: "Vonage",
        apiKey: "abcd1234",
        applicationId: "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        payloadHash: "70f902966e02d688ea9f7ee54bba604385a20faa3c906cad46efbbe89c22dd82",
      },
    });
  });

  it("by POST is refused with one byte changed, added or missing", () => {
    for (const body of [BODY.replace("ringing", "Ringing"), `${BODY} `, BODY.slice(0, -1), "", JSON.stringify(JSON.parse(BODY), null, 1)]) {
      expect(verifyWebhook(post({ body: Buffer.from(body) }), keys, then(0))).toMatchObject({ good: false, because: "payload" });
    }
  });

  it("by GET is accepted with the parameters in the order received", () => {
    expect(verifyWebhook(get(), keys, then(0)).good).toBe(true);
    const reordered = QUERY.split("&").reverse().join("&");
    expect(verifyWebhook(get({ rawQuery: reordered }), keys, then(0))).toMatchObject({ good: false, because: "payload" });
    expect(verifyWebhook(get({ rawQuery: QUERY.replace("12025550106", "12025550107") }), keys, then(0))).toMatchObject({
      because: "payload",
    });
  });

  it("by GET is accepted whether or not our own parameters take part in the hash", () => {
    const ours = `call=0199a0b1-7d1f-7000-8000-000000000001&${QUERY}&leg=ws`;
    expect(verifyWebhook(get({ rawQuery: ours }), keys, then(0)).good).toBe(true);
    const all = createHash("sha256")
      .update(JSON.stringify(Object.fromEntries(new URLSearchParams(ours))))
      .digest("hex");
    expect(
      verifyWebhook(get({ rawQuery: ours, authorization: `Bearer ${token({ ...right, payload_hash: all })}` }), keys, then(0)).good,
    ).toBe(true);
  });

  it("by GET keeps number-like names where they came", () => {
    const query = "b=1&2=x&a=%22q%22&1=y";
    const hash = createHash("sha256").update('{"b":"1","2":"x","a":"\\"q\\"","1":"y"}').digest("hex");
    expect(
      verifyWebhook(get({ rawQuery: query, authorization: `Bearer ${token({ ...right, payload_hash: hash })}` }), keys, then(0)).good,
    ).toBe(true);
  });

  it.each([
    ["no header", undefined, "absent"],
    ["another scheme", "Basic abc", "absent"],
    ["no token", "Bearer ", "absent"],
    ["half a token", "Bearer abc.def", "malformed"],
    ["a token that is no JSON", "Bearer abc.def.ghi", "malformed"],
    ["an endless token", `Bearer ${"a".repeat(9000)}.b.c`, "malformed"],
    ["no algorithm", `Bearer ${part({ alg: "none", typ: "JWT" })}.${part(right)}.`, "algorithm"],
    ["no algorithm and some signature", `Bearer ${part({ alg: "none", typ: "JWT" })}.${part(right)}.AA`, "algorithm"],
    ["another algorithm", `Bearer ${token(right, { alg: "HS512", hash: "sha512" })}`, "algorithm"],
    ["the algorithm of keys", `Bearer ${token(right, { alg: "RS256" })}`, "algorithm"],
    ["another secret", `Bearer ${token(right, { secret: "another secret of thirty-two bits" })}`, "signature"],
    ["a cut signature", `Bearer ${token(right).slice(0, -4)}`, "signature"],
    [
      "claims of another token",
      `Bearer ${part({ alg: "HS256" })}.${part({ ...right, jti: "k" })}.${token(right).split(".")[2]}`,
      "signature",
    ],
    ["no time", `Bearer ${token({ ...right, iat: undefined })}`, "claims"],
    ["a time in words", `Bearer ${token({ ...right, iat: "now" })}`, "claims"],
    ["another issuer", `Bearer ${token({ ...right, iss: "vonage" })}`, "issuer"],
    ["no issuer", `Bearer ${token({ ...right, iss: undefined })}`, "issuer"],
    ["another account", `Bearer ${token({ ...right, api_key: "ffff0000" })}`, "account"],
    ["no account", `Bearer ${token({ ...right, api_key: undefined })}`, "account"],
    ["another application", `Bearer ${token({ ...right, application_id: "bbbbbbbb-bbbb-cccc-dddd-0123456789ab" })}`, "application"],
    ["no hash", `Bearer ${token({ ...right, payload_hash: undefined })}`, "unhashed"],
    ["another hash", `Bearer ${token({ ...right, payload_hash: "00" })}`, "payload"],
    ["an expiry long past", `Bearer ${token({ ...right, exp: IAT - 301 })}`, "expired"],
  ])("with %s is refused", (_, authorization, why) => {
    expect(because(authorization)).toBe(why);
  });

  it("is fresh for five minutes, in both directions of the clock", () => {
    expect(because(`Bearer ${POST_TOKEN}`, then(300))).toBe("good");
    expect(because(`Bearer ${POST_TOKEN}`, then(301))).toBe("stale");
    expect(because(`Bearer ${POST_TOKEN}`, then(-300))).toBe("good");
    expect(because(`Bearer ${POST_TOKEN}`, then(-301))).toBe("early");
  });

  it("may leave out the application, and what is not configured is not compared", () => {
    expect(because(`Bearer ${token({ ...right, application_id: undefined })}`)).toBe("good");
    const open = { ...keys, apiKey: null, applicationId: null };
    expect(
      verifyWebhook(post({ authorization: `Bearer ${token({ ...right, api_key: "x", application_id: "y" })}` }), open, then(0)).good,
    ).toBe(true);
  });

  it("that is refused still tells its claims, for the record", () => {
    const signed = verifyWebhook(post({ authorization: `Bearer ${token({ ...right, jti: "seen" }, { secret: "wrong" })}` }), keys, then(0));
    expect(signed).toMatchObject({ good: false, claims: { jti: "seen" } });
    expect(claimsOf("Bearer x.y.z")).toBeNull();
  });
});

describe("the handshake of an audio socket", () => {
  it("is accepted without a hash of its payload", () => {
    expect(verifyHandshake(`Bearer ${token({ ...right, payload_hash: undefined })}`, keys, then(0)).good).toBe(true);
    expect(verifyHandshake(`Bearer ${POST_TOKEN}`, keys, then(0)).good).toBe(true);
  });

  it("is refused with a wrong signature or an old one", () => {
    expect(verifyHandshake(`Bearer ${token(right, { secret: "wrong" })}`, keys, then(0))).toMatchObject({ because: "signature" });
    expect(verifyHandshake(`Bearer ${POST_TOKEN}`, keys, then(1000))).toMatchObject({ because: "stale" });
  });
});
