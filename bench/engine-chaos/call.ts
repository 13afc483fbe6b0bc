import type { CallerMedia, MediaListener } from "../../server/src/bridge/media.ts";
import { runBridge } from "../../server/src/bridge/run.ts";
import type { Tick } from "../../server/src/bridge/tick.ts";
import type { BridgeFact } from "../../server/src/bridge/timeline.ts";
import { systemClock } from "../../server/src/clock.ts";
import type { Utterance } from "../../server/src/conversation/utterance.ts";
import type { Engine } from "../../server/src/engine/port.ts";
import { plainManners } from "../../server/src/engine/port.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import { babble } from "../../server/test/carrier-socket.ts";
import type { Link } from "./link.ts";
import type { Blow, Planned } from "./plan.ts";
import { type Heard, longestSilence } from "./silence.ts";

export const GREETING = "Hello, this is the appointment desk.";

/** The caller takes their turn after so much quiet, and speaks again when nothing comes for so long. */
const TURN_AFTER_MS = 1_200;
const AGAIN_AFTER_MS = 9_000;
const SPEAKS_MS = 1_100;
/** From the carrier being asked to say something until it is heard, as the emulated one and Vonage do (vonage-voice, 0.2 to 0.5 s). */
const CARRIER_MS = 500;
const WORD_MS = 1_000;
const LONGEST_MS = 60_000;

/** A session that took the place of a lost one. */
export interface Gap {
  readonly blow: Blow;
  /** Since our side knew of the loss, ms. */
  readonly fromLossMs: number;
  /** Since the blow itself, ms: with a frozen link it takes a while until anybody knows. */
  readonly fromBlowMs: number;
  /** Of that the time in which somebody was on the line and the agent's words already sent had all been heard, ms. */
  readonly missedMs: number;
}

/** What became of a call. */
export interface Outcome {
  readonly planned: Planned;
  /** Blows that met a call that was not over. */
  readonly met: readonly Blow[];
  readonly end: "talked" | "apologised" | "stuck";
  readonly code: string | null;
  readonly greetings: number;
  readonly turns: number;
  readonly gaps: readonly Gap[];
  /** The longest time nobody was heard: neither caller, nor agent, nor the carrier's words. And since when, ms of the call. */
  readonly deadAirMs: number;
  readonly deadAirAt: number;
  readonly facts: readonly { readonly ms: number; readonly fact: BridgeFact["fact"] }[];
}

/** One call through the real bridge and the real adapter: a caller who listens, and speaks when it is their turn, `most` times. */
export async function runCall(planned: Planned, engine: Engine, link: Link, tick: Tick, rate: number, most = 4): Promise<Outcome> {
  const start = performance.now();
  const now = (): number => performance.now() - start;
  const utterances = new Map<string, Utterance>();
  const facts: { ms: number; fact: BridgeFact["fact"] }[] = [];
  const gaps: Gap[] = [];
  /** The blow the session of the moment has got, and how far the agent's words reached then. */
  let struck: { readonly blow: Blow; readonly at: number; readonly audibleUntil: number } | null = null;
  let onLineAt = Number.POSITIVE_INFINITY;
  const heard: Heard[] = [];
  const met: Blow[] = [];
  let lost: { code: string | null } | null = null;
  let listener: MediaListener | null = null;
  let audibleUntil = 0;
  let audible = false;
  let saying: { samples: Int16Array; at: number } | null = null;
  let turns = 0;
  let quietSince = 0;
  let over = false;

  const hear = (who: Heard["who"], from: number, to: number): void => {
    heard.push({ who, from, to });
  };
  const media: CallerMedia = {
    rate,
    play(pcm) {
      const frames = pcm.length / (rate / 25);
      const from = Math.max(now(), audibleUntil);
      audibleUntil = from + frames * 20;
      if (isLoud(pcm)) {
        hear("agent", from, audibleUntil);
        audible = true;
      }
    },
    clear() {
      audibleUntil = Math.min(audibleUntil, now());
    },
    mark: () => undefined,
    keepsSound: true,
    ready: () => true,
    close: () => undefined,
    listen: (who) => {
      listener = who;
    },
  };
  const run = runBridge({
    call: newId<CallId>(),
    engine,
    emotions: null,
    agent: {
      agent: null,
      manners: plainManners,
      tools: [],
      prompt: "[emulator: desk]",
      greeting: GREETING,
      voice: null,
      language: "en",
      options: {},
      variables: {},
    },
    resume: null,
    history: [],
    rate,
    clock: systemClock,
    tick,
    journal: { put: () => undefined, close: async () => undefined },
    said: (utterance) => void utterances.set(utterance.ref, utterance),
    fact: (fact) => {
      facts.push({ ms: Math.round(now()), fact: fact.fact });
      if (fact.fact !== "engine resumed" || struck === null) return;
      const { blow, at } = struck;
      const missedFrom = Math.max(at, onLineAt, Math.min(struck.audibleUntil, now()));
      gaps.push({
        blow,
        fromLossMs: fact.gapMs,
        fromBlowMs: Math.round(now() - at),
        missedMs: Math.max(0, Math.round(now() - missedFrom)),
      });
      struck = null;
    },
    hangUp: () => {
      over = true;
    },
    askToWait: () => hear("carrier", now() + CARRIER_MS, now() + CARRIER_MS + WORD_MS),
    engineLost: (detail) => {
      lost ??= detail;
      hear("carrier", now() + CARRIER_MS, now() + CARRIER_MS + WORD_MS);
    },
  });
  const timers = planned.blows.map((blow) =>
    setTimeout(() => {
      if (over || lost !== null) return;
      met.push(blow);
      // A blow between a loss and the session that follows it makes that loss no younger, nor the engine easier to reach.
      struck = struck === null ? { blow, at: now(), audibleUntil } : { ...struck, blow: worse(struck.blow, blow) };
      if (blow.awayMs > 0) link.away(blow.awayMs);
      if (blow.what === "dropped") link.drop();
      else link.freeze();
    }, blow.atMs),
  );

  await new Promise((settle) => setTimeout(settle, planned.ringsMs));
  onLineAt = now();
  quietSince = onLineAt;
  run.attach(media);
  run.answered(systemClock.now());
  let sent = 0;
  await new Promise<void>((settle) => {
    const timer = setInterval(() => {
      for (const due = Math.floor((now() - onLineAt) / 20); sent < due; sent++) {
        const pcm = new Int16Array(rate / 50);
        if (saying !== null) {
          pcm.set(saying.samples.subarray(saying.at, saying.at + pcm.length));
          saying.at += pcm.length;
          hear("caller", now() - 20, now());
          if (saying.at >= saying.samples.length) {
            saying = null;
            audible = false;
            quietSince = now();
          }
        }
        listener?.frame(new Uint8Array(pcm.buffer));
        if (sent % 50 === 0) run.second();
      }
      const last = heard.findLast(({ who }) => who !== "caller");
      const quietFor = now() - Math.max(quietSince, last?.to ?? 0);
      const mine = audible ? quietFor > TURN_AFTER_MS : quietFor > AGAIN_AFTER_MS;
      if (saying === null && mine && turns < most) {
        saying = { samples: babble(SPEAKS_MS, rate), at: 0 };
        turns++;
      } else if (saying === null && audible && turns >= most && quietFor > TURN_AFTER_MS) over = true;
      if (!over && lost === null && now() < LONGEST_MS) return;
      clearInterval(timer);
      settle();
    }, 10);
  });
  const endAt = lost === null ? now() : now() + CARRIER_MS;
  for (const timer of timers) clearTimeout(timer);
  await run.end();
  const silence = longestSilence(heard, onLineAt, endAt);
  return {
    planned,
    met,
    end: lost !== null ? "apologised" : over ? "talked" : "stuck",
    code: (lost as { code: string | null } | null)?.code ?? null,
    greetings: [...utterances.values()].filter(({ text }) => text.startsWith(GREETING)).length,
    turns,
    gaps,
    deadAirMs: silence.ms,
    deadAirAt: silence.from,
    facts,
  };
}

/** Of two blows to one session the one that lasts longer; a frozen connection is known later than a dropped one. */
const worse = (one: Blow, next: Blow): Blow => ({
  ...one,
  what: one.what === "frozen" || next.what === "frozen" ? "frozen" : "dropped",
  awayMs: Math.max(one.awayMs, next.awayMs),
});

function isLoud(pcm: Uint8Array): boolean {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  for (let at = 0; at + 1 < pcm.length; at += 16) if (Math.abs(view.getInt16(at, true)) > 300) return true;
  return false;
}
