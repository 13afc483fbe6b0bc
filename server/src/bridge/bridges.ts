import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { patienceOf, toldToEngine } from "../agents/engine-side.ts";
import { engineMissing } from "../agents/engines.ts";
import { catchUp } from "../calls/catch-up.ts";
import { sessionDropped, sessionsOver } from "../calls/engine-sessions.ts";
import { type CallFact, factText, writeFact } from "../calls/facts.ts";
import { endLease } from "../calls/leases.ts";
import { audioStarted, audioStopped, type BridgedCall, engineOpened, loadForBridge, mayPrepare } from "../calls/load.ts";
import { restoreCall } from "../calls/take-over.ts";
import { recordSessionTimes } from "../calls/usage.ts";
import type { Clock } from "../clock.ts";
import { saidSoFar } from "../conversation/said-so-far.ts";
import { openConversation } from "../conversation/write.ts";
import type { EmotionSource } from "../emotion/port.ts";
import type { Engine } from "../engine/port.ts";
import { type CallId, newId } from "../ids.ts";
import { type Journal, openJournals } from "../journal/file.ts";
import type { Prices } from "../prices.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";
import { usedSoFar } from "../tools/used-so-far.ts";
import { backAgain } from "./back-again.ts";
import { openChronicle } from "./chronicle.ts";
import type { CallerMedia } from "./media.ts";
import type { RunningBridge } from "./parts.ts";
import { runBridge } from "./run.ts";
import { startTick } from "./tick.ts";
import { type BridgeFact, timelineOf } from "./timeline.ts";

export interface BridgesParts {
  readonly pool: pg.Pool;
  /** Engines by name. */
  readonly engines: Readonly<Record<string, Engine>>;
  /** Listens to callers whose engine does not measure feelings; absent: nobody does. */
  readonly emotions?: EmotionSource | null;
  /** Folder of the journals. */
  readonly journalDir: string;
  readonly clock: Clock;
  readonly log: { warn(detail: object, text: string): void; error(detail: object, text: string): void };
  /** Name of this process, for calls.owner. */
  readonly owner: string;
  /** The agent wants to end the call and its goodbye has been played. */
  readonly onAgentHangUp: (call: CallId) => void;
  /** What engines charge; absent: nobody knows. */
  readonly prices?: Prices;
  /** Does what an engine asks for in a call; absent: no agent has tools. */
  readonly useTool?: (call: CallId, use: ToolUse, moment: Moment) => Promise<ToolResult>;
  /** The caller has been silent for as long as the agent waits, and its goodbye has been played. */
  readonly onSilence?: (call: CallId) => void;
  /** The caller has waited long for words that do not come. */
  readonly onWait?: (call: CallId, again: boolean) => void;
  /** The engine is lost for good: the caller must not be left in silence. */
  readonly onEngineLost: (call: CallId, detail: { readonly code: string | null; readonly text: string }) => void;
}

export interface Bridges {
  /** Opens the engine while it rings. Returns at once; asking twice changes nothing. */
  prepare(call: CallId): void;
  /** May the call's audio be attached? Not any more when the call is being ended here. */
  mayAttach(call: CallId): boolean;
  /** Is the call's audio connected here, or being let go? */
  hasAudio(call: CallId): boolean;
  /** A connection for the call's audio. It takes the place of one that is there: the carrier opens another only when it has lost that. */
  attach(call: CallId, media: CallerMedia): void;
  /** An operator's word to the agent, or words it is to say; false when the call is not carried here, or nobody can be told just now. */
  whisper(call: CallId, how: "context" | "say", text: string): boolean;
  /** The vendor says that this session of the engine is over; false when the call is not carried here. One that was left already is nothing. */
  engineGone(call: CallId, session: string): boolean;
  /** The call is over: everything is closed. Resolves when its journal is complete and its utterances are in the database. */
  end(call: CallId): Promise<void>;
  /** Calls this process holds anything of, and whether their audio is connected here. */
  carried(): ReadonlyMap<CallId, boolean>;
  /** Closes the audio of a call that goes on: the carrier asks any living process what to do. Resolves when what was said is in the database. */
  handOver(call: CallId): Promise<void>;
  /** Ends every bridge of this process; the calls themselves are not ended. */
  close(): Promise<void>;
  metrics(): BridgeMetrics;
}

export interface BridgeMetrics {
  readonly calls: number;
  readonly talking: number;
  /** Times a carrier ran dry in the middle of a sentence. */
  readonly underruns: number;
  /** Worst lateness of the pacing since asked last, ms. */
  readonly worstTickLateMs: number;
  readonly utterancesWaiting: number;
  readonly journalWaitingBytes: number;
}

/** So long is a database waited for that is away when the process ends. */
const LET_GO_WITHIN_MS = 3_000;

interface Carried {
  run: RunningBridge | null;
  media: CallerMedia | null;
  ended: boolean;
  /** Was the call's audio ever connected to this bridge? */
  wasOnLine: boolean;
  journal: Journal | null;
  ready: Promise<void>;
  /** The engine's session, once it is ready. */
  session: Parameters<typeof engineOpened>[3] | null;
  /** Begun once: of a call's end several webhooks tell, and each beat until it is gone. */
  leaving: Promise<void> | null;
}

const isConnected = (one: Carried | undefined): boolean => one !== undefined && (one.media !== null || one.run?.attached() === true);

/** All the calls this process carries: one tick, one journal timer, one writer for them all. */
export function createBridges(parts: BridgesParts): Bridges {
  const { pool, clock, log, prices = {} } = parts;
  const tick = startTick(clock, (error) => log.error({ error: String(error) }, "A bridge failed at its tick."));
  const journals = openJournals({
    dir: parts.journalDir,
    clock,
    log,
    leftOut: (call, what) => keepEvent(call, { fact: "journal left out", at: clock.now(), what }),
  });
  const wordsLeft = new Set<CallId>();
  const conversation = openConversation({ pool, log, lost: (call) => void wordsLeft.add(call) });
  const chronicle = openChronicle(log);
  const carried = new Map<CallId, Carried>();
  let underruns = 0;
  let seconds: NodeJS.Timeout | null = null;

  const carry = (call: CallId): Carried => {
    const known = carried.get(call);
    if (known !== undefined) return known;
    const ready = Promise.resolve();
    const one: Carried = { run: null, media: null, ended: false, wasOnLine: false, journal: null, ready, session: null, leaving: null };
    carried.set(call, one);
    one.ready = start(call, one, false).catch(failed(call));
    seconds ??= setInterval(everySecond, 1000);
    return one;
  };

  /** What goes wrong with one call is given up with it; the process and all its other calls live on. */
  const failed =
    (call: CallId) =>
    (error: unknown): void => {
      log.error({ call, error: (error as Error).stack ?? String(error) }, "A bridge failed; its call is given up.");
      parts.onEngineLost(call, { code: "bridge_failed", text: "The bridge of this call failed." });
    };

  /** Loads the call, waiting for a database that is away, and runs its bridge. `anew`: as if it had not been begun before. */
  const start = async (call: CallId, one: Carried, anew: boolean): Promise<void> => {
    // Whether there was audio before must not be read ahead of its being written.
    if (anew) await chronicle.written(call);
    const known = await load(call, one, () => loadForBridge(pool, call));
    if (known !== null && known.status !== "ended" && known.hangupAskedAt === null && (await isOurs(call, one)))
      await begin(call, one, anew ? { ...known, engineResume: null } : known);
    else {
      // Over before it began, or prepared elsewhere: nothing is carried, and nobody will come to end it, nor the lease its audio took with the token.
      const held = one.media !== null || one.journal !== null;
      one.media?.close();
      one.media = null;
      await one.journal?.close();
      if (carried.get(call) === one) carried.delete(call);
      if (held && !one.ended) void chronicle.after(call, () => endLease(pool, call, parts.owner));
    }
  };
  /** Its audio is here, or no other process opens an engine for it. */
  const isOurs = async (call: CallId, one: Carried): Promise<boolean> =>
    one.media !== null || (await load(call, one, () => mayPrepare(pool, call, parts.owner))) === true || one.media !== null;
  const load = <T>(call: CallId, one: Carried, deed: () => Promise<T>): Promise<T | null> => chronicle.load(call, deed, () => !one.ended);

  /** Into the journal and the database. */
  const keep = (call: CallId, one: Carried, fact: CallFact): void => {
    one.journal?.put("fact", clock.monotonicMs(), factText(parts.owner, fact));
    chronicle.keep(call, () => writeFact(pool, call, parts.owner, prices, fact));
  };
  /** For what is learned when the journal is closed. */
  const keepEvent = (call: CallId, fact: BridgeFact): void =>
    chronicle.keep(call, () => writeFact(pool, call, parts.owner, prices, { fact: "event", key: newId(), ...timelineOf(fact) }));
  const note = (call: CallId, one: Carried, engine: string, fact: BridgeFact): void => {
    const { at } = fact;
    if (fact.fact === "engine ready") {
      const { session, resume } = fact;
      one.session = { name: engine, session, resume };
      keep(call, one, { fact: "session ready", engine, session, resume, at });
    }
    if (fact.fact === "engine ended" && one.session?.session != null)
      keep(call, one, { fact: "session ended", engine, session: one.session.session, at });
    if (fact.fact === "audio closed") void chronicle.after(call, () => audioStopped(pool, call, at));
    keep(call, one, { fact: "event", key: newId(), ...timelineOf(fact) });
  };

  const begin = async (call: CallId, one: Carried, known: BridgedCall): Promise<void> => {
    if (one.ended) return;
    const engine = parts.engines[known.engine];
    if (engine === undefined || known.agent === null) {
      const code = known.agent === null ? "no_agent" : "engine_unknown";
      const text = known.agent === null ? "The call has no agent." : engineMissing(known.engine);
      parts.onEngineLost(call, { code, text });
      return;
    }
    const { voice, language, options } = known.agent.settings;
    // What was heard before is not said again: neither by an engine that resumes nor by one that must be told. Where nothing was (another
    // process was lost, or prepared in vain, before the first word), the call begins as if for the first time. What it had not written is in its journal.
    const caughtUp = one.journal === null && (await load(call, one, () => catchUp(parts, call))) === true;
    const history = known.socketStartedAt === null && !caughtUp ? [] : ((await load(call, one, () => saidSoFar(pool, call))) ?? []);
    const before = history.length > 0;
    const toolsBefore = before ? ((await load(call, one, () => usedSoFar(pool, call))) ?? []) : [];
    if (one.ended) return;
    const journal = one.journal ?? journals.open(call);
    one.journal = journal;
    one.run = runBridge({
      call,
      engine,
      emotions: engine.abilities.emotions === "none" ? (parts.emotions ?? null) : null,
      agent: {
        ...toldToEngine(known.agent),
        prompt: known.prompt,
        greeting: before ? null : known.greeting,
        voice,
        language,
        options,
        variables: known.variables,
      },
      resume: before ? known.engineResume : null,
      backAgain: before ? backAgain(language) : null,
      returned: backAgain(language),
      history,
      toolsBefore,
      rate: one.media?.rate ?? rateOf(engine),
      clock,
      tick,
      journal,
      said: (utterance) => conversation.write(utterance),
      fact: (fact) => note(call, one, engine.abilities.name, fact),
      patience: patienceOf(known.agent.settings),
      ...(parts.useTool && {
        useTool: (use: ToolUse, moment: Moment) => (parts.useTool as NonNullable<typeof parts.useTool>)(call, use, moment),
      }),
      used: ({ session, raw }) =>
        keep(call, one, { fact: "usage", key: newId(), engine: engine.abilities.name, session, at: clock.now(), raw }),
      silence: () => parts.onSilence?.(call),
      hangUp: () => parts.onAgentHangUp(call),
      askToWait: (again) => parts.onWait?.(call, again),
      engineLost({ code, text, error }) {
        if (error !== undefined) failed(call)(error);
        else parts.onEngineLost(call, { code, text });
      },
    });
    if (one.media !== null) join(call, one, one.run, one.media);
  };

  const join = (call: CallId, one: Carried, run: RunningBridge, media: CallerMedia): void => {
    one.media = null;
    one.wasOnLine = true;
    const at = clock.now();
    run.attach(media);
    one.journal?.put("fact", clock.monotonicMs(), factText(parts.owner, { fact: "audio started", at }));
    void chronicle.after(call, () => audioStarted(pool, call, parts.owner, at)).then((answeredAt) => run.answered(answeredAt));
    // Another process may have opened an engine for this call too, and have written it down last.
    void chronicle.after(call, async () => {
      if (one.session !== null) await engineOpened(pool, call, parts.owner, one.session);
    });
  };

  const everySecond = (): void => {
    for (const { run } of carried.values()) run?.second();
    if (carried.size > 0 || seconds === null) return;
    clearInterval(seconds);
    seconds = null;
  };

  const finish = async (call: CallId, one: Carried): Promise<void> => {
    one.ended = true;
    await one.ready;
    underruns += one.run?.player.underruns ?? 0;
    // Whatever fails in there: its connections, its journal and its lease do not stay open for it.
    await one.run?.end().catch((error: unknown) => {
      log.error({ call, error: (error as Error).stack ?? String(error) }, "The end of a bridge failed; what is left of it is closed.");
      one.run?.abandon();
    });
    one.media?.close();
    one.media = null;
    await one.journal?.close();
    if (carried.get(call) === one) carried.delete(call);
  };

  const letGo = (call: CallId, one: Carried): Promise<void> => {
    one.leaving ??= leave(call, one);
    return one.leaving;
  };
  /**
   * Everything of the call is closed, and what is known of it is in the database: then its lease may end. What the database could not take in time
   * comes from the journal first.
   */
  const leave = async (call: CallId, one: Carried): Promise<void> => {
    await finish(call, one);
    await Promise.all([conversation.written(call), chronicle.written(call)]);
    let left = wordsLeft.delete(call);
    // Another process may have talked, and this one may talk later: what was opened in vain must not be asked what it remembers of the call.
    const { name, session } = (one.wasOnLine ? null : one.session) ?? { name: "", session: null };
    if (session !== null) void chronicle.after(call, () => sessionDropped(pool, name, session, clock.now()));
    void chronicle.after(call, () => sessionsOver(pool, call, parts.owner, clock.now()));
    void chronicle.after(call, () => recordSessionTimes(pool, call, parts.owner, prices));
    void chronicle.after(call, async () => {
      left = chronicle.leftToJournal(call) || left;
      if (left) await restoreCall(parts, call, parts.owner);
      // Its audio may have come back here meanwhile, with the lease.
      if (!isConnected(carried.get(call))) await endLease(pool, call, parts.owner);
    });
  };

  return {
    prepare: (call) => void carry(call),
    mayAttach: (call) => carried.get(call)?.ended !== true,
    hasAudio(call) {
      const one = carried.get(call);
      return one !== undefined && (one.ended || isConnected(one));
    },
    whisper: (call, how, text) => carried.get(call)?.run?.whisper(how, text) ?? false,
    engineGone(call, session) {
      const one = carried.get(call);
      if (one?.run == null) return false;
      if (one.session?.session === session) one.run.engineGone();
      return true;
    },
    attach(call, media) {
      const one = carry(call);
      if (one.ended) return media.close();
      one.media?.close();
      if (one.run === null) one.media = media;
      else if (one.run.rate === media.rate) join(call, one, one.run, media);
      else {
        // The carrier speaks another rate than was asked of it: the engine is opened anew for that one.
        one.run.abandon();
        const dropped = one.session;
        if (dropped?.session != null) {
          keep(call, one, { fact: "session dropped", engine: dropped.name, session: dropped.session, at: clock.now() });
        }
        one.session = null;
        one.media = media;
        one.run = null;
        one.ready = start(call, one, true).catch(failed(call));
      }
    },
    async end(call) {
      const one = carried.get(call);
      if (one !== undefined) await letGo(call, one);
    },
    carried: () => new Map([...carried].map(([call, one]) => [call, isConnected(one)])),
    async handOver(call) {
      const one = carried.get(call);
      if (one !== undefined) await letGo(call, one);
    },
    async close() {
      const done = Promise.all([...carried].map(([call, one]) => letGo(call, one)));
      const gone = await Promise.race([done.then(() => true), sleep(LET_GO_WITHIN_MS, false, { ref: false })]);
      if (seconds !== null) clearInterval(seconds);
      seconds = null;
      tick.close();
      // What a database that is away has not taken by now is in the journals, whose leases stay open for whoever finishes them.
      const closed = Promise.all([conversation.close(gone ? undefined : 0), chronicle.close(), journals.close()]);
      await Promise.race([closed, sleep(LET_GO_WITHIN_MS, null, { ref: false })]);
    },
    metrics: () => ({
      calls: carried.size,
      talking: [...carried.values()].filter(({ run }) => run?.state() === "talking").length,
      underruns: underruns + [...carried.values()].reduce((sum, { run }) => sum + (run?.player.underruns ?? 0), 0),
      worstTickLateMs: tick.worstLateMs(),
      utterancesWaiting: conversation.waiting(),
      journalWaitingBytes: journals.waitingBytes(),
    }),
  };
}

const carrierRates = new Set([8_000, 16_000, 24_000]);
/** The rate asked of the carrier for this engine: its favourite among those a carrier has. */
const rateOf = (engine: Engine): number => engine.abilities.inRates.find((rate) => carrierRates.has(rate)) ?? 16_000;
