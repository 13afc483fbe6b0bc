import { type Ear, openEar } from "../evi/ear.ts";
import type { TurnEvent } from "../evi/turn.ts";
import type { Hearing, PhraseBook } from "../speech/phrases.ts";
import { resample } from "../speech/resample.ts";
import { VAD_RATE } from "../speech/vad.ts";
import type { CallerTurn } from "./caller-turns.ts";
import type { Outlet } from "./outlet.ts";
import type { TurnDetection } from "./session-settings.ts";
import type { Situation } from "./situation.ts";
import { invalid, newId, type Problem } from "./wire.ts";

/** What semantic_vad waits at most would be 2, 4 and 8 s; with sentences as clear as ours it never does. */
const EAGERNESS_MS = { high: 300, medium: 500, auto: 500, low: 900 } as const;
/** What the real service has heard before a voice counts as begun, unless server_vad says otherwise. */
const PADDING_MS = 300;
/** The least a client may commit by hand. */
const LEAST_MS = 100;

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly listener: Pick<PhraseBook, "begin" | "recognise">;
  /** A voice began. */
  began(): void;
  /** What was heard is a turn, by silence or by the client's commit. */
  turn(turn: CallerTurn): void;
  /** The silence after a turn wants an answer. */
  answer(): void;
}

/** `input_audio_buffer`: the caller's sound from its append to the turn it becomes. */
export interface InputBuffer {
  /** Sound as it comes: s16le at the session's input rate. */
  push(bytes: Uint8Array): void;
  /** Makes a turn of what was heard without turn detection. */
  commit(): Problem | null;
  clear(): void;
  /** Ms of sound heard in this session. */
  readonly heardMs: number;
  /** Somebody is speaking. */
  readonly hearing: boolean;
  free(): void;
}

export function openInputBuffer(parts: Parts): InputBuffer {
  const { situation, outlet, listener } = parts;
  let ear: Ear | null = null;
  let earFor = "";
  /** By earlier ears, and without one. */
  let heardBeforeMs = 0;
  let hearing: { readonly hearing: Hearing; readonly item: string; readonly beginMs: number } | null = null;
  /** Not yet committed, for a session without turn detection; bytes as they came. */
  let uncommitted: Uint8Array[] = [];

  const heardMs = (): number => heardBeforeMs + (ear?.heardMs ?? 0);
  const rules = (): TurnDetection | null => situation.session.audio.input.turn_detection;

  return {
    push(bytes) {
      const { turn_detection: turnDetection, format } = situation.session.audio.input;
      if (turnDetection) {
        listen(turnDetection, format.rate).push(bytes);
        return;
      }
      uncommitted.push(bytes);
      heardBeforeMs += msOf(bytes, format.rate);
    },
    commit() {
      const { rate } = situation.session.audio.input.format;
      const bytes = Buffer.concat(uncommitted);
      const ms = msOf(bytes, rate);
      if (ms < LEAST_MS) {
        const message = `Error committing input audio buffer: buffer too small. Expected at least ${LEAST_MS}ms of audio, but buffer only has ${ms.toFixed(2)}ms of audio.`;
        return invalid("input_audio_buffer_commit_empty", message);
      }
      uncommitted = [];
      const sound = resample(new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), rate, VAD_RATE);
      parts.turn({ item: newId("item"), text: listener.recognise(sound).text, ms });
      return null;
    },
    clear() {
      uncommitted = [];
    },
    get heardMs() {
      return heardMs();
    },
    get hearing() {
      return hearing !== null;
    },
    free() {
      ear?.free();
    },
  };

  /** The ear for the settings in force; a new one when they have changed. */
  function listen(turnDetection: TurnDetection, rate: number): Ear {
    const endOfTurnMs =
      turnDetection.type === "server_vad"
        ? Math.max(100, turnDetection.silence_duration_ms ?? 500)
        : EAGERNESS_MS[turnDetection.eagerness ?? "auto"];
    const key = `${rate}/${endOfTurnMs}`;
    if (ear && earFor === key) return ear;
    if (ear) {
      heardBeforeMs += ear.heardMs;
      ear.free();
      hearing = null;
    }
    earFor = key;
    ear = openEar({ encoding: "linear16", sample_rate: rate, channels: 1 }, { endOfTurnMs }, noticed);
    return ear;
  }

  function noticed(event: TurnEvent): void {
    if (situation.ended !== null) return;
    switch (event.what) {
      case "began": {
        const item = newId("item");
        hearing = { hearing: listener.begin(), item, beginMs: heardBeforeMs + event.beginMs };
        const vad = rules();
        const paddingMs = vad?.type === "server_vad" ? (vad.prefix_padding_ms ?? PADDING_MS) : PADDING_MS;
        outlet.send("input_audio_buffer.speech_started", {
          audio_start_ms: Math.max(0, Math.round(hearing.beginMs - paddingMs)),
          item_id: item,
        });
        parts.began();
        return;
      }
      case "lasts":
        return;
      case "was nothing":
      case "ended": {
        if (!hearing || !ear) return;
        const { text } = hearing.hearing.end(ear.segment());
        const { item, beginMs } = hearing;
        hearing = null;
        outlet.send("input_audio_buffer.speech_stopped", { audio_end_ms: Math.round(heardMs()), item_id: item });
        parts.turn({ item, text: event.what === "was nothing" ? "" : text, ms: heardMs() - beginMs });
        if (situation.ended === null && rules()?.create_response !== false) parts.answer();
      }
    }
  }
}

const msOf = (bytes: Uint8Array, rate: number): number => bytes.length / 2 / (rate / 1_000);
