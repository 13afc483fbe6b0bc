import { type Item, newItem } from "./items.ts";
import type { Mind } from "./mind.ts";
import type { Outlet } from "./outlet.ts";
import type { Situation } from "./situation.ts";
import { newId } from "./wire.ts";

/** One thing the caller said. */
export interface CallerTurn {
  /** The id its item has, or will have. */
  readonly item: string;
  /** Empty for sound that was no words. */
  readonly text: string;
  readonly ms: number;
}

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly mind: Mind;
  /** From a turn's end to its text. */
  readonly transcribeMs: number;
  /** A turn was heard: the moment for faults. */
  heard(): void;
}

/** The caller's turns: each becomes an item at once, and its words come on a track of their own. */
export interface CallerTurns {
  add(turn: CallerTurn): void;
  /** The texts that wait for the end of the answer, with the fault that has them late. */
  tellLate(): void;
}

export function openCallerTurns({ situation, outlet, mind, transcribeMs, heard }: Parts): CallerTurns {
  const late: (() => void)[] = [];
  return {
    add(turn) {
      situation.turns++;
      addCallerItem(situation, outlet, turn.item, turn.ms);
      mind.heard(turn.text);
      heard();
      const { faults } = situation.script;
      if (situation.ended !== null || (situation.session.audio.input.transcription === null && !faults.wholeTexts)) return;
      const tell = (): void => tellText(situation, outlet, turn);
      if (faults.transcription === "late") late.push(tell);
      else if (faults.transcription !== "never") situation.timers.set(`text of ${turn.item}`, transcribeMs, tell);
    },
    tellLate() {
      for (const tell of late.splice(0)) situation.timers.set(`late ${newId("event")}`, transcribeMs, tell);
    },
  };
}

/** The caller's audio becomes an item, still without its words. */
export function addCallerItem({ conversation, script }: Situation, outlet: Outlet, id: string, audioMs: number): Item {
  const item = conversation.add(newItem({ id, type: "message", role: "user", status: "completed", audioMs }));
  if (!script.faults.fewerEvents) outlet.send("input_audio_buffer.committed", { item_id: id, previous_item_id: conversation.before(id) });
  outlet.item(item, "added");
  outlet.item(item, "done");
  return item;
}

const NAME = "conversation.item.input_audio_transcription";

/** Writes a turn down: in pieces and then whole, in the way of the server it stands for. */
function tellText({ conversation, script: { faults } }: Situation, outlet: Outlet, { item: id, text, ms }: CallerTurn): void {
  const where = { item_id: id, content_index: 0 };
  if (faults.transcription === "failed") {
    const message = "The audio could not be transcribed.";
    outlet.send(`${NAME}.failed`, { ...where, error: { type: "transcription_error", code: "audio_unintelligible", message, param: null } });
    return;
  }
  const item = conversation.find(id);
  if (item) item.text = text;
  if (faults.wholeTexts) {
    const words = text.split(" ");
    for (let count = 1; count <= words.length; count++)
      outlet.send(`${NAME}.updated`, { ...where, transcript: words.slice(0, count).join(" ") });
    outlet.send(`${NAME}.completed`, { ...where, transcript: words.slice(0, -1).join(" "), status: "in_progress" });
  } else for (const delta of text.match(/\S+\s*/g) ?? []) outlet.send(`${NAME}.delta`, { ...where, delta, obfuscation: "x" });
  outlet.send(`${NAME}.completed`, { ...where, transcript: text, usage: { type: "duration", seconds: Math.round(ms / 100) / 10 } });
}
