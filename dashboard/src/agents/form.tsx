import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import type { AgentNote, EngineInfo } from "../ask/shapes.ts";
import type { Draft, TextFields, Wrong } from "./draft.ts";

/** What each part of an agent's form is given: the draft, how to change it, and what is said of its fields. */
export type AgentForm = {
  draft: Draft;
  set: (changes: Partial<Draft>) => void;
  /** The value, the change and the fault of a field of text. */
  of: (name: TextFields) => { value: string; onChange: (event: { target: { value: string } }) => void; wrong: string | null };
  wrong: Wrong;
  /** What the server refused at this path of the settings. */
  refusal: (path: string) => string | null;
  /** What a field is for, and what the engine does not do about it. */
  hint: (field: string, words?: string) => ReactNode;
  engine: EngineInfo | undefined;
  engines: readonly EngineInfo[] | undefined;
};

/** The form over a draft. `notes`: what was found when this agent was saved; what holds for every agent of its engine is added. */
export function useAgentForm({
  draft,
  setDraft,
  wrong,
  refused,
  notes,
}: {
  draft: Draft;
  setDraft: (draft: Draft) => void;
  wrong: Wrong;
  refused: Refused | null;
  notes: readonly AgentNote[];
}): AgentForm {
  const known = useQuery(queries.engines());
  const engine = known.data?.find(({ name }) => name === draft.engine);
  const all = [...notes, ...(engine?.notes ?? [])];
  const refusal = (path: string) => refused?.field(path) ?? null;
  return {
    draft,
    set: (changes) => setDraft({ ...draft, ...changes }),
    of: (name) => ({
      value: draft[name],
      onChange: (event) => setDraft({ ...draft, [name]: event.target.value }),
      wrong: wrong[name] ?? refusal(paths[name] ?? name),
    }),
    wrong,
    refusal,
    hint: (field, words) => <Hint words={words} notes={all.filter((note) => isAt(note.field, field))} />,
    engine,
    engines: known.data,
  };
}

/** Where the server looks for a field of the form, where it is not by its own name. */
const paths: Partial<Record<TextFields, string>> = {
  voicemail: "line.voicemail",
  voicemail_message: "line.voicemail_message",
  notice: "line.notice",
  consent: "recording.consent",
  end_of_turn_ms: "patience.end_of_turn_ms",
  nudge_after: "patience.nudge.after_s",
  nudge_text: "patience.nudge.text",
  nudge_times: "patience.nudge.times",
  goodbye_after: "patience.goodbye.after_s",
  goodbye_text: "patience.goodbye.text",
};

const isAt = (place: string, field: string): boolean => place === field || place.startsWith(`${field}.`);

/** What a field is for, and what the engine does not do about it. */
const Hint = ({ words, notes }: { words: string | undefined; notes: readonly AgentNote[] }) => (
  <>
    {words}
    {[...new Set(notes.map(({ message }) => message))].map((message) => (
      <span key={message} className="block text-ink">
        {message}
      </span>
    ))}
  </>
);
