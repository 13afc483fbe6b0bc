import type { SessionDump } from "./dump.ts";
import { type Item, shown } from "./items.ts";
import type { Situation } from "./situation.ts";
import { newId, type Problem } from "./wire.ts";
import { malformedFrame } from "./wrong.ts";

/** The socket, as the session needs it. */
export interface Line {
  send(frame: string | Buffer, binary?: boolean): void;
  /** 1006 cuts the connection without a close frame. */
  close(code: number, reason: string): void;
  freeze(): void;
}

/** What leaves a session: every event to the client, spelled as the server it stands for spells it. Nothing leaves once it has ended. */
export interface Outlet {
  send(type: string, fields: Record<string, unknown>): void;
  /** An item was added to the conversation, or is done. */
  item(item: Item, moment: "added" | "done"): void;
  /** A piece of an answer's sound, with the place it belongs to. */
  sound(where: Record<string, unknown>, base64: string): void;
  /** @param eventId of the client's event that was wrong, when it has one */
  problem(problem: Problem, eventId: string | null): void;
  /** What nobody can understand, before an answer. */
  noise(nowMs: number): void;
}

export function openOutlet(situation: Situation, line: Line, dump: SessionDump): Outlet {
  const outlet: Outlet = {
    send(type, fields) {
      if (situation.ended !== null) return;
      const frame = JSON.stringify({
        type: situation.script.faults.betaNames ? betaName(type) : type,
        event_id: newId("event"),
        ...fields,
      });
      line.send(frame);
      dump.message("out", frame);
    },
    item(item, moment) {
      const { betaNames, fewerEvents } = situation.script.faults;
      const older = betaNames || fewerEvents;
      if (older && moment === "done") return;
      outlet.send(older ? "conversation.item.created" : `conversation.item.${moment}`, {
        previous_item_id: situation.conversation.before(item.id),
        item: shown(item),
      });
    },
    sound(where, base64) {
      if (situation.ended !== null) return;
      const type = situation.script.faults.betaNames ? "response.audio.delta" : "response.output_audio.delta";
      line.send(`${JSON.stringify({ type, event_id: newId("event"), ...where }).slice(0, -1)},"delta":"${base64}"}`);
      dump.said(String(where.item_id), Buffer.from(base64, "base64"));
    },
    problem(problem, eventId) {
      outlet.send("error", { error: { ...problem, event_id: eventId } });
    },
    noise(nowMs) {
      const { ownEvents, flat, unknownTypes, malformed } = situation.script.faults;
      if (ownEvents && flat) outlet.send("ping", { timestamp: Math.round(nowMs) });
      else if (ownEvents) outlet.send("localai.pipeline.timing", { stt_ms: 41, llm_ms: 212, tts_ms: 88 });
      for (let i = 0; i < (unknownTypes ?? 0); i++) outlet.send(`future.event_${i % 40}`, { detail: "nobody knows", at: i });
      for (let i = 0; i < (malformed ?? 0); i++) {
        const { frame, binary } = malformedFrame(i);
        line.send(frame, binary);
      }
    },
  };
  return outlet;
}

const betaNames: readonly (readonly [RegExp, string])[] = [
  [/^response\.output_audio_transcript\./, "response.audio_transcript."],
  [/^response\.output_audio\./, "response.audio."],
  [/^response\.output_text\./, "response.text."],
];
const betaName = (type: string): string => betaNames.reduce((name, [pattern, older]) => name.replace(pattern, older), type);
