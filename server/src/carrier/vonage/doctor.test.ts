import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { systemClock } from "../../clock.ts";
import { vonageCarrier } from "./client.ts";
import {
  type DoctorParts,
  examine,
  judgeAddress,
  judgeApplication,
  judgeClock,
  judgeKey,
  judgeNumber,
  judgeSignatures,
  selfProof,
  setWebhooks,
} from "./doctor.ts";
import { refusals } from "./signature.ts";

const us = "https://calls.example.com";

describe("the doctor says", () => {
  it.each([
    [judgeKey({ answered: true, aheadMs: 0 }), "good", "accepts"],
    [judgeKey({ answered: false, unauthorized: true, text: "" }), "bad", "does not accept"],
    [judgeKey({ answered: false, unauthorized: false, text: "ENOTFOUND" }), "bad", "ENOTFOUND"],
    [judgeClock({ answered: true, aheadMs: 1_200 }), "good", "1 s apart"],
    [judgeClock({ answered: true, aheadMs: -95_000 }), "bad", "95 s behind"],
    [judgeClock({ answered: true, aheadMs: 95_000 }), "bad", "95 s ahead"],
    [judgeClock({ answered: true, aheadMs: null }), "unknown", "did not tell"],
    [judgeAddress({ reached: "us" }, us), "good", "leads to this server"],
    [judgeAddress({ reached: "somebody else", status: 200, type: "text/html" }, us), "bad", "text/html"],
    [judgeAddress({ reached: "nobody", text: "ECONNREFUSED" }, us), "bad", "ECONNREFUSED"],
    [judgeSignatures({ accepted: 0, refused: 0, because: null, latestAccepted: false }), "unknown", "No webhook"],
    [judgeSignatures({ accepted: 7, refused: 2, because: refusals.signature, latestAccepted: true }), "good", "7 signed"],
    [judgeSignatures({ accepted: 7, refused: 2, because: refusals.signature, latestAccepted: false }), "bad", "signature secret"],
    [judgeApplication({ seen: null, text: "only with the secret" }, us), "unknown", "secret"],
    [
      judgeApplication(
        {
          seen: {
            answer: `${us}/webhooks/vonage/answer`,
            event: `${us}/webhooks/vonage/event`,
            fallback: `${us}/webhooks/vonage/fallback`,
            signed: true,
          },
        },
        us,
      ),
      "good",
      "signed",
    ],
    [
      judgeApplication({ seen: { answer: "https://old.test/answer", event: null, fallback: null, signed: false } }, us),
      "bad",
      "https://old.test/answer",
    ],
    [judgeNumber({ seen: { owned: true, application: "a" } }, { number: "+12025550100", applicationId: "a" }), "good", "linked"],
    [judgeNumber({ seen: { owned: true, application: "b" } }, { number: "+12025550100", applicationId: "a" }), "bad", "not linked"],
    [
      judgeNumber({ seen: { owned: false, application: null } }, { number: "+12025550100", applicationId: "a" }),
      "bad",
      "not a number of this account",
    ],
  ])("%o", (check, state, words) => {
    expect(check.state).toBe(state);
    expect(check.said).toContain(words);
    expect(check.remedy === null).toBe(state !== "bad");
  });

  it("for each reason of a refused signature what to do", () => {
    for (const because of [refusals.absent, refusals.signature, refusals.account, refusals.application, refusals.stale, refusals.early]) {
      const { remedy } = judgeSignatures({ accepted: 0, refused: 1, because, latestAccepted: false });
      expect(remedy).not.toBe("Look at the refused webhooks.");
    }
  });
});

describe("the doctor looks", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const SECRET = "0123456789abcdef0123456789abcdef";
  let db: FreshDatabase;
  let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  let upgrade: "ours" | "another";
  let world: Server;
  let url: string;
  const puts: unknown[] = [];

  beforeAll(async () => {
    db = await freshDatabase();
    world = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      answer(request, response, Buffer.concat(parts).toString());
    });
    world.on("upgrade", (_, socket) => {
      const text = upgrade === "ours" ? "This token opens no call: it is unknown, used or expired." : "Not found";
      socket.end(`HTTP/1.1 ${upgrade === "ours" ? 401 : 404} No\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    });
    await new Promise<void>((ready) => world.listen(0, "127.0.0.1", ready));
    url = `http://127.0.0.1:${(world.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    puts.length = 0;
  });
  afterAll(async () => {
    world.closeAllConnections();
    world.close();
    await db.drop();
  });

  function parts(more: Partial<DoctorParts> = {}): DoctorParts {
    const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const config = {
      applicationId: "a-1",
      privateKeyPem,
      signatureSecret: SECRET,
      apiSecret: null,
      apiKey: "k",
      number: "+12025550100",
      apiUrl: url,
      emulated: true,
    };
    const client = vonageCarrier({ applicationId: "a-1", privateKeyPem, apiUrl: url, publicUrl: url, pausesMs: [] });
    return { config, client, publicUrl: url, pool: db.pool, clock: systemClock, apiSecret: null, ...more };
  }
  const states = async (more: Partial<DoctorParts> = {}) =>
    Object.fromEntries((await examine(parts(more))).map(({ name, state }) => [name, state]));

  it("and finds everything in order", async () => {
    upgrade = "ours";
    answer = (request, response) => {
      const asked = new URL(request.url ?? "", url);
      if (asked.pathname === "/webhooks/vonage/self") return response.end(selfProof(SECRET, asked.searchParams.get("nonce") ?? ""));
      if (asked.pathname === "/v2/applications/a-1") {
        expect(request.headers.authorization).toBe(`Basic ${Buffer.from("k:s").toString("base64")}`);
        const hook = (path: string) => ({ address: `${url}/webhooks/vonage/${path}` });
        const voice = {
          signed_callbacks: true,
          webhooks: { answer_url: hook("answer"), event_url: hook("event"), fallback_answer_url: hook("fallback") },
        };
        return response.end(JSON.stringify({ capabilities: { voice } }));
      }
      if (asked.pathname === "/account/numbers") {
        expect(asked.searchParams.get("pattern")).toBe("12025550100");
        return response.end(JSON.stringify({ count: 1, numbers: [{ msisdn: "12025550100", app_id: "a-1" }] }));
      }
      return response.end("{}");
    };
    expect(await states({ apiSecret: "s" })).toEqual({
      key: "good",
      clock: "good",
      "public address": "good",
      "audio address": "good",
      signatures: "unknown",
      application: "good",
      number: "good",
    });
  });

  it("and finds what is wrong", async () => {
    upgrade = "another";
    answer = (request, response) =>
      response.writeHead(request.url?.startsWith("/v1") ? 401 : 200, { "content-type": "text/html" }).end("<html>visit site</html>");
    expect(await states({ apiSecret: "s" })).toMatchObject({
      key: "bad",
      clock: "unknown",
      "public address": "bad",
      "audio address": "bad",
      application: "unknown",
    });
  });

  it("and says so when nobody is there", async () => {
    answer = (_, response) => response.destroy();
    const gone = "http://127.0.0.1:9";
    const checks = await examine(parts({ publicUrl: gone }));
    expect(checks.filter(({ state }) => state === "bad").map(({ name }) => name)).toEqual(["key", "public address", "audio address"]);
  });

  it("and sets the webhooks when asked, leaving the rest of the application as it is", async () => {
    answer = (request, response, body) => {
      if (request.method === "PUT") puts.push(JSON.parse(body));
      response.end(JSON.stringify({ name: "Calls", capabilities: { voice: { region: "eu-west", webhooks: {} }, rtc: { webhooks: {} } } }));
    };
    await setWebhooks(parts({ apiSecret: "s" }));
    expect(puts).toEqual([
      {
        name: "Calls",
        capabilities: {
          rtc: { webhooks: {} },
          voice: {
            region: "eu-west",
            signed_callbacks: true,
            webhooks: {
              answer_url: { address: `${url}/webhooks/vonage/answer`, http_method: "POST" },
              fallback_answer_url: { address: `${url}/webhooks/vonage/fallback`, http_method: "POST" },
              event_url: { address: `${url}/webhooks/vonage/event`, http_method: "POST" },
            },
          },
        },
      },
    ]);
    await expect(setWebhooks(parts())).rejects.toThrow("API secret");
  });
});
