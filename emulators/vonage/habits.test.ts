import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openSpeechWatch } from "../speech/vad.ts";
import { speak } from "../speech/voice.ts";
import { channelOf, readWav } from "../speech/wav.ts";
import type { Network } from "./network.ts";
import {
  type App,
  type AppSocket,
  ask,
  bridgeNcco,
  callTo,
  loudness,
  markOf,
  peopleFile,
  type Seen,
  samples,
  startApp,
  startTestNetwork,
  token,
} from "./test-app.ts";

/** People with the habits of the table, but in a hurry. */
const quick = { whenDialled: { answers: { afterMs: 0 } } };
const hurried = [
  {
    number: "+12025550331",
    habit: "listens, says two things in turn, hangs up",
    ...quick,
    script: [
      { after: { silenceMs: 300, atMostMs: 8000 }, say: { text: "Yes." } },
      { after: { silenceMs: 300, atMostMs: 8000 }, say: { text: "Bye." } },
      { after: { silenceMs: 200, atMostMs: 600 }, hangUp: true },
    ],
  },
  {
    number: "+12025550332",
    habit: "cuts in after half a second of speech",
    ...quick,
    script: [
      { after: { speechMs: 500 }, say: { text: "Stop." } },
      { after: { ms: 200 }, hangUp: true },
    ],
  },
  { number: "+12025550333", habit: "a human who answers", ...quick, detection: { is: "human", afterMs: 60 } },
  {
    number: "+12025550334",
    habit: "a voicemail box",
    ...quick,
    detection: { is: "machine", afterMs: 60 },
    script: [{ after: { ms: 200 }, beep: { hz: 1000, ms: 200 } }],
  },
  { number: "+12025550335", habit: "a machine without a tone", ...quick, detection: { is: "machine", afterMs: 60 } },
];

let app: App;
let network: Network;
let people: Awaited<ReturnType<typeof peopleFile>>;

async function start(
  reply: (seen: Seen, app: App) => object[] | undefined = (seen, own) => (seen.path === "/answer" ? bridgeNcco(own) : undefined),
): Promise<void> {
  people = await peopleFile(hurried);
  app = await startApp((seen, own) => {
    const body = reply(seen, own);
    return body ? { body } : undefined;
  });
  network = await startTestNetwork(app, { people: people.path, dump: join(people.folder, "dump") });
}

afterEach(async () => {
  await network.close();
  await app.close();
  await people.remove();
});

async function dial(number: string, more: Record<string, unknown> = {}): Promise<string> {
  return (await ask(network, "POST", "/v1/calls", callTo(number, app, more))).body.uuid;
}

async function say(socket: AppSocket, text: string): Promise<number> {
  const sound = await speak(text, "slt");
  const bytes = Buffer.alloc(Math.ceil(sound.length / 320) * 640);
  bytes.set(new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength));
  for (let at = 0; at < bytes.length; at += 640) socket.socket.send(bytes.subarray(at, at + 640));
  return (sound.length / 16_000) * 1_000;
}

/** Calls `then` each time the person has spoken and fallen silent. */
function afterTurns(socket: AppSocket, then: (turn: number) => void): void {
  const ear = openSpeechWatch();
  let turns = 0;
  let spoke = false;
  socket.socket.on("message", (message: Buffer, isBinary: boolean) => {
    if (!isBinary) return;
    ear.push(samples(message));
    if (ear.speaking) spoke = true;
    else if (spoke && ear.silentMs > 300) {
      spoke = false;
      then(++turns);
    }
  });
}

describe("people on the phone", () => {
  it("listen to real speech, answer in turn, and hang up", async () => {
    await start();
    const uuid = await dial("12025550331");
    const socket = await app.sockets.first(() => true);
    afterTurns(socket, (turn) => {
      if (turn === 1) void say(socket, "Fine.");
    });
    await say(socket, "Hello there.");
    const completed = await app.event("completed", (seen) => seen.body.uuid === uuid);
    expect(completed.body.disconnected_by).toBe("user");
    const record = await app.event("record");
    const answer = await fetch(record.body.recording_url, { headers: { authorization: `Bearer ${await token()}` } });
    const wav = readWav(new Uint8Array(await answer.arrayBuffer()));
    const turns = (channel: number): number => {
      const ear = openSpeechWatch();
      const sound = channelOf(wav, channel);
      let count = 0;
      let was = false;
      for (let at = 0; at + 320 <= sound.length; at += 320) {
        const now = ear.push(sound.subarray(at, at + 320));
        if (now && !was) count++;
        was = now;
      }
      return count;
    };
    expect([turns(0), turns(1)]).toEqual([2, 2]);
  });

  it("cut in while they are spoken to", async () => {
    await start();
    await dial("12025550332");
    const socket = await app.sockets.first(() => true);
    const lengthMs = await say(socket, "Let me tell you a rather long story about a telephone that never stopped ringing.");
    const began = performance.now();
    let cutInAtMs = 0;
    await socket.frames.first((frame) => {
      if (loudness(samples(frame.bytes)) < 300) return false;
      cutInAtMs = frame.atMs - began;
      return true;
    });
    expect(cutInAtMs).toBeGreaterThan(400);
    expect(cutInAtMs).toBeLessThan(lengthMs - 500);
  });

  it("are busy, or do not answer until the ringing timer is over", async () => {
    await start();
    const busy = await dial("12025550103");
    const never = await dial("12025550104", { ringing_timer: 1 });
    const events = async (uuid: string): Promise<[string, number | undefined][]> => {
      await app.event("completed", (seen) => seen.body.uuid === uuid);
      return app.requests.all.filter((seen) => seen.body.uuid === uuid).map((seen) => [markOf(seen.body), seen.body.sip_code]);
    };
    expect(await events(busy)).toEqual([
      ["started", undefined],
      ["ringing", undefined],
      ["busy", 486],
      ["completed", 486],
    ]);
    expect(await events(never)).toEqual([
      ["started", undefined],
      ["ringing", undefined],
      ["timeout", 480],
      ["completed", 480],
    ]);
    expect((await ask(network, "GET", `/v1/calls/${never}`)).body.status).toBe("timeout");
  });

  it("do not exist: the number is out of service", async () => {
    await start();
    const uuid = await dial("12025559999");
    const failed = await app.event("failed", (seen) => seen.body.uuid === uuid);
    expect(failed.body).toMatchObject({ detail: "number_out_of_service", sip_code: 404 });
  });

  it("call us: the application is asked by its own URLs, the leg has 32 hex digits, and the person hears the agent", async () => {
    await start();
    const { status, body } = await ask(network, "POST", "/emulator/calls", { from: "+12025550106", to: "+12025550100" });
    expect(status).toBe(201);
    expect(body).toMatchObject({ uuid: expect.stringMatching(/^[0-9a-f]{32}$/), direction: "inbound" });
    const socket = await app.sockets.first(() => true);
    const answer = await app.requests.first((seen) => seen.path === "/answer");
    expect(answer.query).toMatchObject({ from: "12025550106", to: "12025550100", uuid: body.uuid, endpoint_type: "phone" });
    await socket.frames.first(() => true, 10);
    await ask(network, "POST", `/emulator/calls/${body.uuid}/hangup`);
    const completed = await app.event("completed", (seen) => seen.body.uuid === body.uuid);
    expect(completed.body).toMatchObject({ direction: "inbound", disconnected_by: "user" });
    const marks = app.requests.all.filter((seen) => seen.body.uuid === body.uuid).map((seen) => markOf(seen.body));
    expect(marks.filter((mark) => mark !== "answer")).toEqual(["started", "ringing", "answered", "completed"]);
  });

  it.each([
    ["declines when it still rings", "+12025550104", { status: "rejected", detail: "declined", sip_code: 603 }],
    ["gives up when it calls in and is not answered yet", "+12025550106", { status: "cancelled", sip_code: 487 }],
  ])("by hand: who hangs up %s", async (_, number, event) => {
    await start(() => undefined);
    const isIn = number.endsWith("106");
    const uuid = isIn ? (await ask(network, "POST", "/emulator/calls", { from: number })).body.uuid : await dial(number.slice(1));
    if (!isIn) await app.event("ringing", (seen) => seen.body.uuid === uuid);
    await ask(network, "POST", `/emulator/calls/${uuid}/hangup`);
    expect((await app.event(event.status, (seen) => seen.body.uuid === uuid)).body).toMatchObject(event);
  });

  it("call back when they declined", async () => {
    await start();
    const uuid = await dial("12025550106");
    expect((await app.event("rejected", (seen) => seen.body.uuid === uuid)).body).toMatchObject({ detail: "declined", sip_code: 603 });
    const back = await app.event("started", (seen) => seen.body.direction === "inbound");
    expect(back.body.from).toBe("12025550106");
    expect(app.requests.all.filter((seen) => seen.body.uuid === uuid).map((seen) => markOf(seen.body))).not.toContain("completed");
  });

  it("refuse to be called by numbers that are nobody's, or to numbers that are not ours", async () => {
    await start();
    expect((await ask(network, "POST", "/emulator/calls", { from: "+12025559999" })).body.invalid_parameters[0].name).toBe("from");
    expect(
      (await ask(network, "POST", "/emulator/calls", { from: "+12025550101", to: "+12025559999" })).body.invalid_parameters[0].name,
    ).toBe("to");
    expect((await ask(network, "POST", "/emulator/calls", { from: "+12025550101", at: "once" })).status).toBe(400);
  });
});

describe("machine detection", () => {
  const waiting = (seen: Seen): object[] | undefined => (seen.path === "/answer" ? [{ action: "wait", timeout: 0.4 }] : undefined);

  /** What the network sent of a call, in the order it arose on the clock of the sound; of the same tick the question comes last. */
  const run = async (number: string, options: Record<string, unknown>): Promise<string[]> => {
    await start(waiting);
    const uuid = await dial(number, options);
    const { body } = await ask(network, "GET", `/emulator/calls/${uuid}?until=over`);
    const sent: { tick: string; name: string; body: { sub_state?: string; timestamp?: string } }[] = body.webhooks;
    const when = (one: (typeof sent)[number]): string => one.body.timestamp ?? one.tick;
    return sent
      .toSorted((one, other) => when(one).localeCompare(when(other)) || Number(one.name === "answer") - Number(other.name === "answer"))
      .map(({ name, body: { sub_state } }) => (sub_state ? `${name} ${sub_state}` : name));
  };
  const without = (marks: string[], mark: string): string[] => marks.filter((one) => one !== mark);

  it("goes on at once and tells alongside by default", async () => {
    const sent = await run("12025550334", { advanced_machine_detection: { mode: "default" } });
    expect(without(sent, "answer")).toEqual(["started", "ringing", "answered", "machine", "completed"]);
    expect(sent.indexOf("answer")).toBeLessThan(sent.indexOf("machine"));
  });

  it("waits for the finding when synchronous", async () => {
    const sent = await run("12025550333", { advanced_machine_detection: { mode: "detect" } });
    expect(sent).toEqual(["started", "ringing", "answered", "human", "answer", "completed"]);
  });

  it("waits for the tone, and tells it", async () => {
    const sent = await run("12025550334", { advanced_machine_detection: { mode: "detect_beep" } });
    expect(sent).toEqual(["started", "ringing", "answered", "machine", "machine beep_start", "answer", "completed"]);
  });

  it("hangs up on a machine when told to, and never asks how to go on", async () => {
    const sent = await run("12025550335", {
      machine_detection: "continue",
      advanced_machine_detection: { mode: "detect", behavior: "hangup" },
    });
    expect(sent).toEqual(["started", "ringing", "answered", "machine", "completed"]);
  });

  it("does the same in its simple form, beside the flow", async () => {
    const sent = await run("12025550334", { machine_detection: "hangup" });
    expect(sent.slice(-2)).toEqual(["machine", "completed"]);
    const seen = await app.event("machine");
    expect(seen.body).toMatchObject({ call_uuid: expect.any(String) });
    expect(seen.body).not.toHaveProperty("uuid");
  });
});
