import { type Engine, type EngineConnection, type EngineEvent, plainManners } from "../engine/port.ts";
import type { CallId } from "../ids.ts";
import type { Kind } from "../journal/record.ts";
import type { ToolResult } from "../tools/result.ts";
import type { CallerMedia, MediaListener } from "./media.ts";
import type { RunningBridge, Settings } from "./parts.ts";
import type { PatienceRules } from "./patience.ts";
import { runBridge } from "./run.ts";
import type { Action, Bridge, Heard } from "./states.ts";
import type { Tick } from "./tick.ts";
import { Voice } from "./voice.ts";

/** What today's bridge made of the same inputs, where that is something else. */
export interface Otherwise {
  readonly atMs: number;
  readonly heard: string;
  readonly recorded: string;
  readonly replayed: string;
}

interface Utterance {
  readonly ref: string;
  readonly text: string;
  readonly cut: boolean;
  readonly heardMs: number | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The wall clock when it was written down: it may have been set since the journal began, whose own times go on. */
  readonly toldAtMs?: number;
}

interface Decided {
  readonly heard?: Heard;
  readonly gaveUp?: string;
  readonly state: Bridge["state"];
  readonly actions: readonly Action[];
}

/** Records of what a bridge made of what it heard. */
const cameOfIt: ReadonlySet<Kind> = new Set(["decided", "speech", "utterance", "carrierTold", "playedFrame"]);
/** Wall clocks are written in whole milliseconds, and a sentence is taken to sound from the tick that sent its first frame. */
const NEAR_MS = 5;
/** A call in which everything is otherwise needs no more to be noticed. */
const MOST_TOLD = 20;

/**
 * The whole bridge of one call once more, from its journal: the real run with its player, transcript, patience and audio clock, between a caller's
 * line, an engine, a clock and a tick that do what was recorded. What it writes into a journal of its own is compared with what was written then:
 * decisions in their order, `clear` to the carrier, and what became known of every utterance in the end (words, times, cut, how much was heard).
 *
 * States: running, ended (its bridge was told to end), blind (something of the recording is missing, or the bridge itself failed then: nothing is
 * compared any more). Give it every record of its bridge in order, then `finish`.
 */
export class RunReplay {
  readonly otherwise: Otherwise[] = [];
  /** Utterances and clears that were compared. */
  utterances = 0;
  clears = 0;
  private time: number;
  private readonly run: RunningBridge;
  private readonly members = new Set<(nowMs: number) => void>();
  private engine: ((event: EngineEvent) => void) | null = null;
  private line: MediaListener | null = null;
  private readonly tools = new Map<string, (result: ToolResult) => void>();
  private readonly voice = new Voice();
  private kept = true;
  /** The last frame, whose voice, where sound was not kept, stands in the record after it. */
  private frame: { readonly pcm: Uint8Array; readonly atMs: number } | null = null;
  private voiceSaid: boolean | null = null;
  private readonly decided: string[] = [];
  private cleared = 0;
  private sent = 0;
  private recordedSent = 0;
  private readonly made = new Map<string, { readonly is: Utterance; readonly at: number }>();
  private readonly recorded = new Map<string, Utterance>();
  private ending: Promise<void> | null = null;
  /** Its recording is whole, to the end. */
  private closed = false;
  private blind = false;
  private records = 0;
  /** The last record of something that was heard: what came of it follows in several more. */
  private lastInput = 0;

  constructor(atMs: number, resume: string | null, rate: number, settings: Settings) {
    this.time = atMs;
    this.run = runBridge({
      call: "replayed" as CallId,
      engine: this.engineOf(settings),
      agent: {
        agent: null,
        manners: { ...plainManners, hangsUp: settings.hangsUp },
        tools: [],
        prompt: "",
        greeting: settings.greets ? "-" : null,
        voice: null,
        language: settings.language,
        options: {},
        variables: {},
      },
      resume,
      history: settings.history ? [{ speaker: "agent", text: "-" }] : [],
      backAgain: settings.backAgain ? "-" : null,
      returned: settings.returned ? "-" : null,
      rate,
      clock: { now: () => new Date(this.time), monotonicMs: () => this.time },
      tick: this.tick(),
      journal: { put: (kind, at, payload) => this.wrote(kind, at, payload), close: async () => {} },
      voice: { hears: (pcm) => (this.kept ? this.voice.hears(pcm) : this.voiceSaid) },
      said() {},
      fact() {},
      ...(settings.patience !== null && { patience: patienceOf(settings.patience) }),
      ...(settings.tools && {
        useTool: ({ id }, { signal }) =>
          new Promise<ToolResult>((resolve) => {
            this.tools.set(id, resolve);
            signal.addEventListener("abort", () => resolve({ ok: false, text: "-" }), { once: true });
          }),
      }),
      hangUp() {},
      engineLost: ({ error }) => {
        if (error !== undefined) this.tell("the bridge fails", "it did not fail", String(error));
      },
    });
  }

  /** The next record of this bridge. */
  async hear(kind: Kind, atMs: number, payload: Buffer): Promise<void> {
    this.records++;
    if (!cameOfIt.has(kind)) this.lastInput = this.records;
    const decided = kind === "decided" ? (JSON.parse(payload.toString()) as Decided) : null;
    if (this.frame !== null) {
      this.voiceSaid = decided?.heard?.what === "voice" ? decided.heard.on : null;
      this.at(this.frame.atMs);
      const { pcm } = this.frame;
      this.frame = null;
      this.line?.frame(pcm);
    }
    if (this.blind) return;
    switch (kind) {
      case "callerFrame":
        this.frame = { pcm: new Uint8Array(payload), atMs };
        return;
      case "engineAudio": {
        this.at(atMs);
        const { utterance, samples } = JSON.parse(payload.toString()) as { utterance: string; samples: number };
        this.engine?.({ what: "agent audio", utterance, pcm: new Int16Array(samples) });
        return;
      }
      case "heard":
        this.at(atMs);
        await this.told(JSON.parse(payload.toString()) as Told);
        return;
      case "carrierHeard": {
        this.at(atMs);
        const { event, digit, duration } = JSON.parse(payload.toString()) as { event: string; digit?: string; duration?: number | null };
        if (event === "dtmf" && digit !== undefined) this.line?.digit(digit, duration ?? null);
        return;
      }
      case "media":
        this.media(atMs, JSON.parse(payload.toString()) as { on: boolean; rate?: number; kept?: false; fed?: number });
        return;
      case "playedFrame":
        this.recordedSent += payload.length;
        if (this.sent < this.recordedSent) this.visit(atMs);
        return;
      case "speech":
        if (payload.includes("drop")) this.sent = this.recordedSent = 0;
        return;
      case "carrierTold":
        if (!payload.includes('"clear"')) return;
        this.clears++;
        if (--this.cleared < 0) this.tell("the caller cuts in", "the carrier was told to clear", "it is not", atMs);
        return;
      case "utterance": {
        const utterance = onClock(JSON.parse(payload.toString()) as Utterance, atMs);
        this.recorded.set(utterance.ref, utterance);
        return;
      }
      case "decided":
        this.compare(decided as Decided, atMs);
        return;
      case "gap":
        this.blind = true;
        return;
      case "closed":
        this.at(atMs);
        this.ending ??= this.run.end();
        this.closed = true;
        await settled(this.ending);
        return;
      default:
        return;
    }
  }

  /** Nothing more of this bridge is recorded. `abandoned`: it was left for another. */
  async finish(abandoned = false): Promise<void> {
    if (abandoned) this.run.abandon();
    else await settled(this.ending ?? this.run.end());
    if (this.blind) return;
    for (const [ref, then] of this.recorded) {
      this.utterances++;
      const now = this.made.get(ref);
      // Of a process that died the last input may be in the file, and what came of it in part or not any more.
      if (now !== undefined && (same(then, now.is) || (!this.closed && now.at >= this.lastInput))) continue;
      this.tell(`utterance ${ref}`, inWords(then), now === undefined ? "nothing" : inWords(now.is), then.startedAtMs);
    }
    if (!this.closed) return;
    for (const [ref, { is }] of this.made)
      if (!this.recorded.has(ref)) this.tell(`utterance ${ref}`, "nothing", inWords(is), is.startedAtMs);
    for (const one of this.decided) this.tell("a decision more", "nothing", one);
    if (this.cleared > 0) this.tell("the caller cuts in", "the carrier was not told to clear", `it is, ${this.cleared} times`);
  }

  // ------------------------------------------------------------------------------------------------------------ what was heard

  /** The time of a record. While nothing waits to be sent, the ticks since the last one change nothing but that what was played is known to be. */
  private at(atMs: number): void {
    this.time = atMs;
    const { player } = this.run;
    if (player.active && player.unplayedMs(atMs) - player.leadMs(atMs) < 0.001) this.visit(atMs);
  }

  private visit(atMs: number): void {
    this.time = atMs;
    // Apart, the tick only feeds the engine silence: how much is recorded when the caller is back.
    if (this.run.state() !== "apart") for (const member of [...this.members]) member(atMs);
  }

  private async told(told: Told): Promise<void> {
    if (told.engine !== undefined) this.engine?.(told.engine);
    if (told.second === true) this.run.second();
    if (told.whisper !== undefined) this.run.whisper(told.whisper, "-");
    if (told.tool === undefined) return;
    this.tools.get(told.tool)?.({ ok: true, text: "-" });
    await new Promise((resolve) => setImmediate(resolve));
  }

  private media(
    atMs: number,
    { on, rate = this.run.rate, kept, fed = 0 }: { on: boolean; rate?: number; kept?: false; fed?: number },
  ): void {
    this.at(atMs);
    this.sent = this.recordedSent = 0;
    if (!on) {
      this.line?.closed();
      this.line = null;
      return;
    }
    this.kept = kept !== false;
    for (let samples = 0; samples < fed; samples += this.run.rate / 50) for (const member of [...this.members]) member(atMs);
    const media: CallerMedia = {
      rate,
      keepsSound: this.kept,
      play() {},
      clear() {},
      mark() {},
      ready: () => true,
      close() {},
      listen: (listener) => {
        this.line = listener;
      },
    };
    this.run.attach(media);
  }

  private engineOf(settings: Settings): Engine {
    const abilities = {
      name: "replayed",
      inRates: [],
      outRates: [],
      turns: true,
      paced: false,
      verbatim: true,
      interim: true,
      emotions: "none",
      wantsPlayed: true,
      resume: settings.resumes,
      maxMs: null,
    } as const;
    const connection: EngineConnection = {
      abilities,
      audio() {},
      say() {},
      context() {},
      toolResult() {},
      played() {},
      playing() {},
      close() {},
    };
    return {
      abilities,
      manner: { mostPromptChars: null, always: [], notes: () => [], refuses: () => [] },
      open: (_session, listener) => {
        this.engine = listener;
        return { ...connection };
      },
    };
  }

  private tick(): Tick {
    return {
      join: (member) => {
        this.members.add(member);
        return () => this.members.delete(member);
      },
      worstLateMs: () => 0,
      close() {},
    };
  }

  // ------------------------------------------------------------------------------------------------------------ what came of it

  private wrote(kind: Kind, _at: number, payload: Uint8Array | string): void {
    if (kind === "playedFrame") this.sent += payload.length;
    if (kind === "carrierTold") this.cleared++;
    if (kind === "utterance") {
      const is = onClock(JSON.parse(String(payload)) as Utterance, this.time);
      this.made.set(is.ref, { is, at: this.records });
    }
    if (kind !== "decided") return;
    const decided = JSON.parse(String(payload)) as Decided;
    if (decided.heard !== undefined) this.decided.push(madeOf(decided));
  }

  private compare(then: Decided, atMs: number): void {
    if (then.gaveUp !== undefined) this.blind = true;
    if (then.heard === undefined) return;
    if (then.heard.what === "end") {
      this.at(atMs);
      this.ending = this.run.end();
    }
    // What no record tells of is the tick, whose visits are only known by what came of them.
    if (this.decided.length === 0) this.visit(atMs);
    const [recorded, replayed] = [madeOf(then), this.decided.shift() ?? "nothing"];
    if (recorded !== replayed) this.tell(JSON.stringify(then.heard), recorded, replayed, atMs);
  }

  private tell(heard: string, recorded: string, replayed: string, atMs = this.time): void {
    if (this.otherwise.length < MOST_TOLD) this.otherwise.push({ atMs, heard, recorded, replayed });
  }
}

interface Told {
  readonly engine?: EngineEvent;
  readonly second?: true;
  readonly tool?: string;
  readonly whisper?: "say" | "context";
}

/** Its times on the journal's clock, when it was written down at `atMs` of it. */
const onClock = ({ startedAtMs, endedAtMs, toldAtMs, ...rest }: Utterance, atMs: number): Utterance => ({
  ...rest,
  startedAtMs: startedAtMs - (toldAtMs ?? atMs) + atMs,
  endedAtMs: endedAtMs - (toldAtMs ?? atMs) + atMs,
});

const madeOf = ({ heard, state, actions }: Decided): string =>
  [heard?.what, state, ...actions.map((action) => (action.do === "note silence" ? action.do : JSON.stringify(action)))].join(", ");

const near = (a: number | null, b: number | null): boolean => (a === null || b === null ? a === b : Math.abs(a - b) <= NEAR_MS);
const same = (a: Utterance, b: Utterance): boolean =>
  a.text === b.text &&
  a.cut === b.cut &&
  near(a.heardMs, b.heardMs) &&
  near(a.startedAtMs, b.startedAtMs) &&
  near(a.endedAtMs, b.endedAtMs);

const inWords = ({ text, cut, heardMs, startedAtMs, endedAtMs }: Utterance): string =>
  `"${text}" ${new Date(startedAtMs).toISOString()}, ${Math.round(endedAtMs - startedAtMs)} ms, heard ${heardMs === null ? "?" : Math.round(heardMs)} ms${cut ? ", cut" : ""}`;

const patienceOf = ({ nudge, goodbye }: NonNullable<Settings["patience"]>): PatienceRules => ({
  nudge: nudge && { afterMs: nudge[0], times: nudge[1], text: "-" },
  goodbye: goodbye === null ? null : { afterMs: goodbye, text: "-" },
});

/** Waits for what needs nothing but a few turns of the loop. A bridge that still listens when its recording stops would wait for ever. */
async function settled(deed: Promise<void>): Promise<void> {
  let done = false;
  void deed.then(() => {
    done = true;
  });
  for (let turn = 0; turn < 10 && !done; turn++) await new Promise((resolve) => setImmediate(resolve));
}
