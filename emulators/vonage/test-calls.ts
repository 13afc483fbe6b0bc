import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { speak } from "../speech/voice.ts";
import { readWav, writeWav } from "../speech/wav.ts";
import type { Network } from "./network.ts";
import type { Settings } from "./settings.ts";
import { type App, ask, callTo, noise, peopleFile, type Reply, type Seen, startApp, startTestNetwork } from "./test-app.ts";

/** Calls as the tests of the NCCO actions make them: people who are quick and predictable, and an application that is a table of NCCOs. */

/** Sounds nobody confuses: what most people say, what is streamed, and what one of them calls out. */
export const line = noise(0.2, 7);
export const tune = noise(0.3, 8);
const shout = noise(0.1, 9);

/** Who can be called, by number: `silent` answers and says nothing, the others do what they are named for. */
export const silent = "12025550341";
export const pressesKeys = "12025550342";
export const saysOneThing = "12025550343";
export const answersASentence = "12025550344";
export const hangsUpSoon = "12025550345";
export const waitsAWhile = "12025550346";
export const talksOn = "12025550347";
export const talksThenHangsUp = "12025550348";
export const ringsASecond = "12025550349";
export const greetsThenHangsUp = "12025550350";
export const saysUnwrittenWords = "12025550351";
/** Of the network's own table: always busy. */
export const busy = "12025550103";

const quick = { whenDialled: { answers: { afterMs: 0 } } };
const crowd = [
  { number: `+${silent}`, habit: "answers and is silent", ...quick },
  // Late enough that the answer webhook was answered and its NCCO runs, also on a loaded machine.
  { number: `+${pressesKeys}`, habit: "presses 2 1 #", ...quick, script: [{ after: { ms: 1_200 }, press: "21#" }] },
  { number: `+${saysOneThing}`, habit: "says one thing", ...quick, script: [{ after: { ms: 200 }, say: { wav: "line.wav" } }] },
  // Speaks when it was spoken to, so that what listens runs by then, also on a loaded machine.
  {
    number: `+${answersASentence}`,
    habit: "answers with a sentence",
    ...quick,
    script: [{ after: { silenceMs: 300, atMostMs: 60_000 }, say: { text: "Good morning to you." } }],
  },
  {
    number: `+${saysUnwrittenWords}`,
    habit: "answers with a sound whose words nobody wrote down",
    ...quick,
    script: [{ after: { silenceMs: 300, atMostMs: 60_000 }, say: { wav: "words.wav" } }],
  },
  {
    number: `+${greetsThenHangsUp}`,
    habit: "greets, hears the other one out, and hangs up",
    ...quick,
    script: [
      { after: { ms: 100 }, say: { text: "Hello, who is there?" } },
      { after: { silenceMs: 700, atMostMs: 60_000 }, hangUp: true },
    ],
  },
  { number: `+${waitsAWhile}`, habit: "waits a while", ...quick, script: [{ after: { ms: 2_000 }, hangUp: true }] },
  {
    number: `+${talksOn}`,
    habit: "talks without a pause",
    ...quick,
    script: [{ after: { ms: 0 }, say: { wav: "line.wav" } }],
    repeats: true,
  },
  {
    number: `+${talksThenHangsUp}`,
    habit: "talks at once, and hangs up after two seconds",
    ...quick,
    script: [
      { after: { ms: 0 }, say: { wav: "shout.wav" } },
      { after: { ms: 2_000 }, hangUp: true },
    ],
  },
  // Longer than who talks without a pause needs for two lines: one of them is heard whole.
  { number: `+${hangsUpSoon}`, habit: "hangs up soon", ...quick, script: [{ after: { ms: 600 }, hangUp: true }] },
  {
    number: `+${ringsASecond}`,
    habit: "answers after a second, says one thing, and hangs up",
    whenDialled: { answers: { afterMs: 1_000 } },
    script: [
      { after: { ms: 100 }, say: { wav: "line.wav" } },
      { after: { ms: 100 }, hangUp: true },
    ],
  },
];

/** The application's NCCOs by path; `/answer` is the first. */
type Nccos = Readonly<Record<string, (app: App, seen: Seen) => object[]>>;

export interface Calls {
  readonly app: App;
  readonly network: Network;
  /** Rings a number of the crowd; the leg's uuid. */
  dial(number: string, more?: Record<string, unknown>): Promise<string>;
  /** The `notify` of `done` arrived. */
  reached(mark?: string): Promise<Seen>;
  /** The leg's `completed`. */
  over(uuid: string): Promise<Seen>;
  /** What was asked of the application so far, its events apart. */
  paths(): string[];
  /** All a leg's ear was given, once the leg is over; ends the network, which writes it then. */
  heard(uuid: string): Promise<Int16Array>;
}

export interface Otherwise {
  /** What the application replies to paths without an NCCO. */
  readonly otherwise?: (seen: Seen) => Reply | undefined;
  /** Of the network, where they are not those of all tests. */
  readonly settings?: (app: App) => Partial<Settings>;
}

/** Starts an application and a network of its own, which end with the test. */
export async function startCalls(nccos: Nccos, more: Otherwise = {}): Promise<Calls> {
  const people = await peopleFile(crowd, {
    "line.wav": writeWav(line, 16_000),
    "shout.wav": writeWav(shout, 16_000),
    "words.wav": writeWav(await speak("Good evening to you.", "rms"), 16_000),
  });
  onTestFinished(people.remove);
  const app = await startApp((seen, own) => {
    if (seen.path === "/tune.wav") return { type: "audio/wav", body: writeWav(tune, 16_000) };
    const ncco = nccos[seen.path];
    return ncco ? { body: ncco(own, seen) } : more.otherwise?.(seen);
  });
  onTestFinished(app.close);
  const dump = join(people.folder, "dump");
  const network = await startTestNetwork(app, { people: people.path, dump, ...more.settings?.(app) });
  onTestFinished(network.close);
  const over = (uuid: string): Promise<Seen> => app.event("completed", (seen) => seen.body.uuid === uuid);
  return {
    app,
    network,
    over,
    dial: async (number, more) => (await ask(network, "POST", "/v1/calls", callTo(number, app, more))).body.uuid,
    reached: (mark = "done") => app.requests.first((seen) => seen.path === `/${mark}`),
    paths: () => app.requests.all.map((seen) => seen.path).filter((path) => path !== "/event"),
    async heard(uuid) {
      await over(uuid);
      await network.close();
      return readWav(await readFile(join(dump, `${uuid}.heard.wav`))).samples;
    },
  };
}

/** An action whose webhook says that the flow came so far. */
export const done = (app: App, mark = "done"): object => ({ action: "notify", payload: { mark }, eventUrl: [`${app.url}/${mark}`] });
