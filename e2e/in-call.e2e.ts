import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent, AgentSettings } from "@earshot/contract/agent";
import type { CallEvent } from "@earshot/contract/call";
import type { Recording } from "@earshot/contract/recording";
import { afterAll, beforeAll, describe, test } from "vitest";
import { speak, VOICE_RATE } from "../emulators/speech/voice.ts";
import { type House, openHouse, until } from "./house.ts";
import { ended, events, place, readCall, recorded, recordings, utterances } from "./shapes.ts";
import { decodeMp3, fromPcm16, keyFrequencies, locate, rms, type Sound, whenTones } from "./sound.ts";

/**
 * What happens in a call beside the talking, as it is heard in the recordings: voices are found by the sound they were made of, tones by their
 * frequencies, and the times are those of the call's events.
 */

const answersAtOnce = { answers: { afterMs: 400 } };
const patient = "+12025550171";
const colleague = "+12025550172";
const busy = "+12025550103";
const box = "+12025550105";
const keyPresser = "+12025550173";
const talker = "+12025550174";
const listener = "+12025550175";
const colleagueSays = { text: "This is the back office. What can I do for you today?", voice: "kal" };
const callerSays = { text: "Hello. I only wanted to see whether this works.", voice: "rms" };

const talkerSays = { text: "I would like to move my appointment to Friday.", voice: "awb" };

const people = [
  {
    number: patient,
    habit: "Says one sentence and listens from then on.",
    voice: callerSays.voice,
    whenDialled: answersAtOnce,
    script: [
      { after: { silenceMs: 700, atMostMs: 8_000 }, say: { text: callerSays.text } },
      // Longer than what is done in a call takes on a busy machine: each of them is ended by somebody else.
      { after: { ms: 180_000 }, hangUp: true },
    ],
  },
  {
    number: colleague,
    habit: "Picks up, says who it is, and hangs up.",
    voice: colleagueSays.voice,
    whenDialled: { answers: { afterMs: 1_000 } },
    script: [
      { after: { ms: 300 }, say: { text: colleagueSays.text } },
      { after: { ms: 800 }, hangUp: true },
    ],
  },
  {
    number: talker,
    habit: "Says one sentence again and again, to whoever listens.",
    voice: talkerSays.voice,
    whenDialled: answersAtOnce,
    script: [{ after: { ms: 1_500 }, say: { text: talkerSays.text } }],
    repeats: true,
  },
  {
    number: listener,
    habit: "Picks up, listens for a while, and hangs up.",
    whenDialled: { answers: { afterMs: 1_000 } },
    script: [{ after: { ms: 14_000 }, hangUp: true }],
  },
  {
    number: keyPresser,
    habit: "Presses two keys and hangs up.",
    whenDialled: answersAtOnce,
    script: [
      { after: { silenceMs: 700, atMostMs: 8_000 }, press: "4#" },
      { after: { ms: 1_200 }, hangUp: true },
    ],
  },
];

/** What the network says by itself. */
const announcement = "A caller from Willow Street about an appointment.";
const nobodyReached = "I am sorry, nobody could be reached. One moment, please.";
const message = "Hello Polite Caller, this is Willow Street. Please call us back.";
const notice = "This call is recorded. Stay on the line if you agree.";

let house: House;
beforeAll(async () => {
  // The sounds are made beforehand and kept: what is made in the middle of a call takes a busy machine seconds, which would be measured with it.
  await Promise.all([announcement, nobodyReached, message, notice].map(announced));
  house = await openHouse({ people: { people } });
});
afterAll(() => house.close());

/** An agent with rules of its own for the line. */
async function agentWith(line: Partial<NonNullable<AgentSettings["line"]>>): Promise<string> {
  const { items } = await house.api<{ items: Agent[] }>("/api/agents");
  const first = items[0] as Agent;
  const settings = { ...first.settings, name: `Line ${JSON.stringify(line).length}`, numbers: [], line };
  return (await house.api<Agent>("/api/agents", { method: "POST", body: JSON.stringify(settings) })).id;
}

const spoken = async ({ text, voice }: { text: string; voice: string }) => ({
  samples: Float32Array.from(await speak(text, voice), (sample) => sample / 32_768),
  rate: VOICE_RATE,
});
/** As the network says what an NCCO has it say. */
const announced = (text: string) => spoken({ text, voice: "slt-bright" });

/** A file of the house's storage, by the hash that its row names. */
function stored({ sha256 }: Recording): Uint8Array {
  const folder = join(house.dir, "data", "recordings");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".mp3")) continue;
    const bytes = readFileSync(join(folder, name));
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
  }
  throw new Error(`No stored file has the hash ${sha256}.`);
}

const side = (sound: Sound, channel: 0 | 1) => ({ samples: sound.channels[channel] as Float32Array, rate: sound.rate });

const eventOf = async (id: string, kind: string): Promise<CallEvent> =>
  until(`${kind} on the timeline`, async () => (await events(house, id)).find((event) => event.kind === kind));

/** The carrier's recordings of an ended call, in their order of time, verified. */
async function carrierRecordings(id: string, count: number): Promise<Recording[]> {
  const all = await until(`${count} recordings of the carrier are whole`, async () => {
    const theirs = (await recordings(house, id)).filter(({ source, status }) => source === "carrier" && status === "verified");
    return theirs.length === count && theirs;
  });
  return all.toSorted((a, b) => (a.offset_ms as number) - (b.offset_ms as number));
}

/** Where an event of the call lies in a recording of it, ms. */
const inRecording = (event: CallEvent, { offset_ms }: Recording): number => (event.call_ms as number) - (offset_ms as number);

/** The carrier names the begin of a recording in whole seconds; only the first one's is known better, by comparison with ours. */
const WHOLE_SECONDS_MS = 1_200;
/** From a key's tone to our word of it: a request to the carrier, or a message of its, and its answer. */
const KEY_WITHIN_MS = 2_500;

async function callPatient(caller = patient): Promise<string> {
  const id = await place(house, caller);
  await until(
    "the caller is heard",
    async () => (await utterances(house, id)).some(({ speaker }) => speaker === "caller"),
    undefined,
    () => events(house, id),
  );
  return id;
}

const handTo = (id: string, to: string, announcement?: string) =>
  house.api(`/api/calls/${id}/transfer`, { method: "POST", body: JSON.stringify({ to, announcement }) });

describe.concurrent("in a running call", () => {
  test("a caller handed to a person hears that person, and it is recorded", async ({ expect }) => {
    const id = await callPatient();
    await handTo(id, colleague);
    const connected = await eventOf(id, "transfer.connected");
    const call = await ended(house, id);
    expect(call.end_reason).toBe("transferred");
    const [before, after] = (await carrierRecordings(id, 2)) as [Recording, Recording];
    // Before: the caller with the agent.
    const first = side(await decodeMp3(stored(before)), 0);
    expect(locate(first, await spoken(callerSays)).agreement).toBeGreaterThan(0.9);
    // After: the person, right, from 300 ms after they picked up.
    const second = side(await decodeMp3(stored(after)), 1);
    const heard = locate(second, await spoken(colleagueSays));
    expect(heard.agreement).toBeGreaterThan(0.9);
    expect(Math.abs(heard.atMs - (inRecording(connected, after) + 300))).toBeLessThan(WHOLE_SECONDS_MS);
  });

  test("a person the caller is handed to hears the announcement first, then the caller", async ({ expect }) => {
    const id = await callPatient(talker);
    await handTo(id, listener, announcement);
    const call = await ended(house, id);
    expect(call.end_reason).toBe("transferred");
    const person = await until("the person's sound is written down", async () => dumped(listener));
    const heard = { samples: person.heard, rate: VOICE_RATE };
    const words = await announced(announcement);
    const first = locate(heard, words);
    expect(first.agreement).toBeGreaterThan(0.95);
    // The caller talks all the while, and nothing of it is there before the announcement is at its end.
    expect(rms(person.heard.subarray(0, (first.atMs * VOICE_RATE) / 1_000))).toBe(0);
    const then = locate(heard, await spoken(talkerSays));
    expect(then.agreement).toBeGreaterThan(0.95);
    expect(then.atMs).toBeGreaterThanOrEqual(first.atMs + (words.samples.length * 1_000) / VOICE_RATE - 20);
    // It was for the person alone.
    const caller = await until("the caller's sound is written down", async () => dumped(talker));
    expect(locate({ samples: caller.heard, rate: VOICE_RATE }, words).agreement).toBeLessThan(0.7);
  });

  test("a caller handed to a busy person hears that nobody could be reached, and is back with the agent", async ({ expect }) => {
    const id = await callPatient();
    const spokeBefore = (await utterances(house, id)).filter(({ speaker }) => speaker === "agent").length;
    await handTo(id, busy);
    const failed = await eventOf(id, "transfer.failed");
    expect(failed.detail.result).toBe("busy");
    const back = await eventOf(id, "audio.resumed");
    expect(back.call_ms as number).toBeGreaterThan(failed.call_ms as number);
    expect((await readCall(house, id)).status).toBe("in_progress");
    await house.api(`/api/calls/${id}/hangup`, { method: "POST" });
    const call = await ended(house, id);
    expect(call.end_reason).toBe("operator_hung_up");
    expect((await utterances(house, id)).filter(({ speaker }) => speaker === "agent").length).toBeGreaterThanOrEqual(spokeBefore);
    const [, after] = (await carrierRecordings(id, 2)) as [Recording, Recording];
    const heard = locate(side(await decodeMp3(stored(after)), 1), await announced(nobodyReached));
    expect(heard.agreement).toBeGreaterThan(0.9);
    // Between the failure and the moment the agent's socket is there again; the network first makes the sound of the words.
    expect(heard.atMs).toBeGreaterThan(inRecording(failed, after) - WHOLE_SECONDS_MS);
    expect(heard.atMs).toBeLessThan(inRecording(back, after) + WHOLE_SECONDS_MS);
  });

  test("a voicemail box gets the message after its beep", async ({ expect }) => {
    const agent_id = await agentWith({
      voicemail: "leave_message",
      voicemail_message: "Hello {{customer_name}}, this is Willow Street. Please call us back.",
    });
    const id = await place(house, box, { agent_id, customer_name: "Polite Caller" });
    const call = await ended(house, id);
    expect(call.end_reason).toBe("voicemail");
    // What the box said and heard, on one clock.
    const leg = await until("the box's sound is written down", async () => dumped(box));
    const beepAt = whenTones({ samples: leg.said, rate: VOICE_RATE }, [1_000], { lastMs: 400 }) as number;
    const heard = locate({ samples: leg.heard, rate: VOICE_RATE }, await announced(message));
    expect(heard.agreement).toBeGreaterThan(0.95);
    expect(heard.atMs).toBeGreaterThan(beepAt + 500);
    // The network tells of the beep, we answer: the rest of these is a busy machine's. The box listens for twenty.
    expect(heard.atMs).toBeLessThan(beepAt + 6_000);
    // And it is in the recording, which begins with it.
    const kept = (await recorded(house, id, "carrier")).recording;
    const recordedAt = locate(side(await decodeMp3(stored(kept)), 1), await announced(message));
    expect(recordedAt.agreement).toBeGreaterThan(0.9);
    const left = await eventOf(id, "voicemail.message");
    expect(Math.abs(recordedAt.atMs - inRecording(left, kept))).toBeLessThan(WHOLE_SECONDS_MS);
  });

  test("keys that are sent are heard by the caller, and keys the caller presses are heard by us", async ({ expect }) => {
    const [id, other] = await Promise.all([callPatient(), place(house, keyPresser)]);
    await house.api(`/api/calls/${id}/dtmf`, { method: "POST", body: JSON.stringify({ digits: "71" }) });
    const sent = await eventOf(id, "keys.sent");
    await until("they have sounded", async () => Date.now() > Date.parse(sent.at) + 1_500);
    await house.api(`/api/calls/${id}/hangup`, { method: "POST" });
    await Promise.all([ended(house, id), ended(house, other)]);

    const out = (await recorded(house, id, "carrier")).recording;
    const heard = side(await decodeMp3(stored(out)), 1);
    const begin = inRecording(sent, out);
    const seven = whenTones(heard, keyFrequencies("7"), { fromMs: begin - KEY_WITHIN_MS }) as number;
    const one = whenTones(heard, keyFrequencies("1"), { fromMs: seven }) as number;
    expect(Math.abs(seven - begin)).toBeLessThan(KEY_WITHIN_MS);
    expect(Math.abs(one - seven - 200)).toBeLessThan(60);

    const pressed = await until("both keys are told", async () => {
      const told = (await events(house, other)).filter(({ kind }) => kind === "caller.key_pressed");
      return told.length >= 2 && told;
    });
    expect(pressed.map(({ detail }) => detail.digit)).toEqual(["4", "#"]);
    const come = (await recorded(house, other, "carrier")).recording;
    const said = side(await decodeMp3(stored(come)), 0);
    for (const event of pressed) {
      const at = inRecording(event, come);
      const tone = whenTones(said, keyFrequencies(event.detail.digit as string), { fromMs: at - KEY_WITHIN_MS }) as number;
      expect(Math.abs(tone - at)).toBeLessThan(KEY_WITHIN_MS);
    }
  });

  test.for([true, false])("a notice is spoken before the agent; part of the recording: %s", async (inside, { expect }) => {
    const agent_id = await agentWith({ notice, notice_recorded: inside });
    const id = await place(house, patient, { agent_id });
    await until("the agent greets", async () => (await utterances(house, id)).some(({ speaker }) => speaker === "agent"));
    await house.api(`/api/calls/${id}/hangup`, { method: "POST" });
    const call = await ended(house, id);
    const kept = (await recorded(house, id, "carrier")).recording;
    const sound = side(await decodeMp3(stored(kept)), 1);
    const heard = locate(sound, await announced(notice));
    const greeting = (await utterances(house, id)).find(({ speaker }) => speaker === "agent");
    const noticeMs = ((await announced(notice)).samples.length * 1_000) / VOICE_RATE;
    expect(greeting?.started_ms).toBeGreaterThan(noticeMs);
    if (inside) {
      expect(heard.agreement).toBeGreaterThan(0.9);
      // A busy machine takes seconds to begin with it: that it is before the agent is what counts.
      expect(heard.atMs).toBeLessThan(8_000);
      expect((greeting?.started_ms as number) - (kept.offset_ms as number)).toBeGreaterThan(heard.atMs + noticeMs - 100);
      // To the end of the call, wherever it began: the carrier tells its begin without the fraction of a second.
      expect((kept.offset_ms as number) + (kept.duration_ms as number)).toBeGreaterThan((call.duration_ms as number) - 1_100);
    } else {
      expect(heard.agreement).toBeLessThan(0.6);
      expect(kept.duration_ms as number).toBeLessThan((call.duration_ms as number) - noticeMs + 1_000);
    }
  });
});

/** What a phone said and heard from its first moment on, once it is written down. */
async function dumped(number: string): Promise<{ said: Float32Array; heard: Float32Array } | null> {
  const folder = join(house.dir, "dump-phone");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    const { to } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { to: string };
    if (to !== number.slice(1)) continue;
    const wav = (what: string) => fromPcm16(readFileSync(join(folder, name.replace(".json", `.${what}.wav`))).subarray(44));
    return { said: wav("said"), heard: wav("heard") };
  }
  return null;
}
