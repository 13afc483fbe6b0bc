/** Everything that can go wrong on purpose, as data. Each absent: nothing goes wrong. */
export interface Faults {
  /** The handshake is answered with this HTTP status, or never. */
  readonly handshake?: 400 | 401 | 403 | 404 | 429 | 500 | 503 | "never";
  /** Opens, and then never says anything, not even chat_metadata. */
  readonly mute?: true;
  /** Hears and answers nothing any more from this turn on, pings included: a half-dead connection. */
  readonly freezesAtTurn?: number;
  /** Waits so long before each answer, on top of the usual. */
  readonly slowMs?: number;
  /** Writes down what it hears and never answers. */
  readonly silent?: true;
  /** Neither writes down nor answers. */
  readonly deaf?: true;
  /** The connection ends: `1006` is an abrupt drop without a close frame. */
  readonly closes?: { readonly code: number; readonly turn: number; readonly at: Moment };
  /** An `error` message; `ends` closes with 1000 afterwards. */
  readonly error?: {
    readonly code: string;
    readonly slug: string;
    readonly message: string;
    readonly turn: number;
    readonly ends: boolean;
  };
  /** So many messages of types nobody knows before each answer. */
  readonly unknownTypes?: number;
  /** So many frames that are not JSON, not text, or lack what they must have, before each answer. */
  readonly malformed?: number;
  /** The chunks of a sentence come in another order; the indices are right. */
  readonly shuffled?: true;
  /** What the WAV headers say: sizes of 0, of all ones, far too large; or a longer header than 44 bytes. */
  readonly wav?: "zero" | "ones" | "huge" | "long header" | "mixed";
  /** Audio before the assistant_message it belongs to. */
  readonly audioFirst?: true;
  /** So many chunks still arrive after a user_interruption. */
  readonly lateChunks?: number;
  /** assistant_end also after a user_interruption; or never at all. */
  readonly end?: "after interruption" | "never";
  /** Scores: none at all, one name missing, or names of another vocabulary. */
  readonly prosody?: "none" | "one missing" | "other names";
  /** Every message comes twice. */
  readonly doubles?: true;
  /** The final user_message of this turn is never sent; the history has it all the same, and it is answered. */
  readonly withholdsTurn?: number;
  /** A chat group is not resumed: an error, and 1000. Or it is, but nothing of it is remembered. Or another one begins without a word. */
  readonly resume?: "refused" | "forgotten" | "another";
  /** Settings in force come back after each session_settings. */
  readonly mirrors?: true;
  readonly maxDurationS?: number;
  readonly inactivityS?: number;
  /** Webhooks: sent twice, held back so long, or signed wrongly. */
  readonly webhooks?: "doubled" | "delayed" | "unsigned" | "wrongly signed";
}

/** Within a turn (counted from 1; 0 is the opening): when the caller was heard, while it thinks, or in the middle of the answer's sound. */
export type Moment = "heard" | "thinking" | "speaking";

export interface FaultRow {
  readonly name: string;
  /** One sentence for the README. */
  readonly does: string;
  readonly faults: Faults;
}

const ended = (code: string, slug: string, message: string, turn: number): Pick<Faults, "error"> => ({
  error: { code, slug, message, turn, ends: true },
});

/** The table of faults: each name is a `config_id` and a directive. The README's table is checked against it. */
export const faultTable: readonly FaultRow[] = [
  { name: "slow", does: "waits six seconds before each answer", faults: { slowMs: 6_000 } },
  { name: "flood", does: "10,000 messages of unknown types before each answer", faults: { unknownTypes: 10_000 } },
  { name: "unknown-types", does: "three messages of unknown types before each answer", faults: { unknownTypes: 3 } },
  { name: "malformed", does: "frames that are not JSON, not text, or lack required keys before each answer", faults: { malformed: 4 } },
  { name: "flood-malformed", does: "10,000 such frames before each answer", faults: { malformed: 10_000 } },
  { name: "silent", does: "transcribes, and never answers", faults: { silent: true } },
  { name: "deaf", does: "hears nothing: no user_message, no answer", faults: { deaf: true } },
  { name: "mute", does: "opens the socket and never says anything, not even chat_metadata", faults: { mute: true } },
  { name: "freeze", does: "stops reading and answering anything, pings included, at the second turn", faults: { freezesAtTurn: 2 } },
  { name: "refuse", does: "refuses the handshake with 401", faults: { handshake: 401 } },
  { name: "too-many", does: "refuses the handshake with 429", faults: { handshake: 429 } },
  { name: "unavailable", does: "refuses the handshake with 503", faults: { handshake: 503 } },
  { name: "hang", does: "never answers the handshake", faults: { handshake: "never" } },
  {
    name: "drop",
    does: "drops the connection (1006) in the middle of the second answer",
    faults: { closes: { code: 1006, turn: 2, at: "speaking" } },
  },
  {
    name: "drop-greeting",
    does: "drops the connection (1006) in the middle of the first thing it says",
    faults: { closes: { code: 1006, turn: 0, at: "speaking" } },
  },
  {
    name: "drop-thinking",
    does: "drops the connection (1006) after the second user_message",
    faults: { closes: { code: 1006, turn: 2, at: "thinking" } },
  },
  {
    name: "drop-always",
    does: "drops the connection (1006) in the first answer of every chat, resumed ones too",
    faults: { closes: { code: 1006, turn: 1, at: "speaking" } },
  },
  { name: "close-1008", does: "closes with 1008 at the second turn", faults: { closes: { code: 1008, turn: 2, at: "heard" } } },
  { name: "close-1011", does: "closes with 1011 at the second turn", faults: { closes: { code: 1011, turn: 2, at: "heard" } } },
  {
    name: "close-1012",
    does: "closes with 1012 (restarting) at the second turn",
    faults: { closes: { code: 1012, turn: 2, at: "heard" } },
  },
  {
    name: "close-1000",
    does: "closes with 1000 and no error at the second turn",
    faults: { closes: { code: 1000, turn: 2, at: "heard" } },
  },
  {
    name: "no-credit",
    does: "E0300 right after chat_metadata, then 1000",
    faults: ended("E0300", "out_of_credits", "You have exhausted your credit balance.", 0),
  },
  {
    name: "untranscribable",
    does: "I0116 at the first turn, then 1000",
    faults: ended("I0116", "transcription_failure", "Unable to transcribe the audio.", 1),
  },
  {
    name: "transcription-lost",
    does: "I0118 at the second turn, then 1000",
    faults: ended("I0118", "transcription_disconnected", "The transcription service disconnected.", 2),
  },
  {
    name: "llm-timeout",
    does: "E0712 right after chat_metadata; the chat goes on",
    faults: {
      error: {
        code: "E0712",
        slug: "custom_language_model_timed_out",
        message: "The custom language model did not answer.",
        turn: 0,
        ends: false,
      },
    },
  },
  {
    name: "llm-lost",
    does: "E0705 at the second turn; the chat stays open and answers nothing any more",
    faults: {
      error: {
        code: "E0705",
        slug: "custom_language_model_disconnected",
        message: "The custom language model disconnected.",
        turn: 2,
        ends: false,
      },
    },
  },
  {
    name: "withheld",
    does: "the second user_message is never sent, although it is answered and stands in the history",
    faults: { withholdsTurn: 2 },
  },
  { name: "no-resume", does: "refuses resumed_chat_group_id: an error and 1000 instead of chat_metadata", faults: { resume: "refused" } },
  { name: "forgets", does: "takes resumed_chat_group_id and remembers nothing of it", faults: { resume: "forgotten" } },
  { name: "another-group", does: "takes resumed_chat_group_id and begins a new chat group instead", faults: { resume: "another" } },
  { name: "mirror", does: "sends the settings in force back after each session_settings", faults: { mirrors: true } },
  { name: "expires", does: "E0715 after 30 s (max_duration), then 1000", faults: { maxDurationS: 30 } },
  { name: "impatient", does: "E0714 after 30 s without a user message, then 1000", faults: { inactivityS: 30 } },
  { name: "shuffled", does: "the chunks of a sentence arrive in another order", faults: { shuffled: true } },
  {
    name: "wav-sizes",
    does: "WAV headers with sizes of 0, of all ones and far too large, in turn, and longer headers",
    faults: { wav: "mixed" },
  },
  { name: "audio-first", does: "audio_output before its assistant_message", faults: { audioFirst: true } },
  { name: "late-audio", does: "three more chunks after each user_interruption", faults: { lateChunks: 3 } },
  { name: "end-always", does: "assistant_end also after a user_interruption", faults: { end: "after interruption" } },
  { name: "no-end", does: "never an assistant_end", faults: { end: "never" } },
  { name: "no-prosody", does: "no scores at all", faults: { prosody: "none" } },
  { name: "47-scores", does: "one of the 48 names is missing", faults: { prosody: "one missing" } },
  { name: "other-scores", does: "scores of an unknown vocabulary", faults: { prosody: "other names" } },
  { name: "doubled", does: "every message but audio comes twice", faults: { doubles: true } },
  { name: "webhooks-doubled", does: "each webhook is sent twice", faults: { webhooks: "doubled" } },
  { name: "webhooks-late", does: "webhooks leave ten seconds late", faults: { webhooks: "delayed" } },
  { name: "webhooks-unsigned", does: "webhooks carry no signature", faults: { webhooks: "unsigned" } },
  { name: "webhooks-forged", does: "webhooks are signed with another key", faults: { webhooks: "wrongly signed" } },
];
