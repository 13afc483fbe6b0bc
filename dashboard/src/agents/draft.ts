/** An agent's settings as a form holds them, and back. */
import type { AgentSettings, LineRules } from "../ask/shapes.ts";
import { type HoursDraft, hoursDraftOf, hoursOf } from "./hours.ts";

export const engines = { evi: "Hume EVI", openai: "OpenAI Realtime" } as const satisfies Record<AgentSettings["engine"], string>;

/** What an agent may do when a machine answers. */
export const voicemailRules = {
  talk: "talks to it as to a person",
  hang_up: "hangs up",
  leave_message: "leaves a message after the beep",
} as const satisfies Record<LineRules["voicemail"], string>;

/** Every field as text or a mark, as inputs have it. */
type Texts = "name" | "engine" | "prompt" | "greeting" | "language" | "voice" | "max_minutes" | "numbers" | "options";
export type Draft = Record<Texts | "voicemail" | "voicemail_message" | "notice", string> &
  Record<"record" | "notice_recorded", boolean> & {
    /** Null: always. */
    hours: HoursDraft | null;
  };

export const emptyDraft: Draft = {
  name: "",
  engine: "evi",
  prompt: "",
  greeting: "",
  language: "en",
  voice: "",
  max_minutes: "30",
  numbers: "",
  options: "{}",
  record: true,
  voicemail: "talk",
  voicemail_message: "",
  notice: "",
  notice_recorded: false,
  hours: null,
};

export const draftOf = (settings: AgentSettings): Draft => ({
  name: settings.name,
  engine: settings.engine,
  prompt: settings.prompt,
  greeting: settings.greeting ?? "",
  language: settings.language,
  voice: settings.voice ?? "",
  max_minutes: String(settings.max_minutes),
  numbers: settings.numbers.join("\n"),
  options: JSON.stringify(settings.options, null, 2),
  record: settings.record,
  voicemail: settings.line?.voicemail ?? "talk",
  voicemail_message: settings.line?.voicemail_message ?? "",
  notice: settings.line?.notice ?? "",
  notice_recorded: settings.line?.notice_recorded ?? false,
  hours: settings.line?.hours ? hoursDraftOf(settings.line.hours) : null,
});

/** What the form does not show, as a new agent has it. */
const unshown = {
  patience: { end_of_turn_ms: null, nudge: null, goodbye: null },
  interruption: "medium",
  tools: [{ kind: "hang_up" }],
  transfer_number: null,
} satisfies Partial<AgentSettings>;

/** What is wrong, by field; of the opening hours by theirs: `hours.open`. */
export type Wrong = { [field in keyof Draft | `hours.${string}`]?: string };
export type Read = { settings: AgentSettings } | { wrong: Wrong };

/**
 * The form as settings, or what stands in the way and where; the server checks the rest. What the form does not show stays as it is in
 * `before` (null for a new agent).
 */
export function settingsOf(draft: Draft, before: AgentSettings | null): Read {
  const wrong: Wrong = {};
  if (draft.name.trim() === "") wrong.name = "An agent needs a name.";
  if (draft.prompt.trim() === "") wrong.prompt = "Say what the agent is to do.";
  const minutes = Number(draft.max_minutes);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 120) wrong.max_minutes = "A whole number of minutes, 1 to 120.";
  const numbers = draft.numbers
    .split(/[\n,;]/)
    .map((number) => number.trim())
    .filter((number) => number !== "");
  const strange = numbers.find((number) => !/^\+[\d\s()./-]{6,}$/.test(number));
  if (strange !== undefined) wrong.numbers = `${strange} is no telephone number with its country code.`;
  if (draft.voicemail === "leave_message" && draft.voicemail_message.trim() === "") wrong.voicemail_message = "Say what is to be left.";
  const hours = draft.hours === null ? { hours: null } : hoursOf(draft.hours);
  if ("wrong" in hours) for (const [field, what] of Object.entries(hours.wrong)) wrong[`hours.${field}`] = what;
  const options = objectIn(draft.options);
  if (options === null) wrong.options = "This is not a JSON object.";
  if (options === null || "wrong" in hours || Object.keys(wrong).length > 0) return { wrong };
  return {
    settings: {
      ...(before ?? unshown),
      name: draft.name.trim(),
      engine: draft.engine === "openai" ? "openai" : "evi",
      prompt: draft.prompt,
      greeting: draft.greeting.trim() === "" ? null : draft.greeting.trim(),
      language: draft.language.trim() === "" ? "en" : draft.language.trim(),
      voice: draft.voice.trim() === "" ? null : draft.voice.trim(),
      max_minutes: minutes,
      numbers,
      options,
      record: draft.record,
      ...lineOf(draft, hours.hours, before),
    },
  };
}

/** The rules of the line; left out where nobody has ever set one. */
function lineOf(draft: Draft, hours: LineRules["hours"], before: AgentSettings | null): { line?: LineRules } {
  const line: LineRules = {
    voicemail: draft.voicemail === "hang_up" || draft.voicemail === "leave_message" ? draft.voicemail : "talk",
    voicemail_message: draft.voicemail_message.trim() === "" ? null : draft.voicemail_message.trim(),
    notice: draft.notice.trim() === "" ? null : draft.notice.trim(),
    notice_recorded: draft.notice_recorded,
    hours,
  };
  const untouched =
    line.voicemail === "talk" && line.voicemail_message === null && line.notice === null && !line.notice_recorded && hours === null;
  return untouched && before?.line === undefined ? {} : { line };
}

function objectIn(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
