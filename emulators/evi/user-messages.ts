import { fresh, recalled } from "./agents/decide.ts";
import { type Answering, prosodyFor } from "./answering.ts";
import type { History } from "./history.ts";
import type { Noticed } from "./intake.ts";
import type { Outlet } from "./outlet.ts";
import type { Scores } from "./prosody.ts";
import { type Situation, takeContext } from "./situation.ts";

/** Shorter speech has no scores. */
const SCORED_MS = 400;

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly history: History;
  readonly answering: Answering;
  /** A message is in the history: the moment for timeouts and faults. */
  heard(): void;
}

/** `user_message`: what the caller said or the client wrote for him, told to the client and answered. */
export interface UserMessages {
  /** What is understood while the caller still speaks. */
  interim(heard: Extract<Noticed, { what: "interim" }>): void;
  said(heard: Extract<Noticed, { what: "said" }>): void;
  /** @param atMs where in the caller's sound it belongs */
  written(text: string, atMs: number): void;
  /** The client lets the agent speak again: what was last heard meanwhile is answered. */
  resume(): void;
}

export function openUserMessages({ situation, outlet, history, answering, heard }: Parts): UserMessages {
  /** What was last heard while paused, and the context of it. */
  let unanswered: { readonly text: string; readonly context: string } | null = null;

  return {
    interim({ text, begin, end }) {
      outlet.send({
        type: "user_message",
        message: { role: "user", content: text },
        models: {},
        time: { begin, end },
        interim: true,
        from_text: false,
      });
    },
    said({ text, begin, end, levelDb }) {
      const { prosody } = end - begin < SCORED_MS ? {} : prosodyFor(situation.script.faults, text, levelDb);
      add(text, { begin, end }, { fromText: false, scores: prosody?.scores ?? null });
    },
    written(text, atMs) {
      add(text, { begin: atMs, end: atMs }, { fromText: true, scores: null });
    },
    resume() {
      const last = unanswered;
      unanswered = null;
      if (last !== null) answering.answer(last.text, situation.turns, last.context);
    },
  };

  function add(text: string, time: { begin: number; end: number }, how: { fromText: boolean; scores: Scores | null }): void {
    const { fromText, scores } = how;
    const { group, script } = situation;
    const context = takeContext(situation);
    if (group.memory === fresh) group.memory = recalled(script.agent, fresh, context);
    if (script.faults.withholdsTurn !== situation.turns + 1)
      outlet.send({
        type: "user_message",
        message: { role: "user", content: text },
        models: scores ? { prosody: { scores } } : {},
        time,
        interim: false,
        from_text: fromText,
        ...(!fromText && { language: "en" }),
      });
    situation.turns++;
    situation.texts.push({ speaker: "user", text });
    history.add(situation.chat, {
      role: "USER",
      type: "USER_MESSAGE",
      message_text: text,
      emotion_features: scores ? JSON.stringify(scores) : "",
      metadata: fromText ? "" : JSON.stringify({ segments: [{ time: { begin_ms: time.begin, end_ms: time.end } }] }),
    });
    heard();
    if (situation.ended !== null || situation.script.faults.silent) return;
    if (situation.paused) unanswered = { text, context };
    else answering.answer(text, situation.turns, context);
  }
}
