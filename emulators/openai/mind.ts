import { decide, fill, fresh, type Plan, variablesOfPrompt } from "../evi/agents/decide.ts";
import type { Item } from "./items.ts";
import { type Situation, toolNames } from "./situation.ts";
import { newId } from "./wire.ts";

/** What a response is to say, and the tools it is to call behind that. */
export interface Saying {
  readonly say: readonly string[];
  readonly call: readonly { readonly name: string; readonly id: string; readonly arguments: string }[];
}

/** What the agent means to say next: about the caller's last turn, or about the answer of a tool it called. */
export interface Mind {
  /** The caller said this. */
  heard(text: string): void;
  /** The client put an item into the conversation: lines of an earlier session are remembered without being answered. */
  told(item: Item): void;
  /**
   * What is to be said now, once: instructions that quote words are obeyed to the letter; otherwise a tool's answer, the caller's turn, or
   * something of one's own.
   */
  next(instructions: string | undefined): Saying;
  /** The caller's last turn will not be answered. */
  letGo(): void;
  /** A response did not come to its end: a call that it was still to make is not made. */
  cut(made: readonly Item[]): void;
}

export function openMind(situation: Situation): Mind {
  let memory = fresh;
  let unanswered: Plan | null = null;
  /** A tool was called; what to say once its answer is there. */
  let called: { readonly id: string; readonly call: NonNullable<Plan["call"]>; answer: string | null } | null = null;

  const mind: Mind = {
    heard(text) {
      const variables = { ...variablesOfPrompt(situation.session.instructions), context: context(situation) };
      [memory, unanswered] = decide(situation.script.agent, memory, text, { variables, tools: toolNames(situation) });
    },
    told(item) {
      if (item.role === "user") {
        situation.turns++;
        situation.replayed = true;
        mind.heard(item.text);
      } else if (item.role === "assistant") {
        unanswered = null;
        situation.hasSpoken ||= item.audioMs > 0;
      } else if (item.output && called?.id === item.output.call_id) called.answer = item.output.output;
    },
    next(instructions) {
      const exact = /\bexactly\b[^:]*:\s*["“]?(.+?)["”]?\s*$/is.exec(instructions ?? "")?.[1];
      if (exact !== undefined) return { say: exact.split(/(?<=[.?!])\s+/), call: [] };
      if (called && called.answer !== null) {
        const { call, answer } = called;
        called = null;
        return { say: aboutAnswer(call, answer), call: [] };
      }
      if (unanswered) {
        const { say, call, hangUp } = unanswered;
        unanswered = null;
        const wanted = call ?? (hangUp ? hangUpTool(situation) : null);
        if (!wanted) return { say, call: [] };
        const id = newId("call");
        called = { id, call: wanted, answer: null };
        return { say, call: [{ name: wanted.tool, id, arguments: JSON.stringify(wanted.parameters) }] };
      }
      const { agent } = situation.script;
      const variables = variablesOfPrompt(situation.session.instructions);
      return { say: [fill(situation.turns === 0 && !situation.hasSpoken ? agent.greeting : agent.nudge, variables)], call: [] };
    },
    letGo() {
      unanswered = null;
    },
    cut(made) {
      if (called?.answer === null && !made.some((item) => item.call?.call_id === called?.id)) called = null;
    },
  };
  return mind;
}

/** What the client told beside the conversation: all of it stays in it. */
function context({ conversation }: Situation): string {
  return conversation.items.flatMap(({ role, text }) => (role === "system" ? [text] : [])).join(" ");
}

function hangUpTool(situation: Situation): Plan["call"] {
  const tool = toolNames(situation).find((name) => /^(hang_?up|end_?call)$/i.test(name));
  return tool === undefined ? null : { tool, parameters: {}, answered: [], failed: [] };
}

function aboutAnswer(call: NonNullable<Plan["call"]>, output: string): string[] {
  const error = errorIn(output);
  const sentences = error === null ? call.answered : call.failed;
  return sentences.map((text) => text.replace(/\{\{\s*result\s*\}\}/g, error ?? output).trim()).filter((text) => text !== "");
}

/** The text of a tool's answer that says it failed: `{"error":"…"}`. */
function errorIn(output: string): string | null {
  try {
    const json: unknown = JSON.parse(output);
    return typeof json === "object" && json !== null && "error" in json ? String(json.error) : null;
  } catch {
    return null;
  }
}
