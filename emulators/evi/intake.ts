import type { Hearing, PhraseBook } from "../speech/phrases.ts";
import { readWav } from "../speech/wav.ts";
import { type Ear, openEar } from "./ear.ts";
import type { Patience, TurnEvent } from "./turn.ts";
import type { AudioFormat } from "./wire.ts";

/** What is noticed of the caller. Times are ms from the start of the audio stream. */
export type Noticed =
  | { readonly what: "began" }
  | { readonly what: "was nothing" }
  | { readonly what: "lasts"; readonly lastedMs: number }
  | { readonly what: "interim"; readonly text: string; readonly begin: number; readonly end: number }
  | { readonly what: "said"; readonly text: string; readonly levelDb: number; readonly begin: number; readonly end: number };

/** The caller's side of a chat, from bytes to words. */
export interface Intake {
  /** Sound in the format in force; a WAV says its own. Returns what was sound of it, or null when nobody can tell what it is. */
  push(bytes: Uint8Array, format: AudioFormat | null): { readonly sound: Uint8Array; readonly format: AudioFormat } | null;
  readonly heardMs: number;
  /** Is someone speaking? */
  readonly hearing: boolean;
  free(): void;
}

interface IntakeParts {
  readonly book: Pick<PhraseBook, "begin">;
  readonly patience: Patience;
  readonly interims: boolean;
  notice(noticed: Noticed): void;
}

export function openIntake({ book, patience, interims, notice }: IntakeParts): Intake {
  let ear: Ear | null = null;
  let earFormat: AudioFormat | null = null;
  /** What ears before this one heard: a new format begins a new ear, not a new stream. */
  let beforeMs = 0;
  let hearing: Hearing | null = null;

  function earFor(format: AudioFormat): Ear {
    if (ear && earFormat?.sample_rate === format.sample_rate && earFormat.channels === format.channels) return ear;
    if (ear) {
      beforeMs += ear.heardMs;
      ear.free();
    }
    earFormat = format;
    const opened = openEar(format, patience, (event) => heard(opened, event));
    ear = opened;
    return opened;
  }

  function heard(by: Ear, event: TurnEvent): void {
    switch (event.what) {
      case "began":
        hearing = book.begin();
        notice({ what: "began" });
        return;
      case "was nothing":
        hearing = null;
        notice({ what: "was nothing" });
        return;
      case "lasts":
        notice({ what: "lasts", lastedMs: event.lastedMs });
        if (!interims || !event.interimDue || !hearing) return;
        notice({
          what: "interim",
          text: hearing.soFar(by.segment()),
          begin: beforeMs + event.beginMs,
          end: beforeMs + event.beginMs + event.lastedMs,
        });
        return;
      case "ended": {
        const sound = by.segment();
        const { text } = (hearing ?? book.begin()).end(sound);
        hearing = null;
        notice({ what: "said", text, levelDb: levelOf(sound), begin: beforeMs + event.beginMs, end: beforeMs + event.endMs });
        return;
      }
    }
  }

  return {
    push(bytes, format) {
      const given = format ? { sound: bytes, format } : fromContainer(bytes);
      if (given) earFor(given.format).push(given.sound);
      return given;
    },
    get heardMs() {
      return beforeMs + (ear?.heardMs ?? 0);
    },
    get hearing() {
      return hearing !== null;
    },
    free: () => ear?.free(),
  };
}

/** A WAV whose header comes first; its samples may go on in the next chunks. The one container understood here. */
function fromContainer(bytes: Uint8Array): { sound: Uint8Array; format: AudioFormat } | null {
  try {
    const { rate, channels, samples } = readWav(bytes);
    return { sound: new Uint8Array(samples.buffer), format: { encoding: "linear16", sample_rate: rate, channels } };
  } catch {
    return null;
  }
}

/** The loudness of the voiced part of a sound, dB full scale: the mean of its louder half, by 20 ms, looking at every fourth sample. */
function levelOf(sound: Int16Array): number {
  const levels: number[] = [];
  for (let at = 0; at + 320 <= sound.length; at += 320) {
    let sum = 1;
    for (let i = at; i < at + 320; i += 4) sum += (sound[i] as number) * (sound[i] as number);
    levels.push(10 * Math.log10(sum / 80 / 32_768 ** 2));
  }
  levels.sort((a, b) => b - a);
  const louder = levels.slice(0, Math.max(1, Math.ceil(levels.length / 2)));
  return louder.reduce((sum, level) => sum + level, 0) / louder.length;
}
