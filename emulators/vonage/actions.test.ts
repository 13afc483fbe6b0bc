import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openSpeechWatch } from "../speech/vad.ts";
import { speak } from "../speech/voice.ts";
import { channelOf, readWav, writeWav } from "../speech/wav.ts";
import { keysSound } from "./keys.ts";
import type { Network } from "./network.ts";
import {
  type App,
  ask,
  callTo,
  indexOfSound,
  loudness,
  markOf,
  noise,
  peopleFile,
  type Reply,
  type Seen,
  samples,
  startApp,
  startTestNetwork,
  token,
} from "./test-app.ts";

const quick = { whenDialled: { answers: { afterMs: 0 } } };
const line = noise(0.2, 7);
const tune = noise(0.3, 8);
const shout = noise(0.1, 9);
const crowd = [
  { number: "+12025550341", habit: "answers and is silent", ...quick },
  // Late enough that the answer webhook was answered and its NCCO runs, also on a loaded machine.
  { number: "+12025550342", habit: "presses 2 1 #", ...quick, script: [{ after: { ms: 1_200 }, press: "21#" }] },
  { number: "+12025550343", habit: "says one thing", ...quick, script: [{ after: { ms: 200 }, say: { wav: "line.wav" } }] },
  // Speaks when it was spoken to, so that what listens runs by then, also on a loaded machine.
  {
    number: "+12025550344",
    habit: "answers with a sentence",
    ...quick,
    script: [{ after: { silenceMs: 300, atMostMs: 60_000 }, say: { text: "Good morning to you." } }],
  },
  {
    number: "+12025550351",
    habit: "answers with a sound whose words nobody wrote down",
    ...quick,
    script: [{ after: { silenceMs: 300, atMostMs: 60_000 }, say: { wav: "words.wav" } }],
  },
  {
    number: "+12025550350",
    habit: "greets, hears the other one out, and hangs up",
    ...quick,
    script: [
      { after: { ms: 100 }, say: { text: "Hello, who is there?" } },
      { after: { silenceMs: 700, atMostMs: 60_000 }, hangUp: true },
    ],
  },
  { number: "+12025550346", habit: "waits a while", ...quick, script: [{ after: { ms: 2_000 }, hangUp: true }] },
  {
    number: "+12025550347",
    habit: "talks without a pause",
    ...quick,
    script: [{ after: { ms: 0 }, say: { wav: "line.wav" } }],
    repeats: true,
  },
  {
    number: "+12025550348",
    habit: "talks at once, and hangs up after two seconds",
    ...quick,
    script: [
      { after: { ms: 0 }, say: { wav: "shout.wav" } },
      { after: { ms: 2_000 }, hangUp: true },
    ],
  },
  // Longer than who talks without a pause needs for two lines: one of them is heard whole.
  { number: "+12025550345", habit: "hangs up soon", ...quick, script: [{ after: { ms: 600 }, hangUp: true }] },
];
const silent = "12025550341";

let app: App;
let network: Network;
let people: Awaited<ReturnType<typeof peopleFile>>;

/** Starts a network whose answers are these NCCOs by path; `/answer` is the first. */
async function start(
  nccos: Readonly<Record<string, (app: App, seen: Seen) => object[]>>,
  otherwise: (seen: Seen) => Reply | undefined = () => undefined,
): Promise<void> {
  people = await peopleFile(crowd, {
    "line.wav": writeWav(line, 16_000),
    "shout.wav": writeWav(shout, 16_000),
    "words.wav": writeWav(await speak("Good evening to you.", "rms"), 16_000),
  });
  app = await startApp((seen, own) => {
    if (seen.path === "/tune.wav") return { type: "audio/wav", body: writeWav(tune, 16_000) };
    const ncco = nccos[seen.path];
    return ncco ? { body: ncco(own, seen) } : otherwise(seen);
  });
  network = await startTestNetwork(app, { people: people.path, dump: join(people.folder, "dump") });
}

afterEach(async () => {
  await network.close();
  await app.close();
  await people.remove();
});

const dial = async (number: string): Promise<string> => (await ask(network, "POST", "/v1/calls", callTo(number, app))).body.uuid;
const done = (app: App, mark = "done"): object => ({ action: "notify", payload: { mark }, eventUrl: [`${app.url}/${mark}`] });
const reached = (mark = "done"): Promise<Seen> => app.requests.first((seen) => seen.path === `/${mark}`);
const over = (uuid: string): Promise<Seen> => app.event("completed", (seen) => seen.body.uuid === uuid);
const paths = (): string[] => app.requests.all.map((seen) => seen.path).filter((path) => path !== "/event");

async function heard(uuid: string): Promise<Int16Array> {
  await over(uuid);
  await network.close();
  return readWav(await readFile(join(people.folder, "dump", `${uuid}.heard.wav`))).samples;
}

describe("talk and stream", () => {
  it("are heard one after the other, and the call ends after the last", async () => {
    await start({
      "/answer": (own) => [
        { action: "stream", streamUrl: [`${own.url}/tune.wav`] },
        { action: "talk", text: "Goodbye." },
      ],
    });
    const uuid = await dial(silent);
    const sound = await heard(uuid);
    expect(indexOfSound(sound, tune)).toBeGreaterThanOrEqual(0);
    const ear = openSpeechWatch();
    ear.push(sound.subarray(indexOfSound(sound, tune) + tune.length));
    expect(ear.beganMs).not.toBeNull();
    expect((await over(uuid)).body.disconnected_by).toBe("platform");
  });

  it("repeat, and an input's key ends what may be barged into", async () => {
    await start({
      "/answer": (own) => [
        { action: "stream", streamUrl: [`${own.url}/tune.wav`], loop: 0, bargeIn: true },
        { action: "input", type: ["dtmf"], dtmf: { maxDigits: 1 }, eventUrl: [`${own.url}/input`] },
        done(own),
      ],
    });
    const uuid = await dial("12025550342");
    await reached();
    expect((await app.requests.first((seen) => seen.path === "/input")).body.dtmf).toEqual({ digits: "2", timed_out: false });
    await over(uuid);
  });

  it("tell an error when there is nothing to stream, and go on", async () => {
    await start({ "/answer": (own) => [{ action: "stream", streamUrl: ["http://127.0.0.1:9/none.wav"] }, done(own)] });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toMatch(/cannot be fetched/);
  });
});

describe("input", () => {
  it("collects keys up to the hash, and its answer takes over", async () => {
    await start({
      "/answer": (own) => [
        { action: "input", type: ["dtmf"], dtmf: { submitOnHash: true, maxDigits: 10 }, eventUrl: [`${own.url}/input`] },
        done(own, "never"),
      ],
      "/input": (own) => [done(own)],
    });
    const uuid = await dial("12025550342");
    await reached();
    const seen = await app.requests.first((one) => one.path === "/input");
    expect(seen.body).toEqual({
      speech: { results: [] },
      dtmf: { digits: "21", timed_out: false },
      from: "12025550100",
      to: "12025550342",
      uuid,
      conversation_uuid: expect.stringMatching(/^CON-/),
      timestamp: expect.any(String),
    });
    await over(uuid);
    expect(paths()).not.toContain("/never");
  });

  it("gives up after its time, with what there was", async () => {
    await start({
      "/answer": (own) => [{ action: "input", type: ["dtmf"], dtmf: { timeOut: 0.4 }, eventUrl: [`${own.url}/input`] }, done(own)],
    });
    await dial(silent);
    await reached();
    expect((await app.requests.first((seen) => seen.path === "/input")).body.dtmf).toEqual({ digits: null, timed_out: true });
  });

  const listens = (own: App): object[] => [
    { action: "talk", text: "What can I do for you?" },
    {
      action: "input",
      type: ["speech"],
      speech: { endOnSilence: 0.4, startTimeout: 2 },
      eventUrl: [`${own.url}/input`],
    },
    done(own),
  ];
  const speech = async (): Promise<object> => (await app.requests.first((seen) => seen.path === "/input")).body.speech;

  it("hears when speech is over, and what an emulated person said", async () => {
    await start({ "/answer": listens });
    await dial("12025550344");
    await reached();
    expect(await speech()).toEqual({
      timeout_reason: "end_on_silence_timeout",
      results: [{ text: "Good morning to you.", confidence: "0.95" }],
    });
  });

  it("says openly that it recognises no words nobody wrote down", async () => {
    await start({ "/answer": listens });
    await dial("12025550351");
    await reached();
    expect(await speech()).toEqual({
      timeout_reason: "end_on_silence_timeout",
      results: [],
      error: "Speech recognition is not emulated: only what the network's own people say is known.",
    });
  });

  it("gives up when nobody begins to speak", async () => {
    await start({ "/answer": listens });
    await dial(silent);
    await reached();
    expect(await speech()).toEqual({ timeout_reason: "start_timeout", results: [] });
  });

  it("asynchronously tells key by key while the flow goes on", async () => {
    await start({
      "/answer": (own) => [
        { action: "input", type: ["dtmf"], mode: "asynchronous", eventUrl: [`${own.url}/key`] },
        { action: "wait", timeout: 2 },
      ],
    });
    await dial("12025550342");
    await app.requests.first((seen) => seen.path === "/key", 3);
    expect(app.requests.all.filter((seen) => seen.path === "/key").map((seen) => seen.body.dtmf.digits)).toEqual(["2", "1", "#"]);
  });
});

describe("record", () => {
  it("with an end condition blocks, and its webhook comes before the next action", async () => {
    await start({
      "/answer": (own) => [
        { action: "record", format: "wav", endOnKey: "#", beepStart: true, eventUrl: [`${own.url}/recording`] },
        done(own),
      ],
    });
    await dial("12025550342");
    await reached();
    expect(paths().filter((path) => path === "/recording" || path === "/done")).toEqual(["/recording", "/done"]);
  });

  it("ends when the person has been silent", async () => {
    await start({
      "/answer": (own) => [
        { action: "talk", text: "Please leave a message." },
        { action: "record", endOnSilence: 3, eventUrl: [`${own.url}/recording`] },
        done(own),
      ],
    });
    const uuid = await dial("12025550344");
    await reached();
    const { body } = await app.event("record");
    expect(body.size).toBeGreaterThan(0);
    await over(uuid);
  });

  it("is empty when the call ended before anything was heard", async () => {
    await start({ "/answer": (own) => [{ action: "record", eventUrl: [`${own.url}/recording`] }] });
    await dial(silent);
    const { body } = await app.event("record");
    expect(body).toMatchObject({ recording_url: "", size: 0 });
  });
});

describe("record, in other forms", () => {
  const recorded = async (more: object): Promise<Uint8Array> => {
    await start({
      "/answer": (own) => [
        { action: "record", eventUrl: [`${own.url}/recording`], ...more },
        { action: "connect", from: "12025550100", endpoint: [{ type: "phone", number: "12025550350" }] },
      ],
    });
    await dial("12025550344");
    return fetched((await app.event("record")).body.recording_url);
  };
  const fetched = async (url: string): Promise<Uint8Array> => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${await token()}` } });
    return new Uint8Array(await answer.arrayBuffer());
  };

  it("has a channel per leg in joining order, as wav", async () => {
    const wav = readWav(await recorded({ split: "conversation", channels: 3 }));
    expect(wav.channels).toBe(3);
    const loud = [0, 1, 2].map((channel) => loudness(channelOf(wav, channel)) > 100);
    expect(loud).toEqual([true, true, false]);
  });

  it("is an ogg when asked for", async () => {
    const ogg = await recorded({ format: "ogg", split: "conversation" });
    expect(Buffer.from(ogg).toString("latin1", 0, 4)).toBe("OggS");
    expect(Buffer.from(ogg).includes("vorbis")).toBe(true);
  });

  it("is transcribed out of the script, with the times of the sound", async () => {
    const wav = readWav(await recorded({ format: "wav", split: "conversation", transcription: { language: "en-US" } }));
    const { body } = await app.event("transcribed");
    expect(body).toMatchObject({ type: "record", status: "transcribed", recording_uuid: (await app.event("record")).body.recording_uuid });
    const { ver, channels } = JSON.parse(Buffer.from(await fetched(body.transcription_url)).toString("utf8"));
    expect(ver).toBe("2.1.0");
    expect(channels).toHaveLength(2);
    expect(channels[1].transcript).toMatchObject([{ sentence: "Hello, who is there?" }]);
    const [line, ...more] = channels[0].transcript;
    expect(more).toEqual([]);
    expect(line).toMatchObject({ sentence: "Good morning to you.", raw_sentence: "good morning to you" });
    expect(line.words).toHaveLength(4);
    const left = channelOf(wav, 0);
    const from = (line.timestamp * 16) | 0;
    const to = from + line.duration * 16;
    expect(loudness(left, from, to)).toBeGreaterThan(10 * loudness(left, to + 1_600));
  });
});

describe("connect to a phone", () => {
  const connect = (own: App, number: string, more: object = {}): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number }],
    eventUrl: [`${own.url}/event?leg=b`],
    ...more,
  });

  it("lets both hear each other, and goes on when the other hangs up", async () => {
    await start({ "/answer": (own) => [connect(own, "12025550345"), done(own)] });
    const uuid = await dial("12025550347");
    await reached();
    const other = await app.event("completed", (seen) => seen.query.leg === "b");
    expect(other.body).toMatchObject({ to: "12025550345", disconnected_by: "user" });
    await over(uuid);
    await network.close();
    const listened = readWav(await readFile(join(people.folder, "dump", `${other.body.uuid}.heard.wav`))).samples;
    expect(indexOfSound(listened, line)).toBeGreaterThanOrEqual(0);
  });

  it("goes on by the reply when a synchronous one is not answered", async () => {
    await start({
      "/answer": (own) => [connect(own, "12025550103", { eventType: "synchronous", eventUrl: [`${own.url}/legs`] }), done(own, "never")],
      "/legs": (own, seen) => (seen.body.status === "busy" ? [done(own)] : ({} as never)),
    });
    const uuid = await dial(silent);
    await reached();
    await over(uuid);
    expect(paths()).not.toContain("/never");
  });

  it("is refused beyond the limit of new calls, with an error event, and the flow goes on", async () => {
    await start({ "/answer": (own) => [connect(own, silent), done(own)] });
    await network.close();
    network = await startTestNetwork(app, { people: people.path, callsPerSecond: 1 });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toMatch(/Capacity limit reached/);
  });
});

describe("onAnswer of a connect to a phone", () => {
  const connect = (own: App): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number: "12025550348", onAnswer: { url: `${own.url}/introduction?call=7d1f` } }],
    eventUrl: [`${own.url}/event?leg=b`],
  });
  const bothHeard = async (): Promise<{ caller: Int16Array; callee: Int16Array; calleeLeg: Seen }> => {
    const uuid = await dial("12025550347");
    const calleeLeg = await app.event("completed", (seen) => seen.query.leg === "b");
    const caller = await heard(uuid);
    const callee = readWav(await readFile(join(people.folder, "dump", `${calleeLeg.body.uuid}.heard.wav`))).samples;
    return { caller, callee, calleeLeg };
  };

  it("is heard by the called person alone before the two hear each other", async () => {
    await start({
      "/answer": (own) => [connect(own)],
      "/introduction": (own) => [{ action: "stream", streamUrl: [`${own.url}/tune.wav`] }],
    });
    const { caller, callee, calleeLeg } = await bothHeard();
    const asked = await app.requests.first((seen) => seen.path === "/introduction");
    expect(asked.method).toBe("GET");
    expect(asked.headers.authorization).toMatch(/^Bearer /);
    expect(asked.query).toEqual({
      call: "7d1f",
      to: "12025550348",
      from: "12025550100",
      uuid: calleeLeg.body.uuid,
      conversation_uuid: calleeLeg.body.conversation_uuid,
      region_url: network.url,
      endpoint_type: "phone",
    });
    // Sample for sample: nothing of the caller, who talks all the time, is in it or before it.
    const introduced = indexOfSound(callee, tune);
    expect(introduced).toBeGreaterThanOrEqual(0);
    expect(loudness(callee, 0, introduced)).toBe(0);
    expect(indexOfSound(callee.subarray(introduced + tune.length), line)).toBeGreaterThanOrEqual(0);
    // The caller heard neither the introduction nor what was said to it: silence to the end.
    expect(loudness(caller)).toBe(0);
  });

  it.each([
    ["is not there", () => undefined, /404/],
    ["is no NCCO", () => ({ body: { action: "talk" } }), /Syntax error in NCCO/],
  ])("that %s joins them at once, and an error event says so", async (_, reply: () => Reply | undefined, reason) => {
    await start({ "/answer": (own) => [connect(own)] }, (seen) =>
      seen.path === "/introduction" ? (reply() ?? { status: 404 }) : undefined,
    );
    const { callee } = await bothHeard();
    expect((await app.event("error", (seen) => seen.query.leg === "b")).body.reason).toMatch(reason);
    expect(indexOfSound(callee, line)).toBeGreaterThanOrEqual(0);
    expect(app.requests.all.filter((seen) => seen.path === "/introduction")).toHaveLength(1);
  });
});

describe("a ringback tone", () => {
  const rings = {
    number: "+12025550349",
    habit: "answers after a second, says one thing, and hangs up",
    whenDialled: { answers: { afterMs: 1_000 } },
    script: [
      { after: { ms: 100 }, say: { wav: "line.wav" } },
      { after: { ms: 100 }, hangUp: true },
    ],
  };
  const connect = (own: App, more: object, phone: object = {}): object => ({
    action: "connect",
    from: "12025550100",
    endpoint: [{ type: "phone", number: rings.number.slice(1), ...phone }],
    timeout: 2,
    eventUrl: [`${own.url}/event?leg=b`],
    ...more,
  });
  /** What the caller heard while they waited, and from the other one. */
  async function waited(more: (own: App) => object, phone: (own: App) => object = () => ({})): Promise<Int16Array> {
    crowd.push(rings as never);
    await start({
      "/answer": (own) => [connect(own, more(own), phone(own))],
      "/introduction": (own) => [{ action: "stream", streamUrl: [`${own.url}/tune.wav`] }],
    });
    crowd.pop();
    const uuid = await dial(silent);
    return heard(uuid);
  }

  it("is heard again and again by who waits, and no more once the other one answers", async () => {
    const sound = await waited((own) => ({ ringbackTone: `${own.url}/tune.wav` }));
    const first = indexOfSound(sound, tune);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(indexOfSound(sound.subarray(first + tune.length), tune)).toBe(0);
    // Sample for sample: nothing is mixed into it, nor comes behind it.
    const answer = indexOfSound(sound, line);
    expect(answer).toBeGreaterThan(first + 2 * tune.length);
    expect(loudness(sound, answer + line.length)).toBe(0);
  });

  it("may stand in onAnswer too, by its old name as well", async () => {
    const sound = await waited(
      () => ({}),
      (own) => ({ onAnswer: { url: `${own.url}/introduction`, ringback: `${own.url}/tune.wav` } }),
    );
    expect(indexOfSound(sound, tune)).toBeGreaterThanOrEqual(0);
  });

  it("that cannot be fetched is told in an error event, and the connect goes on", async () => {
    const sound = await waited(() => ({ ringbackTone: "http://127.0.0.1:9/none.wav" }));
    expect((await app.event("error")).body.reason).toMatch(/cannot be fetched/);
    expect(indexOfSound(sound, line)).toBeGreaterThanOrEqual(0);
  });
});

describe("keys that are sent", () => {
  it("sound in the ear of a phone that was called with dtmfAnswer", async () => {
    await start({ "/answer": () => [{ action: "wait", timeout: 2 }] });
    const to = [{ type: "phone", number: silent, dtmfAnswer: "1p2" }];
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(silent, app, { to }));
    expect(indexOfSound(await heard(made.uuid), keysSound("1p2"))).toBeGreaterThanOrEqual(0);
  });

  it("come to a socket in their time, `p` being half a second", async () => {
    await start({
      "/answer": (own) => [
        { action: "connect", endpoint: [{ type: "websocket", uri: `${own.wsUrl}/media`, "content-type": "audio/l16;rate=16000" }] },
      ],
    });
    await dial(silent);
    const leg = await app.event("answered", (seen) => seen.body.to.startsWith("ws:"));
    const socket = await app.sockets.first(() => true);
    await ask(network, "PUT", `/v1/calls/${leg.body.uuid}/dtmf`, { digits: "1p2" });
    await socket.messages.first((message) => message.digit === "1");
    const frames = socket.frames.all.length;
    await socket.messages.first((message) => message.digit === "2");
    expect(socket.messages.all.flatMap(({ digit }) => digit ?? [])).toEqual(["1", "2"]);
    // 700 ms of frames of 20 ms, less what was on its way
    expect(socket.frames.all.length - frames).toBeGreaterThan(25);
  });
});

describe("the socket first", () => {
  it("opens by REST, performs its NCCO and rings the phone into it: each hears the other from the first word", async () => {
    await start({});
    const { body: made } = await ask(network, "POST", "/v1/calls", {
      to: [{ type: "websocket", uri: `${app.wsUrl}/media#not`, "content-type": "audio/l16;rate=16000" }],
      from: { type: "phone", number: "anything" },
      event_url: [`${app.url}/event`],
      ncco: [],
    });
    expect((await app.event("failed", (seen) => seen.body.uuid === made.uuid)).body.detail).toBe("cannot_route");
    const { body: good } = await ask(network, "POST", "/v1/calls", {
      to: [{ type: "websocket", uri: `${app.wsUrl}/media`, "content-type": "audio/l16;rate=16000", headers: { a: 1 } }],
      from: { type: "phone", number: "anything" },
      event_url: [`${app.url}/event`],
      ncco: [{ action: "connect", from: "12025550100", endpoint: [{ type: "phone", number: "12025550343" }] }],
    });
    const socket = await app.sockets.first(() => true);
    expect(await socket.messages.first(() => true)).toEqual({ event: "websocket:connected", "content-type": "audio/l16;rate=16000", a: 1 });
    const heardByUs = (): Int16Array => samples(Buffer.concat(socket.frames.all.map((frame) => frame.bytes)));
    await socket.frames.until(() => indexOfSound(heardByUs(), line) >= 0);
    socket.socket.close();
    const phone = await app.event("completed", (seen) => seen.body.to === "12025550343");
    expect(phone.body.disconnected_by).toBe("platform");
    expect((await over(good.uuid)).body).toMatchObject({ from: "anything", to: `${app.wsUrl}/media`, headers: { a: 1 } });
  });
});

describe("conversation and transfer", () => {
  it("joins legs in one room by its name, each with a transfer event, and ends with the one who ends it", async () => {
    await start({
      "/answer": (own, seen) => [
        {
          action: "conversation",
          name: "room",
          endOnExit: seen.query.to === "12025550345",
          record: seen.query.to === silent,
          eventUrl: [`${own.url}/recording`],
        },
      ],
    });
    const first = await dial(silent);
    await app.event("transfer", (seen) => seen.body.uuid === first);
    const second = await dial("12025550345");
    await over(second);
    await over(first);
    const rooms = app.requests.all.filter((seen) => markOf(seen.body) === "transfer").map((seen) => seen.body.conversation_uuid_to);
    expect(rooms).toHaveLength(2);
    expect(new Set(rooms).size).toBe(1);
    expect((await app.event("record")).body.conversation_uuid).toBe(rooms[0]);
  });

  const waits = { startOnEnter: false };
  it.each([
    ["hear nobody until somebody may start it", waits, () => waits, false],
    ["hear each other once it is started", {}, () => waits, true],
    ["hear nothing of one who may not speak", { canSpeak: [] }, () => ({}), false],
    ["hear nothing of one who is muted", { mute: true }, () => ({}), false],
    ["hear nobody who may not", {}, () => ({ canHear: [] }), false],
    ["hear whom they may", {}, (talker: string) => ({ canHear: [talker] }), true],
  ])("lets those in it %s", async (_, talks, listens, hears) => {
    let talker = "";
    await start({
      "/answer": (_, seen) => [{ action: "conversation", name: "room", ...(seen.query.to === "12025550346" ? listens(talker) : talks) }],
    });
    talker = await dial("12025550347");
    await app.event("transfer", (seen) => seen.body.uuid === talker);
    const sound = await heard(await dial("12025550346"));
    if (hears) expect(indexOfSound(sound, line)).toBeGreaterThanOrEqual(0);
    else expect(loudness(sound)).toBe(0);
  });

  it("moves a leg by its NCCO into the conversation of another", async () => {
    let room = "";
    await start({
      "/answer": (own, seen) =>
        seen.query.to === "12025550347"
          ? [{ action: "wait", timeout: 60 }]
          : [{ action: "transfer", conversationId: room }, done(own, "never")],
    });
    const talker = await dial("12025550347");
    room = (await app.event("answered", (seen) => seen.body.uuid === talker)).body.conversation_uuid;
    const listener = await dial("12025550346");
    expect((await app.event("transfer")).body).toMatchObject({ uuid: listener, conversation_uuid_to: room });
    expect(indexOfSound(await heard(listener), line)).toBeGreaterThanOrEqual(0);
    expect(paths()).not.toContain("/never");
  });

  it("says in an error event that there is no conversation to move to, and goes on", async () => {
    await start({ "/answer": (own) => [{ action: "transfer", conversation_id: "CON-none" }, done(own)] });
    await dial(silent);
    await reached();
    expect((await app.event("error")).body.reason).toBe("There is no conversation CON-none.");
  });

  it("plays music until somebody may start it", async () => {
    await start({
      "/answer": (own) => [{ action: "conversation", name: "waiting", startOnEnter: false, musicOnHoldUrl: [`${own.url}/tune.wav`] }],
    });
    const uuid = await dial("12025550346");
    expect(indexOfSound(await heard(uuid), tune)).toBeGreaterThanOrEqual(0);
  });

  it("moves a leg by REST to other instructions in another conversation, and hangs up the socket left behind", async () => {
    await start({
      "/answer": (own) => [
        {
          action: "connect",
          endpoint: [{ type: "websocket", uri: `${own.wsUrl}/media`, "content-type": "audio/l16;rate=16000" }],
          eventUrl: [`${own.url}/event?leg=ws`],
        },
        done(own, "never"),
      ],
      "/elsewhere": (own) => [done(own)],
    });
    const uuid = await dial(silent);
    const socket = await app.sockets.first(() => true);
    await socket.frames.first(() => true);
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "transfer", destination: { type: "ncco", url: [`${app.url}/elsewhere`] } });
    await reached();
    expect(await socket.closed).toBe(1000);
    expect(app.requests.all.map((seen) => seen.body.status)).not.toContain("disconnected");
    const moved = await app.event("transfer");
    expect((await over(uuid)).body.conversation_uuid).toBe(moved.body.conversation_uuid_to);
    expect(paths()).not.toContain("/never");
  });
});

describe("an event in mid-call that is answered badly", () => {
  const asks = (own: App): object[] => [{ action: "notify", payload: { a: 1 }, eventUrl: [`${own.url}/broken`] }, done(own, "went-on")];
  const broken = (seen: Seen): Reply | undefined => (seen.path === "/broken" ? { status: 500 } : undefined);

  it("is put to the fallback URL, whose NCCO takes over", async () => {
    await start({ "/answer": asks, "/fallback": (own) => [done(own)] }, broken);
    await network.close();
    network = await startTestNetwork(app, { people: people.path, fallbackUrl: `${app.url}/fallback`, answerMethod: "POST" });
    const uuid = await dial(silent);
    await reached();
    const fallback = await app.requests.first((seen) => seen.path === "/fallback");
    const asked = fallback.method === "GET" ? JSON.parse(fallback.query.original_request ?? "") : fallback.body.original_request;
    expect(asked).toEqual({ url: `${app.url}/broken`, type: "event" });
    await over(uuid);
    expect(paths()).not.toContain("/went-on");
  });

  it("changes nothing when there is no fallback: the flow goes on", async () => {
    await start({ "/answer": asks }, broken);
    await dial(silent);
    await reached("went-on");
  });
});

describe("the lengths a call may have", () => {
  it("end it by length_timer, counted from the answer", async () => {
    await start({ "/answer": () => [{ action: "wait", timeout: 60 }] });
    const { body: made } = await ask(network, "POST", "/v1/calls", callTo(silent, app, { length_timer: 1 }));
    expect((await over(made.uuid)).body).toMatchObject({ disconnected_by: "platform", duration: "1" });
  });

  it("end a connect by its limit, and the flow goes on", async () => {
    await start({
      "/answer": (own) => [
        { action: "connect", from: "12025550100", limit: 1, endpoint: [{ type: "phone", number: "12025550347" }] },
        done(own),
      ],
    });
    await dial(silent);
    await reached();
    expect((await app.event("completed", (seen) => seen.body.to === "12025550347")).body).toMatchObject({
      disconnected_by: "platform",
      duration: "1",
    });
  });

  it("end a recording by its timeOut, before the next action", async () => {
    await start({
      "/answer": (own) => [{ action: "record", format: "wav", timeOut: 3, eventUrl: [`${own.url}/recording`] }, done(own)],
    });
    await dial("12025550347");
    await reached();
    const { body } = await app.event("record");
    // three seconds of one channel, to the frame or so
    expect(Math.abs(body.size - 96_044)).toBeLessThan(5_000);
    expect(paths().filter((path) => path === "/recording" || path === "/done")).toEqual(["/recording", "/done"]);
  });
});

describe("by REST in a call", () => {
  it("streams, and refuses keys that are none and an empty text", async () => {
    await start({ "/answer": () => [{ action: "wait", timeout: 600 }] });
    const uuid = await dial(silent);
    await app.event("answered");
    expect(
      await ask(network, "PUT", `/v1/calls/${uuid}/stream`, { stream_url: [`${app.url}/tune.wav`], loop: 1, level: "0" }),
    ).toMatchObject({ status: 200 });
    await app.requests.first((seen) => seen.path === "/tune.wav");
    expect(await ask(network, "PUT", `/v1/calls/${uuid}/dtmf`, { digits: "12x" })).toMatchObject({ status: 400 });
    expect(await ask(network, "PUT", `/v1/calls/${uuid}/talk`, { text: "" })).toMatchObject({ status: 400 });
    await ask(network, "PUT", `/v1/calls/${uuid}`, { action: "hangup" });
    await over(uuid);
  });
});
