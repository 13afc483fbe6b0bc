import type { NewEvent } from "../calls/events.ts";
import type { LeftOut } from "../journal/file.ts";
import type { ToolResult } from "../tools/result.ts";

/** Something that happened on the bridge and belongs on the call's timeline. */
export type BridgeFact =
  | { readonly fact: "engine ready"; readonly at: Date; readonly session: string; readonly resume: string | null }
  | { readonly fact: "engine resumed"; readonly at: Date; readonly gapMs: number }
  | { readonly fact: "engine ended"; readonly at: Date; readonly why: string; readonly code: string | null; readonly text: string }
  | { readonly fact: "engine silent"; readonly at: Date; readonly silentMs: number }
  | { readonly fact: "asked to wait"; readonly at: Date }
  | { readonly fact: "engine troubled"; readonly at: Date; readonly code: string; readonly text: string }
  /** More of an utterance came than is kept for the caller. */
  | { readonly fact: "speech left out"; readonly at: Date }
  | { readonly fact: "caller cut in"; readonly at: Date; readonly droppedMs: number }
  | { readonly fact: "key pressed"; readonly at: Date; readonly digit: string }
  | {
      readonly fact: "tool answered";
      readonly at: Date;
      readonly tool: string;
      readonly use: string;
      readonly result: ToolResult;
      readonly tookMs: number;
    }
  /** Words of ours are said to a caller who is silent. */
  | { readonly fact: "caller silent"; readonly at: Date; readonly text: string }
  | { readonly fact: "audio closed"; readonly at: Date }
  /** The disk did not take all of the call's journal. */
  | { readonly fact: "journal left out"; readonly at: Date; readonly what: LeftOut };

/** The row of the timeline that tells it. */
export function timelineOf(fact: BridgeFact): Pick<NewEvent, "at" | "kind" | "actor" | "said" | "detail"> {
  const { at } = fact;
  switch (fact.fact) {
    case "engine ready":
      return { at, kind: "engine.ready", actor: "engine", said: "The engine is ready to talk.", detail: { session: fact.session } };
    case "engine resumed":
      return {
        at,
        kind: "engine.resumed",
        actor: "engine",
        said: `The engine was lost and went on ${fact.gapMs} ms later.`,
        detail: { gap_ms: fact.gapMs },
      };
    case "engine ended":
      return { at, kind: "engine.ended", actor: "engine", said: fact.text, detail: { why: fact.why, code: fact.code } };
    case "engine silent":
      return {
        at,
        kind: "engine.silent",
        actor: "us",
        said: `The engine was connected and said nothing for ${fact.silentMs} ms; another session was opened.`,
        detail: { silent_ms: fact.silentMs },
      };
    case "asked to wait":
      return { at, kind: "engine.slow", actor: "us", said: "The agent let the caller wait; they were asked for a moment." };
    case "engine troubled":
      return { at, kind: "engine.troubled", actor: "engine", said: fact.text, detail: { code: fact.code } };
    case "speech left out":
      return {
        at,
        kind: "agent.left_out",
        actor: "us",
        said: "The engine was more than three minutes of speech ahead of the caller; what came beyond was left out.",
      };
    case "caller cut in":
      return {
        at,
        kind: "caller.cut_in",
        actor: "caller",
        said: `The caller cut in; ${fact.droppedMs} ms of the agent's speech were dropped.`,
        detail: { dropped_ms: fact.droppedMs },
      };
    case "key pressed":
      return { at, kind: "caller.key_pressed", actor: "caller", said: `The caller pressed ${fact.digit}.`, detail: { digit: fact.digit } };
    case "tool answered": {
      const { ok, text, status, outcome } = fact.result;
      const tool = fact.tool.slice(0, 64);
      return {
        at,
        kind: "tool.answered",
        actor: "us",
        said: ok ? `The tool ${tool} answered after ${fact.tookMs} ms.` : `The tool ${tool} did not work.`,
        detail: {
          tool,
          use: fact.use,
          ok,
          result: text,
          took_ms: fact.tookMs,
          ...(status !== undefined && { status }),
          ...(outcome !== undefined && { outcome }),
        },
      };
    }
    case "caller silent":
      return {
        at,
        kind: "caller.silent",
        actor: "caller",
        said: "The caller is silent; the agent asks after them.",
        detail: { text: fact.text },
      };
    case "audio closed":
      return { at, kind: "audio.closed", actor: "carrier", said: "The audio connection was closed." };
    case "journal left out": {
      const { soundBytes, records, endBytes } = fact.what;
      return {
        at,
        kind: "journal.left_out",
        actor: "us",
        said: `The disk was full or too slow for the flight recorder. Left out there, and of our own recording: ${leftOutInWords(fact.what)}.`,
        detail: { bytes: soundBytes + endBytes, records },
      };
    }
  }
}

function leftOutInWords({ soundBytes, records, endBytes }: LeftOut): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    ...(soundBytes > 0 ? [`${megabytes(soundBytes)} of sound`] : []),
    ...(records > 0 ? [`${records} other records`] : []),
    ...(endBytes > 0 ? [`its last ${megabytes(endBytes)}`] : []),
  ].join(", ");
}
