/** An agent's settings as a form holds them, and back. */
import type { AgentSettings, Interruption, LineRules, Patience, RecordingPolicy } from "../ask/shapes.ts";
import { type HoursDraft, hoursDraftOf, hoursOf } from "./hours.ts";
import { firstTools, type ToolsDraft, toolsDraftOf, toolsOf } from "./tools.ts";

/** What an agent may do when a machine answers. */
export const voicemailRules = {
  talk: "talks to it as to a person",
  hang_up: "hangs up",
  leave_message: "leaves a message after the beep",
} as const satisfies Record<LineRules["voicemail"], string>;

/** How easily the caller breaks in. */
export const interruptions = {
  high: "at the first sound",
  medium: "as in a conversation",
  low: "only when it is clear",
  never: "never: it speaks to the end",
} as const satisfies Record<Interruption, string>;

/** With whose consent its calls are recorded. */
export const consents = {
  none: "nobody is told beyond the notice",
  notice: "the caller is told first",
  ask: "the caller is asked, and agrees with the key 1",
} as const satisfies Record<RecordingPolicy["consent"], string>;

/** Every field as text or a mark, as inputs have it. */
type Texts = "name" | "engine" | "prompt" | "greeting" | "language" | "voice" | "max_minutes" | "numbers" | "options" | "transfer_number";
type OfSilence = "end_of_turn_ms" | "nudge_after" | "nudge_text" | "nudge_times" | "goodbye_after" | "goodbye_text" | "interruption";
type OfLine = "voicemail" | "voicemail_message" | "notice" | "consent";
export type TextFields = Texts | OfSilence | OfLine;
export type Draft = Record<TextFields, string> &
  Record<"record" | "notice_recorded" | "nudges" | "says_goodbye", boolean> & {
    /** Null: always. */
    hours: HoursDraft | null;
    tools: ToolsDraft;
    sources: RecordingPolicy["sources"];
  };

const usualRecording = { sources: ["carrier", "journal"], consent: "none" } satisfies RecordingPolicy;

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
  end_of_turn_ms: "",
  interruption: "medium",
  nudges: false,
  nudge_after: "8",
  nudge_text: "Are you still there?",
  nudge_times: "1",
  says_goodbye: false,
  goodbye_after: "30",
  goodbye_text: "I cannot hear you any more. Goodbye.",
  transfer_number: "",
  tools: firstTools,
  sources: usualRecording.sources,
  consent: usualRecording.consent,
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
  end_of_turn_ms: settings.patience.end_of_turn_ms === null ? "" : String(settings.patience.end_of_turn_ms),
  interruption: settings.interruption,
  nudges: settings.patience.nudge !== null,
  nudge_after: String(settings.patience.nudge?.after_s ?? emptyDraft.nudge_after),
  nudge_text: settings.patience.nudge?.text ?? emptyDraft.nudge_text,
  nudge_times: String(settings.patience.nudge?.times ?? emptyDraft.nudge_times),
  says_goodbye: settings.patience.goodbye !== null,
  goodbye_after: String(settings.patience.goodbye?.after_s ?? emptyDraft.goodbye_after),
  goodbye_text: settings.patience.goodbye?.text ?? emptyDraft.goodbye_text,
  transfer_number: settings.transfer_number ?? "",
  tools: toolsDraftOf(settings.tools),
  sources: settings.recording?.sources ?? usualRecording.sources,
  consent: settings.recording?.consent ?? usualRecording.consent,
});

/** What is wrong, by field; of opening hours and tools by theirs: `hours.open`, `http.0.url`. */
export type Wrong = { [field in keyof Draft | `hours.${string}` | `http.${number}.${string}`]?: string };
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
  const patience = patienceOf(draft, wrong);
  const tools = toolsOf(draft.tools);
  if ("wrong" in tools) Object.assign(wrong, tools.wrong);
  if (draft.tools.transfer && draft.transfer_number.trim() === "")
    wrong.transfer_number = "Give the number of the person, with country code.";
  if (draft.record && draft.sources.length === 0) wrong.sources = "Choose at least one, or record nothing.";
  const options = objectIn(draft.options);
  if (options === null) wrong.options = "This is not a JSON object.";
  if (options === null || "wrong" in hours || "wrong" in tools || Object.keys(wrong).length > 0) return { wrong };
  return {
    settings: {
      ...before,
      name: draft.name.trim(),
      engine: draft.engine,
      prompt: draft.prompt,
      greeting: draft.greeting.trim() === "" ? null : draft.greeting.trim(),
      language: draft.language.trim() === "" ? "en" : draft.language.trim(),
      voice: draft.voice.trim() === "" ? null : draft.voice.trim(),
      max_minutes: minutes,
      numbers,
      options,
      record: draft.record,
      ...recordingOf(draft, before),
      ...lineOf(draft, hours.hours, before),
      patience,
      interruption: oneOf(interruptions, draft.interruption, "medium"),
      tools: tools.tools,
      transfer_number: draft.transfer_number.trim() === "" ? null : draft.transfer_number.trim(),
    },
  };
}

const oneOf = <K extends string>(table: Readonly<Record<K, string>>, name: string, otherwise: K): K =>
  name in table ? (name as K) : otherwise;

/** What is done about silence; what is wrong with it is put into `wrong`. */
function patienceOf(draft: Draft, wrong: Wrong): Patience {
  const whole = (
    field: "end_of_turn_ms" | "nudge_after" | "nudge_times" | "goodbye_after",
    least: number,
    most: number,
    unit: string,
  ): number => {
    const n = Number(draft[field].trim());
    if (draft[field].trim() === "" || !Number.isInteger(n) || n < least || n > most) wrong[field] = `${unit}, ${least} to ${most}.`;
    return n;
  };
  const said = (field: "nudge_text" | "goodbye_text"): string => {
    if (draft[field].trim() === "") wrong[field] = "Say what is said.";
    return draft[field].trim();
  };
  const end_of_turn_ms = draft.end_of_turn_ms.trim() === "" ? null : whole("end_of_turn_ms", 100, 5000, "Milliseconds");
  const nudge = draft.nudges
    ? { after_s: whole("nudge_after", 3, 120, "Seconds"), text: said("nudge_text"), times: whole("nudge_times", 1, 5, "Times") }
    : null;
  const goodbye = draft.says_goodbye ? { after_s: whole("goodbye_after", 5, 600, "Seconds"), text: said("goodbye_text") } : null;
  if (nudge && goodbye && goodbye.after_s <= nudge.after_s) wrong.goodbye_after ??= "Later than the question whether they are there.";
  return { end_of_turn_ms, nudge, goodbye };
}

/** Which recordings, and with whose consent; left out where it is as usual and nobody has ever set it. */
function recordingOf({ sources, consent }: Draft, before: AgentSettings | null): { recording?: RecordingPolicy } {
  const recording: RecordingPolicy = { sources, consent: oneOf(consents, consent, "none") };
  const usual = consent === "none" && [...sources].sort().join() === "carrier,journal";
  return usual && before?.recording === undefined ? {} : { recording };
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
