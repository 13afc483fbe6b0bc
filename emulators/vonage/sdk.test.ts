import { Auth } from "@vonage/auth";
import { verifySignature } from "@vonage/jwt";
import { Vonage } from "@vonage/server-sdk";
import { Connect, Conversation, Input, NCCOBuilder, Notify, Record, Stream, Talk, Wait } from "@vonage/voice";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Network } from "./network.ts";
import { type App, apiKey, applicationId, peopleFile, privateKey, signatureSecret, startApp, startTestNetwork } from "./test-app.ts";

/** Vonage's own SDK, unchanged but for the host. */
describe("Vonage's Node SDK", () => {
  let app: App;
  let network: Network;
  let vonage: Vonage;
  let built: unknown;
  let people: Awaited<ReturnType<typeof peopleFile>>;

  beforeAll(async () => {
    people = await peopleFile([
      { number: "+12025550321", habit: "answers and listens", whenDialled: { answers: { afterMs: 0 } } },
      {
        number: "+12025550322",
        habit: "presses a key",
        whenDialled: { answers: { afterMs: 0 } },
        script: [{ after: { ms: 300 }, press: "5" }],
        repeats: true,
      },
    ]);
    app = await startApp((seen) => {
      if (seen.path === "/answer") return { body: [{ action: "wait", timeout: 600 }] };
      return seen.path === "/built" ? { body: built } : undefined;
    });
    network = await startTestNetwork(app, { people: people.path });
    vonage = new Vonage(new Auth({ apiKey, apiSecret: "unused", applicationId, privateKey }), { apiHost: network.url });
  });
  afterAll(async () => {
    await network.close();
    await app.close();
    await people.remove();
  });

  async function talking(number = "12025550321"): Promise<string> {
    const { uuid } = await vonage.voice.createOutboundCall({
      to: [{ type: "phone", number }],
      from: { type: "phone", number: "12025550100" },
      answerUrl: [`${app.url}/answer`],
      eventUrl: [`${app.url}/event`],
    });
    await app.event("answered", (seen) => seen.body.uuid === uuid);
    return uuid;
  }

  it("places a call with every option it has, and reads it", async () => {
    const made = await vonage.voice.createOutboundCall({
      to: [{ type: "phone", number: "12025550321" }],
      from: { type: "phone", number: "12025550100" },
      answerUrl: [`${app.url}/answer`],
      answerMethod: "POST",
      eventUrl: [`${app.url}/event`],
      eventMethod: "POST",
      lengthTimer: 600,
      ringingTimer: 30,
      advancedMachineDetection: { behavior: "continue", mode: "detect", beepTimeout: 45 },
    } as Parameters<typeof vonage.voice.createOutboundCall>[0]);
    expect(made).toMatchObject({ status: "started", direction: "outbound", conversationUUID: expect.stringMatching(/^CON-/) });
    const call = await vonage.voice.getCall(made.uuid);
    expect(call).toMatchObject({
      uuid: made.uuid,
      direction: "outbound",
      to: { type: "phone", number: "12025550321" },
      conversationUUID: made.conversationUUID,
    });
  });

  it("lists calls, page by page", async () => {
    await talking();
    await talking();
    const page = await vonage.voice.getCallsPage({ pageSize: 1, order: "desc" });
    expect(page._embedded.calls).toHaveLength(1);
    expect(page._links?.next?.href).toBe("/v1/calls?page_size=1&record_index=1&order=desc");
    const all = [];
    for await (const call of vonage.voice.getAllCalls({ pageSize: 100 })) all.push(call);
    expect(all.length).toBe(page.count);
  });

  it("stumbles over its own trap on a second page, as it does at Vonage: relative links", async () => {
    await talking();
    await talking();
    const walk = async (): Promise<void> => {
      for await (const call of vonage.voice.getAllCalls({ pageSize: 1 })) expect(call.uuid).toBeTruthy();
    };
    await expect(walk()).rejects.toThrow(/Invalid URL/);
  });

  it("mutes, earmuffs, talks, streams, presses, transfers and hangs up", async () => {
    const uuid = await talking();
    await vonage.voice.muteCall(uuid);
    await vonage.voice.unmuteCall(uuid);
    await vonage.voice.earmuffCall(uuid);
    await vonage.voice.unearmuffCall(uuid);
    expect(await vonage.voice.playTTS(uuid, { text: "Hello", loop: 0 } as never)).toMatchObject({ message: "Talk started", uuid });
    expect(await vonage.voice.stopTTS(uuid)).toMatchObject({ message: "Talk stopped" });
    expect(await vonage.voice.streamAudio(uuid, `${app.url}/none.wav`)).toMatchObject({ message: "Stream started" });
    expect(await vonage.voice.stopStreamAudio(uuid)).toMatchObject({ message: "Stream stopped" });
    expect(await vonage.voice.playDTMF(uuid, "12p#")).toMatchObject({ message: "DTMF sent" });
    await vonage.voice.transferCallWithNCCO(uuid, [
      { action: "notify", payload: { moved: true }, eventUrl: [`${app.url}/moved`] } as never,
    ]);
    expect((await app.event("transfer", (seen) => seen.body.uuid === uuid)).body).toMatchObject({
      type: "transfer",
      conversation_uuid_from: expect.stringMatching(/^CON-/),
      conversation_uuid_to: expect.stringMatching(/^CON-/),
    });
    expect((await app.requests.first((seen) => seen.path === "/moved")).body.payload).toEqual({ moved: true });
    const other = await talking();
    await vonage.voice.transferCallWithURL(other, `${app.url}/answer`);
    await app.event("transfer", (seen) => seen.body.uuid === other);
    await vonage.voice.hangupCall(other);
    expect((await app.event("completed", (seen) => seen.body.uuid === other)).body.disconnected_by).toBe("platform");
    await expect(vonage.voice.hangupCall(other)).rejects.toThrow();
  });

  it("subscribes to keys: one webhook a key, until it unsubscribes", async () => {
    const uuid = await talking("12025550322");
    await vonage.voice.subscribeDTMF(uuid, `${app.url}/keys`);
    const key = await app.requests.first((seen) => seen.path === "/keys");
    expect(key.body).toMatchObject({ uuid, dtmf: { digits: "5", timed_out: false } });
    await vonage.voice.unsubscribeDTMF(uuid);
    await vonage.voice.hangupCall(uuid);
  });

  it("builds an NCCO that runs as an answer", async () => {
    const record = new Record("mp3" as never, "conversation", 2, undefined, undefined, undefined, undefined, `${app.url}/recording`);
    built = new NCCOBuilder()
      .addAction(record as never)
      .addAction(new Talk("Good morning."))
      .addAction(new Wait(0.1))
      .addAction(new Notify({ done: "yes" }, `${app.url}/done`))
      .build();
    const { uuid } = await vonage.voice.createOutboundCall({
      to: [{ type: "phone", number: "12025550321" }],
      from: { type: "phone", number: "12025550100" },
      answerUrl: [`${app.url}/built`],
      eventUrl: [`${app.url}/event`],
    });
    expect((await app.requests.first((seen) => seen.path === "/done")).body.payload).toEqual({ done: "yes" });
    await app.event("completed", (seen) => seen.body.uuid === uuid);
    const recorded = await app.requests.first((seen) => seen.path === "/recording");
    expect(recorded.body.size).toBeGreaterThan(1_000);
    expect(verifySignature(String(recorded.headers.authorization).slice(7), signatureSecret)).toBe(true);
  });

  it("builds connects, inputs, streams and conversations that run", async () => {
    const socket = { type: "websocket", uri: `${app.wsUrl}/media`, "content-type": "audio/l16;rate=16000", headers: { built: "yes" } };
    built = new NCCOBuilder()
      .addAction(new Stream(`${app.url}/none.wav`))
      .addAction(new Input({ maxDigits: 1, timeOut: 5 }, undefined, undefined, undefined) as never)
      .addAction(new Connect(socket as never, "12025550100"))
      .addAction(new Connect({ type: "phone", number: "12025550103" } as never, "12025550100"))
      .addAction(new Conversation("built") as never)
      .build();
    expect(JSON.stringify(built)).toContain('"eventUrl":[]');
    const { uuid } = await vonage.voice.createOutboundCall({
      to: [{ type: "phone", number: "12025550322" }],
      from: { type: "phone", number: "12025550100" },
      answerUrl: [`${app.url}/built`],
      eventUrl: [`${app.url}/event`],
    });
    // The input's result goes to the leg's own event URL.
    expect((await app.event("input", (seen) => seen.body.uuid === uuid)).body.dtmf.digits).toBe("5");
    const opened = await app.sockets.first(() => true);
    expect(await opened.messages.first(() => true)).toMatchObject({ event: "websocket:connected", built: "yes" });
    opened.socket.close();
    expect((await app.event("busy")).body.to).toBe("12025550103");
    await app.event("transfer", (seen) => seen.body.uuid === uuid);
    await vonage.voice.hangupCall(uuid);
  });

  it("cannot fetch recordings from here: it only trusts vonage.com and nexmo.com", async () => {
    await expect(vonage.voice.downloadRecording(`${network.url}/v1/files/x`, "/dev/null")).rejects.toThrow(/Only vonage.com and nexmo.com/);
  });
});
