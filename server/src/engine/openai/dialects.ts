/**
 * Servers that speak OpenAI's Realtime protocol, and in what each differs (openai-realtime §12). Adding one is adding a row and its test.
 * Names of events are no column: every older and newer name is understood from anybody (wire.ts).
 */
export interface Dialect {
  /** As OPENAI_REALTIME_DIALECT and prices name it. */
  readonly name: string;
  readonly headers: (key: string) => Readonly<Record<string, string>>;
  /** PCM rates it takes and gives, Hz, best first. Other rates are resampled here. */
  readonly rates: readonly number[];
  /** `ga`: OpenAI's nested session. `xai`: voice and turn detection at its top level. */
  readonly session: "ga" | "xai";
  /** How it is told that the caller heard only a part: by truncating the item, or by a note, where it cannot truncate. */
  readonly heardPart: "truncate" | "note";
  /** Can it be made to say exact words? Otherwise it is asked to. */
  readonly verbatim: boolean;
  /** Used when the agent names none. */
  readonly voice: string | null;
  /** What writes down the caller's words, when the agent does not say; null: the server does so anyway, or has its own setting. */
  readonly transcription: Readonly<Record<string, unknown>> | null;
  /** Does it know `noise_reduction`? */
  readonly noiseReduction: boolean;
  /** Longest session, ms, where it does not tell by `expires_at`. */
  readonly maxMs: number;
}

type Row = Omit<Dialect, "name">;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const MINUTE = 60_000;

const openai: Row = {
  headers: bearer,
  rates: [24_000],
  session: "ga",
  heardPart: "truncate",
  verbatim: false,
  voice: "marin",
  transcription: { model: "gpt-realtime-whisper" },
  noiseReduction: true,
  maxMs: 60 * MINUTE,
};
/** Servers that honour whatever rate is declared; 16 kHz is what they work at. */
const selfHosted = { rates: [16_000, 24_000], voice: null, noiseReduction: false, maxMs: 24 * 60 * MINUTE } as const;

const table = {
  openai,
  azure: { ...openai, headers: (key) => ({ "api-key": key }), transcription: { model: "gpt-4o-mini-transcribe" } },
  xai: {
    ...openai,
    rates: [24_000, 16_000, 8_000],
    session: "xai",
    verbatim: true,
    voice: null,
    transcription: null,
    noiseReduction: false,
    maxMs: 30 * MINUTE,
  },
  inworld: {
    ...openai,
    headers: (key) => ({ authorization: `Basic ${key}` }),
    heardPart: "note",
    voice: null,
    noiseReduction: false,
  },
  localai: { ...openai, ...selfHosted, transcription: {} },
  huggingface: { ...openai, ...selfHosted, heardPart: "note", transcription: {} },
} satisfies Record<string, Row>;

export type DialectName = keyof typeof table;
export const dialectNames = Object.keys(table) as [DialectName, ...DialectName[]];

export const dialectOf = (name: DialectName): Dialect => ({ name, ...table[name] });
