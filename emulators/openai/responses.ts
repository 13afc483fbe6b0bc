import type { Clock } from "../evi/clock.ts";
import type { Mind } from "./mind.ts";
import type { Mouth } from "./mouth.ts";
import type { Outlet } from "./outlet.ts";
import type { Pace } from "./pace.ts";
import {
  completed,
  cutByClient,
  cutByVoice,
  type Ending,
  failedWith,
  newResponse,
  outOfTokens,
  pause,
  type Response,
  shownResponse,
  stop,
} from "./response.ts";
import { openResponseItems } from "./response-items.ts";
import type { Situation } from "./situation.ts";
import type { ClientEvent } from "./wire.ts";

/** What a client may want of a response. */
export type Request = NonNullable<Extract<ClientEvent, { type: "response.create" }>["response"]>;

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly mind: Mind;
  readonly clock: Clock;
  readonly mouth: Mouth;
  readonly pace: Pace;
  /** An answer is in the middle of its first sentence: the moment for faults. */
  speaking(): void;
  /** A response is over, or there will be none; before the next begins. */
  over(): void;
  /** Nothing more is to be said. @param spokenMs the sound of the last response */
  idle(spokenMs: number): void;
  /** The emulator itself failed. */
  broken(problem: unknown): void;
}

/**
 * The responses of a session, one at a time. One is active from `response.created` to `response.done`, which always comes. Whoever ends it
 * early (a voice, the client, a limit) goes through `finish` with the reason; what the response still wanted to do finds itself cut.
 */
export interface Responses {
  /** The id of the active one. */
  readonly active: string | null;
  begin(request: Request): void;
  /** Answers the caller's turn, once the response under way is done. */
  answer(): void;
  /** Says words as they are, after what is being said. */
  force(text: string): void;
  /** Ends the active one for the client, or the one it names; false when that one is not active. */
  cancel(id: string | null | undefined): boolean;
  /** A voice ends the active one. */
  cutIn(): void;
  /** Says and does nothing more, without a word. */
  stop(): void;
}

export function openResponses(parts: Parts): Responses {
  const { situation, outlet, mind, clock, mouth, pace } = parts;
  const items = openResponseItems({ situation, outlet, clock, mouth, speed: pace.speed, speaking: parts.speaking });
  let active: Response | null = null;
  let answerNext = false;
  const forced: Request[] = [];
  let failed = 0;
  let cachedTokens = 0;

  return {
    get active() {
      return active?.id ?? null;
    },
    begin,
    answer() {
      if (situation.script.faults.silent) {
        mind.letGo();
        parts.over();
      } else if (active) answerNext = true;
      else begin({});
    },
    force(text) {
      const request = { instructions: `Say exactly: "${text}"` };
      if (active) forced.push(request);
      else begin(request);
    },
    cancel(id) {
      if (!active || (id && id !== active.id)) return false;
      finish(active, cutByClient);
      return true;
    },
    cutIn() {
      if (active) finish(active, cutByVoice);
    },
    stop() {
      if (active) stop(active);
    },
  };

  function begin(request: Request): void {
    situation.timers.stop("idle");
    const mine = newResponse(request.max_output_tokens ?? situation.session.max_output_tokens);
    active = mine;
    outlet.send("response.created", { response: shownResponse(situation, mine, null, cachedTokens).shown });
    perform(mine, request).catch((problem: unknown) => {
      if (situation.ended !== null) return;
      parts.broken(problem);
      finish(mine, failedWith("server_error", "The server had an error while processing your request."));
    });
  }

  async function perform(mine: Response, request: Request): Promise<void> {
    const { say, call } = mind.next(request.instructions);
    const voice = items.voice();
    items.prepare(say, voice);
    await pause(clock, pace.thinkMs + (situation.script.faults.slowMs ?? 0), mine);
    if (mine.over) return;
    const { fails } = situation.script.faults;
    if (fails && situation.turns >= fails.turn && failed < fails.times) {
      failed++;
      finish(mine, failedWith(fails.code, fails.message));
      return;
    }
    outlet.noise(clock.now());
    if (say.length > 0 && (await items.speak(mine, say, voice)) === "out of tokens") finish(mine, outOfTokens);
    if (mine.over) return;
    for (const tool of call) items.call(mine, tool);
    finish(mine, completed);
  }

  /** The response is over, for whatever reason; the one place where `response.done` is said. */
  function finish(mine: Response, ending: Ending): void {
    if (mine.over || situation.ended !== null) return;
    stop(mine);
    const { faults } = situation.script;
    const { status } = ending;
    const cutItem = mine.speaking?.item ?? null;
    items.close(mine, status === "completed" ? "completed" : "incomplete");
    if (status !== "completed") mind.cut(mine.made);
    if (!(status === "cancelled" && faults.cutWithoutDone)) {
      const { shown, inputTokens } = shownResponse(situation, mine, ending, cachedTokens);
      cachedTokens = inputTokens;
      outlet.send("response.done", { response: shown });
    }
    if (!faults.noRateLimits) outlet.send("rate_limits.updated", { rate_limits: rateLimits });
    active = null;
    if (status === "cancelled" && cutItem) items.late(mine, cutItem);
    parts.over();
    const next = forced.shift();
    if (next !== undefined) begin(next);
    else if (answerNext) {
      answerNext = false;
      begin({});
    } else parts.idle(mine.made.reduce((sum, item) => sum + item.audioMs, 0));
  }
}

const rateLimits: readonly Record<string, unknown>[] = [
  { name: "requests", limit: 10_000, remaining: 9_999, reset_seconds: 0.006 },
  { name: "tokens", limit: 4_000_000, remaining: 3_996_000, reset_seconds: 0.06 },
];
