import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../../test/database.ts";
import { systemClock } from "../../clock.ts";
import { type CallId, newId } from "../../ids.ts";
import { storeRefused } from "../webhooks.ts";
import { vonageCarrier } from "./client.ts";
import {
  type DoctorParts,
  examine,
  judgeAddress,
  judgeApplication,
  judgeClock,
  judgeKey,
  judgeNumber,
  selfProof,
  setWebhooks,
} from "./doctor.ts";
import { judgeSignatures, noteWebhooksSet, type Signatures } from "./doctor-signatures.ts";
import { refusals } from "./signature.ts";

const us = "https://calls.example.com";

const signed = (more: Partial<Omit<Signatures, "refused">>, refused: Partial<Signatures["refused"]> = {}): Signatures => ({
  accepted: 0,
  acceptedAt: null,
  justSet: false,
  refused: { ours: 0, toOurNumber: 0, named: new Set(), others: 0, because: refusals.signature, ...refused },
  ...more,
});

describe("the doctor says", () => {
  it.each([
    [judgeKey({ answered: true, aheadMs: 0 }), "good", "accepts"],
    [judgeKey({ answered: false, unauthorized: true, text: "" }), "bad", "does not accept"],
    [judgeKey({ answered: false, unauthorized: false, text: "ENOTFOUND" }), "bad", "ENOTFOUND"],
    [judgeClock({ answered: true, aheadMs: 1_200 }), "good", "1 s apart"],
    [judgeClock({ answered: true, aheadMs: -95_000 }), "bad", "95 s behind"],
    [judgeClock({ answered: true, aheadMs: 95_000 }), "bad", "95 s ahead"],
    [judgeClock({ answered: true, aheadMs: null }), "unknown", "did not tell"],
    [judgeAddress({ reached: "us" }, us, 3), "good", "Vonage last reached us 3 min ago"],
    [judgeAddress({ reached: "us" }, us, 240), "good", "4 h ago"],
    [judgeAddress({ reached: "us" }, us, null), "unknown", "from outside is not known"],
    [judgeAddress({ reached: "somebody else", status: 200, type: "text/html" }, us, 3), "bad", "text/html"],
    [judgeAddress({ reached: "nobody", text: "ECONNREFUSED" }, us, null), "bad", "ECONNREFUSED"],
    [judgeSignatures(signed({}), false), "unknown", "No webhook has come in the last 24 hours"],
    [judgeSignatures(signed({ justSet: true }), false), "unknown", "since the webhooks were set"],
    [judgeSignatures(signed({ accepted: 7 }), false), "good", "7 signed"],
    [judgeSignatures(signed({ accepted: 7 }, { others: 40 }), false), "good", "40 requests were refused since, and may be anybody's."],
    [judgeSignatures(signed({ accepted: 7 }, { toOurNumber: 300 }), false), "good", "Vonage knows no call of those to our number"],
    [judgeSignatures(signed({ accepted: 7 }, { toOurNumber: 300 }), null), "unknown", "could not be asked"],
    [judgeSignatures(signed({ accepted: 7 }, { toOurNumber: 1, others: 3 }), true), "bad", "1 webhook was refused"],
    [judgeSignatures(signed({ accepted: 7 }, { ours: 1, others: 3 }), false), "bad", "1 webhook was refused"],
    [judgeSignatures(signed({}, { others: 2 }), false), "unknown", "may be anybody's"],
    [judgeSignatures(signed({}, { toOurNumber: 3 }), false), "unknown", "may be anybody's"],
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
    if (state !== "unknown") expect(check.remedy === null).toBe(state === "good");
  });

  it("for each reason of a refused signature what to do", () => {
    for (const because of [refusals.absent, refusals.signature, refusals.account, refusals.application, refusals.stale, refusals.early]) {
      const { remedy } = judgeSignatures(signed({}, { ours: 1, because }), false);
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
      "public address": "unknown",
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

  describe("at the webhooks that were refused", () => {
    const now = new Date();
    const call = newId<CallId>();
    const webhook = (secondsAgo: number, more: Partial<Record<"url" | "body" | "because", string>> & { headers?: object } = {}) =>
      storeRefused(
        db.pool,
        {
          carrier: "vonage",
          door: "event",
          method: "POST",
          url: more.url ?? "/webhooks/vonage/event",
          headers: { ...more.headers },
          body: Buffer.from(more.body ?? "{}"),
          jti: null,
          receivedAt: new Date(now.getTime() - secondsAgo * 1_000),
        },
        more.because ?? refusals.absent,
      );
    const accepted = async (secondsAgo: number) => {
      await webhook(secondsAgo);
      await db.pool.query("update webhooks set verdict = 'applied', because = null where received_at = $1", [
        new Date(now.getTime() - secondsAgo * 1_000),
      ]);
    };
    const judged = async () => (await examine(parts())).find(({ name }) => name === "signatures");
    /** Vonage's list of calls: its own, and what it was asked. */
    let listed: object[] | null;
    let lists: string[];
    beforeAll(() =>
      db.pool.query("insert into calls (id, direction, status, deadline_at) values ($1, 'outbound', 'dialing', now())", [call]),
    );
    beforeEach(async () => {
      await db.pool.query("delete from webhooks; delete from settings where name = 'vonage_webhooks_set'");
      [listed, lists] = [[], []];
      answer = (request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? "", url);
        if (pathname !== "/v1/calls" || !searchParams.has("date_start")) return response.end("{}");
        lists.push(request.url ?? "");
        if (listed === null) return response.writeHead(500).end();
        return response.end(JSON.stringify({ _embedded: { calls: listed } }));
      };
    });

    it("and lets no stranger make the line look ill", async () => {
      await accepted(60);
      for (let i = 0; i < 20; i++) await webhook(30 - i, { body: '{"a":1}' });
      await webhook(5, { url: `/webhooks/vonage/event?call=${newId()}` });
      expect(await judged()).toMatchObject({ state: "good", said: expect.stringContaining("21 requests were refused since") });
    });

    it.each<[string, Parameters<typeof webhook>[1] & object]>([
      ["names a call of ours", { url: `/webhooks/vonage/event?call=${call}` }],
      ["names our account in its token", { headers: { authorization: { claims: { apiKey: "k" } } }, because: refusals.signature }],
      ["names our application in its token", { headers: { authorization: { claims: { applicationId: "a-1" } } }, because: refusals.stale }],
    ])("and counts one that %s, until the next that is accepted", async (_, more) => {
      await accepted(60);
      await webhook(30, more);
      expect(await judged()).toMatchObject({ state: "bad", said: expect.stringContaining(more.because ?? refusals.absent) });
      await accepted(10);
      expect(await judged()).toMatchObject({ state: "good" });
    });

    it.each([
      ["by its leg", { uuid: "0f3d6a7cf21a2a7a1a8a0b1c2d3e4f50", conversation_uuid: "CON-0" }],
      ["by its conversation", { uuid: "another", conversation_uuid: "CON-1" }],
    ])("and counts a call to our number that was asked about in vain, when Vonage knows it %s", async (_, known) => {
      listed = [{ ...known, status: "completed", direction: "inbound" }];
      await accepted(60);
      const query = "to=12025550100&from=12025550106&uuid=0f3d6a7cf21a2a7a1a8a0b1c2d3e4f50&conversation_uuid=CON-1";
      await webhook(7, { body: JSON.stringify(Object.fromEntries(new URLSearchParams(query))) });
      expect(await judged()).toMatchObject({
        state: "bad",
        remedy: "Turn signed webhooks on in the application (Voice, signed callbacks).",
      });
      await accepted(5);
      expect(await judged()).toMatchObject({ state: "good" });
    });

    it("and lets nobody who knows our number and this address make the line look ill, however often they knock", async () => {
      await accepted(60);
      for (let i = 0; i < 5; i++)
        await webhook(30 - i, {
          body: JSON.stringify({ to: "12025550100", from: "12025550106", uuid: newId(), conversation_uuid: `CON-${i}` }),
        });
      await webhook(9, { body: '{"to":"12025550100","uuid":{"a":1' });
      expect(await judged()).toMatchObject({ state: "good", said: expect.stringContaining("6 requests were refused since") });
      expect(lists).toHaveLength(1);
      listed = null;
      expect(await judged()).toMatchObject({ state: "unknown", remedy: expect.stringContaining("Call our number once.") });
    });

    it("and not at what came before it set them, nor at replays", async () => {
      await webhook(30, { url: `/webhooks/vonage/event?call=${call}` });
      expect(await judged()).toMatchObject({ state: "bad" });
      await noteWebhooksSet(db.pool, new Date(now.getTime() - 20_000));
      expect(await judged()).toMatchObject({ state: "unknown", said: expect.stringContaining("since the webhooks were set") });
      await webhook(15, { url: `/webhooks/vonage/event?call=${call}`, because: refusals.replayed });
      expect(await judged()).toMatchObject({ state: "unknown" });
      await webhook(10, { url: `/webhooks/vonage/event?call=${call}` });
      expect(await judged()).toMatchObject({ state: "bad" });
    });
  });
});
