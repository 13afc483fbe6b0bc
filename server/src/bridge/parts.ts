import type { Clock } from "../clock.ts";
import type { Utterance } from "../conversation/utterance.ts";
import type { EmotionSource } from "../emotion/port.ts";
import type { Engine, EngineSession } from "../engine/port.ts";
import type { CallId } from "../ids.ts";
import type { Journal } from "../journal/file.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";
import type { CallerFeelings } from "./caller-feelings.ts";
import type { CallerLine } from "./caller-line.ts";
import type { EngineLine } from "./engine-line.ts";
import type { CallerMedia } from "./media.ts";
import type { Mouth } from "./mouth.ts";
import type { PatienceRules } from "./patience.ts";
import type { Player } from "./player.ts";
import type { SilenceWatch } from "./silence-watch.ts";
import type { Bridge, Heard } from "./states.ts";
import type { Tick } from "./tick.ts";
import type { BridgeFact } from "./timeline.ts";
import type { ToolDesk, UsedBefore } from "./tool-desk.ts";
import type { Transcript } from "./transcript.ts";
import type { Voice } from "./voice.ts";

export interface RunParts {
  readonly call: CallId;
  readonly engine: Engine;
  /** Hears in the sound itself whether the caller speaks; absent: voice.ts. */
  readonly voice?: Pick<Voice, "hears">;
  /** Measures the caller's feelings beside an engine that does not; null: nobody does. */
  readonly emotions?: EmotionSource | null;
  readonly agent: Pick<
    EngineSession,
    "agent" | "manners" | "tools" | "prompt" | "greeting" | "voice" | "language" | "options" | "variables"
  >;
  /** Where an earlier session of this call can be gone on with. */
  readonly resume: string | null;
  /** What was said so far, oldest first: for an engine that cannot resume. */
  readonly history: EngineSession["history"];
  /** Tools that were used before this process carried the call, oldest first. */
  readonly toolsBefore?: readonly UsedBefore[];
  /** Said once both are there, when the call was broken off before; null: nothing. */
  readonly backAgain?: string | null;
  /** Said when they come back after so long that the engine was let go meanwhile, by one that goes on without a word; null: nothing. */
  readonly returned?: string | null;
  /** Hz of the carrier's audio, asked of it and of the engine. */
  readonly rate: number;
  readonly clock: Clock;
  readonly tick: Tick;
  readonly journal: Journal;
  /** An utterance as it is now known; may come several times. */
  readonly said: (utterance: Utterance) => void;
  readonly fact: (fact: BridgeFact) => void;
  /** What the agent does about silence; absent: nothing. */
  readonly patience?: PatienceRules;
  /** Does what the engine asks for; absent: this agent has no tools. */
  readonly useTool?: (use: ToolUse, moment: Moment) => Promise<ToolResult>;
  /** What a session used, as its engine tells it. */
  readonly used?: (usage: { readonly session: string | null; readonly raw: Readonly<Record<string, unknown>> }) => void;
  readonly hangUp: () => void;
  /** The caller has been silent too long, and the goodbye was said. */
  readonly silence?: () => void;
  /** The caller has waited long for words: somebody asks them for a moment. */
  readonly askToWait?: (again: boolean) => void;
  /** The engine is lost for good, or (with `error`) something happened in here that nobody had foreseen. */
  readonly engineLost: (detail: { code: string | null; text: string; error?: unknown }) => void;
}

export interface RunningBridge {
  readonly rate: number;
  readonly player: Player;
  state(): Bridge["state"];
  /** The caller's connection; it takes the place of an earlier one, which is closed. */
  attach(media: CallerMedia): void;
  attached(): boolean;
  /** When the call was answered: until told, the transcript waits for it. */
  answered(at: Date | null): void;
  /** Once a second, for the deadlines. */
  second(): void;
  /** An operator's word to the agent, or words it is to say; false when there is nobody to tell just now. */
  whisper(how: "context" | "say", text: string): boolean;
  /** Its vendor says that the engine's session is over, though the connection to it has not noticed: it counts as lost. */
  engineGone(): void;
  /** The call is over. Resolves when everything is closed: at once, or when the engine has written down the caller's last words. */
  end(): Promise<void>;
  /** Nobody has heard anything of it yet and nobody shall: closed without a word in the transcript. */
  abandon(): void;
}

/** The pieces of one running bridge. Each holds one thing, tells `decide` what it heard, and does what run.ts makes of the decision. */
export interface Pieces {
  readonly parts: RunParts;
  readonly line: CallerLine;
  readonly engine: EngineLine;
  readonly mouth: Mouth;
  readonly desk: ToolDesk;
  readonly feelings: CallerFeelings;
  readonly silence: SilenceWatch;
  readonly transcript: Transcript;
  readonly state: () => Bridge["state"];
  /** Monotonic ms. */
  readonly now: () => number;
  /** Does `deed` in the moment `at`: whoever asks for the time meanwhile hears it, as they will when the journal, which has it, is played again. */
  during(at: number, deed: () => void): void;
  readonly note: (fact: WithoutTime<BridgeFact>) => void;
  readonly decide: (heard: Heard) => void;
  /** Tells `decide` of the time, if something is due at `at`. */
  look(at: number): void;
  /** Something happened that nobody had foreseen: it ends this call and no other. */
  giveUp(error: unknown): void;
}

/** What of a bridge's settings bears on what it decides and writes down: with it a journal can be played again (replay-run.ts). No words of anybody's. */
export interface Settings {
  /** Does its engine remember a conversation itself? */
  readonly resumes: boolean;
  readonly hangsUp: boolean;
  readonly language: string;
  readonly greets: boolean;
  /** Was anything said before this bridge? */
  readonly history: boolean;
  readonly backAgain: boolean;
  readonly returned: boolean;
  readonly tools: boolean;
  readonly patience: { readonly nudge: readonly [afterMs: number, times: number] | null; readonly goodbye: number | null } | null;
}

export function settingsOf({ engine, agent, history, backAgain, returned, patience, useTool }: RunParts): Settings {
  const { nudge = null, goodbye = null } = patience ?? {};
  return {
    resumes: engine.abilities.resume,
    hangsUp: agent.manners.hangsUp,
    language: agent.language,
    greets: agent.greeting !== null,
    history: history.length > 0,
    backAgain: backAgain != null,
    returned: returned != null,
    tools: useTool !== undefined,
    patience: patience === undefined ? null : { nudge: nudge && [nudge.afterMs, nudge.times], goodbye: goodbye?.afterMs ?? null },
  };
}

export type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;

/** `deed`, whose mistakes end this call: without it, one wrong sentence would end the process and every call with it. */
export function safely<A = void>(pieces: Pieces, deed: (what: A) => void): (what: A) => void {
  return (what) => {
    try {
      deed(what);
    } catch (error) {
      pieces.giveUp(error);
    }
  };
}
