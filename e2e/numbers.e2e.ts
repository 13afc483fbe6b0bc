import type { Call } from "@earshot/contract/call";
import type { Recording } from "@earshot/contract/recording";
import type { EndReason } from "@earshot/contract/status";
import type { Webhook } from "@earshot/contract/webhook";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { people } from "../emulators/people/people.ts";
import type { Person } from "../emulators/people/person.ts";
import { type House, openHouse, ourNumber, until } from "./house.ts";
import { ended, events, type Page, place, playback, readAll, readCall, recordings, utterances } from "./shapes.ts";

/**
 * Every number of the emulated network, dialled through the API: what the caller's row says at the end. The table is the test; the people,
 * their failures and their words are those of emulators/people, some of them in more of a hurry than by hand.
 */

/** A number in nobody's hands. */
const nobodys = "+12025550189";

/** What the row of a dialled number must come to. */
interface Expected {
  readonly number: string;
  readonly ends: EndReason | readonly EndReason[];
  /** Whose recording stands for the call at the end, verified; null when there was nothing to record. */
  readonly plays: "carrier" | "journal" | "whatever was caught" | null;
  /** Where the carrier's recording is not the one that plays: what stands in its row. */
  readonly carrier?: { readonly status: readonly Recording["status"][]; readonly because: string | null };
  /** On the timeline, each at least once. */
  readonly tells?: readonly string[];
  /** What is done to the call while it runs. */
  readonly during?: (id: string) => Promise<unknown>;
  /** Whatever else is particular about it. */
  readonly also?: (call: Call) => Promise<unknown>;
}

const talked = { ends: "caller_hung_up", plays: "carrier" } as const;
const neverTalked = { plays: null } as const;
const somebodyHungUp = { ends: ["caller_hung_up", "agent_hung_up"], plays: "carrier" } as const;
const fetchedLater = { ...talked, tells: ["recording.fetch_failed", "recording.stored"] } as const;
const oursPlays = { ends: "caller_hung_up", plays: "journal" } as const;
const stillTried = ["announced", "fetching"] as const;

/** The slowest first, so that all of them are over soon: 45 s of ringing, six tries of a fetch. */
const table: readonly Expected[] = [
  { number: "+12025550104", ends: "no_answer", ...neverTalked, also: rang(45) },
  { number: "+12025550157", ...oursPlays, carrier: { status: ["failed"], because: "RECORDING_SHORT" }, tells: ["recording.fetch_failed"] },
  { number: "+12025550101", ...somebodyHungUp, also: understood("Half past three would be perfect for me.") },
  { number: "+12025550102", ...somebodyHungUp, tells: ["caller.cut_in"] },
  { number: "+12025550105", ...talked },
  { number: "+12025550120", ...somebodyHungUp, also: rang(20) },
  { number: "+12025550106", ends: "declined", ...neverTalked, also: callsBack },

  // How a call does not come about.
  { number: "+12025550103", ends: "busy", ...neverTalked },
  { number: "+12025550110", ends: "declined", ...neverTalked },
  { number: "+12025550111", ends: "invalid_number", ...neverTalked },
  { number: "+12025550112", ends: "restricted", ...neverTalked },
  { number: "+12025550113", ends: "unreachable", ...neverTalked },
  { number: "+12025550114", ends: "unreachable", ...neverTalked },
  { number: "+12025550115", ends: "carrier_failed", ...neverTalked },
  { number: "+12025550116", ends: "no_answer", ...neverTalked },
  { number: "+12025550117", ends: "no_answer", ...neverTalked },
  { number: nobodys, ends: "unreachable", ...neverTalked },

  // How people can be difficult.
  // Whether a sound of it was caught, and will be announced, is a matter of milliseconds.
  { number: "+12025550118", ends: "caller_hung_up", plays: "whatever was caught" },
  { number: "+12025550119", ...talked, also: saidNothing },
  { number: "+12025550121", ends: "operator_hung_up", plays: "carrier", during: hangUpOnceHeard },
  { number: "+12025550122", ...talked, also: pressed("12026#") },
  { number: "+12025550123", ...talked },
  { number: "+12025550124", ...talked },

  // How the network can misbehave.
  { number: "+12025550130", ...somebodyHungUp, tells: ["audio.lost", "audio.resumed"] },
  { number: "+12025550131", ...talked, also: came(twice) },
  { number: "+12025550132", ...talked, also: came(outOfOrder) },
  { number: "+12025550133", ...talked, tells: ["watchdog.looked"], also: came(without("completed")) },
  { number: "+12025550134", ...talked, also: came(without("answered")) },
  { number: "+12025550135", ...talked, also: came(fiveSecondsLate) },
  { number: "+12025550138", ...talked, also: startedBeforeItsAnswer },
  { number: "+12025550139", ...talked, also: rangOnce },
  { number: "+12025550140", ...talked, tells: ["call.dial_unknown"], also: rangOnce },
  { number: "+12025550141", ends: "operator_hung_up", plays: "carrier", during: hangUpOnceHeard },
  { number: "+12025550142", ends: "media_failed", plays: "carrier", also: came(socketUnanswered) },
  { number: "+12025550143", ...talked, also: came(askedTwice) },

  // How a recording can go wrong. Ours plays when the carrier's does not.
  { number: "+12025550150", ...oursPlays, carrier: { status: ["expected"], because: null } },
  { number: "+12025550151", ...talked, also: came(recordFirst) },
  { number: "+12025550152", ...talked },
  { number: "+12025550153", ...oursPlays, carrier: { status: ["missing"], because: "RECORDING_EMPTY" } },
  { number: "+12025550154", ...fetchedLater },
  { number: "+12025550155", ...fetchedLater },
  { number: "+12025550156", ...oursPlays, carrier: { status: stillTried, because: "RECORDING_UNREACHABLE" } },
  { number: "+12025550158", ...talked },
  { number: "+12025550159", ...oursPlays, carrier: { status: stillTried, because: "RECORDING_WRONG_TYPE" } },
  { number: "+12025550160", ...oursPlays, carrier: { status: stillTried, because: "RECORDING_NOT_READY" } },
  { number: "+12025550161", ...oursPlays, carrier: { status: ["refused"], because: "RECORDING_REFUSED_HOST" } },
  { number: "+12025550162", ...talked, also: came(recordTwice) },
];

/** The network's webhooks cannot be believed: nothing of the call is known until the carrier is asked. */
const unbelieved = ["+12025550136", "+12025550137"] as const;

/** One sentence and the end: what the numbers of the misbehaving network say here. */
const inAHurry: Person["script"] = [
  { after: { silenceMs: 700, atMostMs: 8_000 }, say: { text: "Hello. I only wanted to see whether this works." } },
  { after: { ms: 1_500 }, hangUp: true },
];
const personOf = (number: string): Person => people.find((person) => person.number === number) as Person;
const hurried = people.flatMap((person): Person[] => {
  const { number, script } = person;
  if (number === "+12025550119") return [{ ...person, script: [{ after: { ms: 9_000 }, hangUp: true }] }];
  if (number === "+12025550123") return [{ ...person, script: [...script.slice(0, 1), { after: { ms: 5_000 }, hangUp: true }] }];
  if (number === "+12025550141") return [{ ...person, script: personOf("+12025550121").script, repeats: true }];
  // Hears the apology out: the end is the network's.
  if (number === "+12025550142") return [{ ...person, script: [{ after: { ms: 60_000 }, hangUp: true }] }];
  if (number === "+12025550152") return [{ ...person, script: inAHurry, faults: { record: { laterMs: 8_000 } } }];
  const misbehaves = number === "+12025550124" || (number > "+12025550130" && number < "+12025550199");
  return misbehaves ? [{ ...person, script: inAHurry }] : [];
});

/** Calls that run at once: the machine shall keep the time of their sound. */
const AT_ONCE = 14;

let house: House;
let dialling: Promise<unknown>;
/** The ids of the calls, by number. */
const calls = new Map([...table.map(({ number }) => number), ...unbelieved].map((number) => [number, Promise.withResolvers<string>()]));
const callTo = (number: string): Promise<string> => (calls.get(number) as PromiseWithResolvers<string>).promise;

/** The calls that run, asked for once for all who wait for one of them: a key may ask only so often. */
let asking: Promise<Set<string>> | null = null;
function live(): Promise<Set<string>> {
  asking ??= house
    .api<Page<Call>>("/api/calls?status=live&limit=100")
    .then(({ items }) => new Set(items.map(({ id }) => id)))
    .finally(() => {
      asking = null;
    });
  return asking;
}

beforeAll(async () => {
  house = await openHouse({ people: { people: hurried } });
  for (const number of unbelieved) calls.get(number)?.resolve(await place(house, number));
  const waiting = [...table];
  const dialOneByOne = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const id = await place(house, row.number);
      calls.get(row.number)?.resolve(id);
      await row.during?.(id);
      await until(`call ${id} is over`, async () => !(await live()).has(id), 150_000);
    }
  };
  dialling = Promise.allSettled(Array.from({ length: AT_ONCE }, dialOneByOne));
});
afterAll(async () => {
  await dialling;
  await house.close();
});

const habits = new Map(people.map(({ number, habit }) => [number, habit]));

describe("a number of the emulated network, dialled", () => {
  test.each(table.map((row) => ({ ...row, habit: habits.get(row.number) ?? "Nobody's number." })))(
    "$number: $habit",
    async ({ number, ends, plays, carrier, tells = [], also }) => {
      const call = await ended(house, await callTo(number), 150_000);
      expect([ends].flat()).toContain(call.end_reason);
      expect(call.end_detail).toBeTruthy();

      const last = await until(
        "its recording is settled",
        () => settled(call.id, plays, carrier),
        120_000, // decoding runs below normal priority: on a busy machine it waits its turn
        async () => ({
          recordings: await recordings(house, call.id),
          events: (await events(house, call.id)).map(({ kind, at, detail }) => ({ kind, at, detail })),
          webhooks: (await webhooks(call.id)).map(({ door, verdict, received_at }) => ({ door, verdict, received_at })),
          network: (await onTheNetwork(number)).exchanges,
        }),
      );
      if (plays === "whatever was caught") return;
      expect(last.recording).toMatchObject(
        plays === null ? { status: "none", url: null } : { status: "verified", source: plays, because: null, url: expect.any(String) },
      );
      if (plays !== null) expect((await playback(house, call.id)).byteLength).toBe(last.recording.size_bytes);

      const kinds = (await events(house, call.id)).map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining([...tells]));
      for (const once of ["call.placed", "call.dialed", "call.answered", "call.ended"])
        expect(kinds.filter((kind) => kind === once).length, once).toBe(once === "call.answered" && plays === null ? 0 : 1);
      const understood = await until("all its webhooks are understood", async () => {
        const all = await webhooks(call.id);
        return all.every(({ verdict }) => verdict !== "pending") && all;
      });
      expect(understood.filter(({ verdict }) => ["unreadable", "unknown_call"].includes(verdict))).toEqual([]);
      await also?.(last);
    },
  );

  test("whose webhooks cannot be believed: they are refused, and the call is known by what the carrier says when asked", async () => {
    await dialling;
    await house.server.stop();
    await house.startServer(); // after a start every open call is looked at soon
    for (const number of unbelieved) {
      const call = await ended(house, await callTo(number));
      // They are shown with the call they name, as what was refused.
      expect(new Set((await webhooks(call.id)).map(({ verdict }) => verdict))).toEqual(new Set(["bad_signature"]));
      const { legs, exchanges } = await onTheNetwork(number);
      expect(legs.length).toBe(1);
      expect(exchanges.length).toBeGreaterThan(3);
      for (const { status } of exchanges) expect(status).toBe(401);
      expect((await events(house, call.id)).map(({ kind }) => kind)).toContain("watchdog.looked");
      // It tells whole seconds only: when they are none, even that somebody picked up is not known.
      expect(["media_failed", "lost"]).toContain(call.end_reason);
    }
  });

  test("is one of these, or the phone in the browser: everybody of the network's table is called", () => {
    const called = new Set([...table.map(({ number }) => number), ...unbelieved, "+12025550199"]);
    expect(people.map(({ number }) => number).filter((number) => !called.has(number))).toEqual([]);
  });
});

/** The call, once nothing more is to come of its recordings. */
async function settled(id: string, plays: Expected["plays"], carrier: Expected["carrier"]): Promise<Call | false> {
  const call = await readCall(house, id);
  if (plays === null) return call;
  if (plays === "whatever was caught") return call;
  const theirs = (await recordings(house, id)).find(({ source }) => source === "carrier");
  const asWished =
    carrier === undefined
      ? theirs?.status === "verified"
      : theirs !== undefined && carrier.status.includes(theirs.status) && (theirs.because?.code ?? null) === carrier.because;
  return asWished && call.recording.status === "verified" && call.recording.source === plays && call;
}

const webhooks = (id: string): Promise<Webhook[]> => readAll<Webhook>(house, `/api/calls/${id}/webhooks`);

/** What the network knows of a number: its legs, and the requests it made for them. */
async function onTheNetwork(number: string): Promise<{ legs: { uuid: string }[]; exchanges: { status: number | null }[] }> {
  const ask = async <T>(path: string): Promise<T> => (await (await fetch(new URL(path, house.phone.url))).json()) as T;
  const all = await ask<{ calls: { uuid: string; direction: string; to: { number?: string } }[] }>("/emulator/calls");
  const legs = all.calls.filter((leg) => leg.direction === "outbound" && leg.to.number === number.slice(1));
  const asked = await Promise.all(legs.map(({ uuid }) => ask<{ webhooks: { status: number | null }[] }>(`/emulator/calls/${uuid}`)));
  return { legs, exchanges: asked.flatMap((one) => one.webhooks) };
}

// ---- what is particular to a number ----

/** So long, by the network's own clock; a busy machine tells it when it is late. */
function rang(seconds: number) {
  return async ({ ring_ms }: Call): Promise<void> => {
    expect(ring_ms).toBeGreaterThan((seconds - 0.5) * 1_000);
    expect(ring_ms).toBeLessThan((seconds + 5) * 1_000);
  };
}

/** The caller was understood, by sound alone. */
function understood(words: string) {
  return async ({ id }: Call): Promise<void> => {
    const said = await utterances(house, id);
    expect(said.filter(({ speaker }) => speaker === "caller").map(({ text }) => text)).toContain(words);
  };
}

async function saidNothing({ id }: Call): Promise<void> {
  expect((await utterances(house, id)).filter(({ speaker }) => speaker === "caller")).toEqual([]);
}

function pressed(keys: string) {
  return async ({ id }: Call): Promise<void> => {
    const told = (await events(house, id)).filter(({ kind }) => kind === "caller.key_pressed");
    expect(told.map(({ detail }) => detail.digit).join("")).toBe(keys);
  };
}

/** What a request of the network said, in the order they came. */
interface Came {
  readonly door: string;
  readonly leg: "phone" | "socket";
  /** The status, or "record" for a recording's. */
  readonly what: string;
  /** When it happened, by the network's clock, and how long it took to come. */
  readonly at: number;
  readonly lateMs: number;
  readonly verdict: Webhook["verdict"];
}

/** That the webhooks of the call came as its number says, once they are all there. */
function came(asItsNumberSays: (all: readonly Came[]) => void) {
  return async ({ id }: Call): Promise<void> => {
    let problem: unknown;
    await until("its webhooks came as its number says", async () => {
      const all = (await webhooks(id)).sort((one, other) => one.received_at.localeCompare(other.received_at)).map(cameAs);
      try {
        asItsNumberSays(all);
        return true;
      } catch (error) {
        problem = error;
        return false;
      }
    }).catch(() => {
      throw problem;
    });
  };
}

function cameAs({ door, url, body, received_at, verdict }: Webhook): Came {
  const said = (body === "" ? Object.fromEntries(new URL(url, "http://x").searchParams) : JSON.parse(body)) as Record<string, string>;
  const at = Date.parse(said.timestamp ?? received_at);
  return {
    ...{ door, at, verdict, leg: /[?&]leg=ws/.test(url) ? "socket" : "phone" },
    what: said.status ?? (said.recording_uuid === undefined ? door : "record"),
    lateMs: Date.parse(received_at) - at,
  };
}

const named = (all: readonly Came[]): string[] => all.filter(({ door }) => door !== "answer").map(({ leg, what }) => `${leg} ${what}`);

function twice(all: readonly Came[]): void {
  const told = all.filter(({ door }) => door !== "answer");
  const doubles = named(told.filter(({ verdict }) => verdict === "duplicate"));
  expect(doubles.sort()).toEqual(named(told.filter(({ verdict }) => verdict !== "duplicate")).sort());
  expect(doubles).toEqual(expect.arrayContaining(["phone completed", "phone record", "socket answered", "socket completed"]));
}

function outOfOrder(all: readonly Came[]): void {
  const told = all.filter(({ door }) => door === "event");
  const overtaken = told.filter(({ at }, place) => told.slice(place + 1).some((later) => later.at < at));
  expect(new Set(overtaken.map(({ leg }) => leg))).toEqual(new Set(["phone", "socket"]));
}

function without(status: string) {
  return (all: readonly Came[]): void => {
    expect(named(all)).toEqual(expect.arrayContaining(["phone started", "phone record", "socket ringing"]));
    expect(named(all)).not.toContain(`phone ${status}`);
    expect(named(all)).not.toContain(`socket ${status}`);
  };
}

function fiveSecondsLate(all: readonly Came[]): void {
  expect(named(all)).toEqual(expect.arrayContaining(["phone completed", "phone record", "socket answered", "socket completed"]));
  for (const { lateMs } of all.filter(({ door }) => door !== "answer")) expect(lateMs).toBeGreaterThanOrEqual(4_900);
}

function socketUnanswered(all: readonly Came[]): void {
  expect(named(all)).toContain("socket unanswered");
  expect(named(all)).not.toContain("socket answered");
}

function askedTwice(all: readonly Came[]): void {
  expect(all.filter(({ door }) => door === "answer").length).toBe(2);
}

function recordFirst(all: readonly Came[]): void {
  const told = named(all);
  expect(told).toEqual(expect.arrayContaining(["phone record", "phone completed", "socket completed"]));
  for (const leg of ["phone", "socket"]) expect(told.indexOf("phone record")).toBeLessThan(told.indexOf(`${leg} completed`));
}

function recordTwice(all: readonly Came[]): void {
  const verdicts = all.filter(({ what }) => what === "record").map(({ verdict }) => verdict);
  expect(verdicts).toEqual(["applied", "duplicate"]);
}

/** The network told of the leg, and was answered, before it answered the request that made it. */
async function startedBeforeItsAnswer({ to }: Call): Promise<void> {
  const { legs } = await onTheNetwork(to as string);
  const whole = (await (await fetch(new URL(`/emulator/calls/${legs[0]?.uuid}`, house.phone.url))).json()) as {
    notes: { at: string; said: string }[];
    webhooks: { at: string; name: string }[];
  };
  const answered = whole.notes.find(({ said }) => said === "the create-call request is answered");
  expect(whole.webhooks.find(({ name }) => name === "started")?.at.localeCompare(answered?.at ?? "")).toBe(-1);
}

/** However unknown it was whether the carrier took the call: nobody's phone rang twice. */
async function rangOnce({ to }: Call): Promise<void> {
  expect((await onTheNetwork(to as string)).legs.length).toBe(1);
}

async function callsBack({ to }: Call): Promise<void> {
  const back = await until("the call back", async () =>
    (await house.api<Page<Call>>("/api/calls?direction=inbound")).items.find(({ from }) => from === to),
  );
  expect((await ended(house, back.id)).end_reason).toMatch(/hung_up$/);
  expect(back.to).toBe(ourNumber);
}

async function hangUpOnceHeard(id: string): Promise<void> {
  await until("the caller was heard", async () => (await utterances(house, id)).some(({ speaker }) => speaker === "caller"));
  await house.api(`/api/calls/${id}/hangup`, { method: "POST" });
}
