import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../evi/clock.ts";
import { openSpeechWatch } from "../speech/vad.ts";
import { expressions, scoresFor, voiceAttributes } from "./names.ts";

/** One session of expression measurement: hears 16 kHz, tells what it measured. Ends by `session.close`, an error that ends it, or the socket. */
export interface ExpressionSession {
  text(frame: string): void;
  audio(bytes: Buffer): void;
  gone(): void;
}

export interface SessionParts {
  readonly clock: Clock;
  /** Wraps the fields of results one level deeper, since the real nesting is not documented. */
  readonly nested: boolean;
  /** Ends with internal_error after so many ms of sound. */
  readonly breaksAfterMs: number | null;
  send(message: Record<string, unknown>): void;
  close(code: number): void;
}

const RATE = 16_000;
const LARGEST_FRAME_BYTES = 320_000;
const LARGEST_MESSAGE_BYTES = 1_048_576;
const SPAN_MS = 10_000;
/** Sound may come this much faster than it is spoken. */
const FASTEST = 1.2;
const AHEAD_MS = 1_000;
const Update = z.object({
  type: z.literal("session.update"),
  config: z.strictObject({ measurement_timer_ms: z.int().min(3_000).max(10_000).optional() }),
});

export function openExpressionSession(parts: SessionParts): ExpressionSession {
  const { clock, send } = parts;
  const watch = openSpeechWatch({ hangoverMs: 600 });
  let timerMs = 3_000;
  let samples = 0;
  let startedAt: number | null = null;
  let over = false;
  let results = 0;
  let utterance: { readonly id: string; readonly beginMs: number; measuredMs: number; results: number } | null = null;
  send({ type: "session.created", session_id: randomUUID(), config: { measurement_timer_ms: timerMs } });

  const heardMs = (): number => (samples * 1_000) / RATE;
  const fail = (code: string, message: string): void => send({ type: "error", code, message });
  const end = (reason: string, code: number): void => {
    if (over) return;
    over = true;
    watch.free();
    send({ type: "session.closed", reason, totals: { received_audio_ms: Math.round(heardMs()), results } });
    parts.close(code);
  };
  const measure = (trigger: "interval" | "speech_ended", endMs: number): void => {
    if (!utterance) return;
    const startMs = Math.max(utterance.beginMs, endMs - SPAN_MS);
    const seed = Math.round(startMs * 31 + endMs);
    const result = {
      trigger,
      utterance_id: utterance.id,
      audio_start_ms: Math.round(startMs),
      audio_end_ms: Math.round(endMs),
      expressions: scoresFor(expressions, seed, 0.1),
      voice_attributes: scoresFor(voiceAttributes, seed + 7, 0.3),
    };
    send(parts.nested ? { type: "measurement.result", measurement: result } : { type: "measurement.result", ...result });
    utterance.measuredMs = endMs;
    utterance.results++;
    results++;
  };
  const speechEnded = (endMs: number): void => {
    if (!utterance) return;
    if (utterance.results === 0 || endMs - utterance.measuredMs >= 1_000) measure("speech_ended", endMs);
    send({ type: "utterance.end", utterance_id: utterance.id, audio_end_ms: Math.round(endMs) });
    utterance = null;
  };
  const hear = (sound: Int16Array): void => {
    watch.push(sound);
    samples += sound.length;
    if (watch.speaking && !utterance) {
      const beginMs = watch.beganMs ?? heardMs();
      utterance = { id: randomUUID(), beginMs, measuredMs: beginMs, results: 0 };
      send({ type: "utterance.start", utterance_id: utterance.id, audio_start_ms: Math.round(beginMs) });
    } else if (!watch.speaking && utterance) speechEnded(heardMs() - watch.silentMs);
    else if (utterance && heardMs() - utterance.measuredMs >= timerMs) measure("interval", heardMs());
  };

  return {
    text(frame) {
      if (over) return;
      if (frame.length > LARGEST_MESSAGE_BYTES) {
        fail("message_too_large", "The message is too large.");
        return end("error", 1009);
      }
      let json: unknown = null;
      try {
        json = JSON.parse(frame);
      } catch {
        return fail("message_invalid", "The message is not JSON.");
      }
      const type = typeof json === "object" && json !== null && "type" in json ? json.type : null;
      if (type === "session.close") {
        if (utterance) speechEnded(heardMs());
        return end("client_request", 1000);
      }
      if (type !== "session.update") return fail("message_invalid", `There is no message of type ${String(type)}.`);
      const update = Update.safeParse(json);
      if (samples > 0 || startedAt !== null) {
        fail("config_invalid", "The configuration is locked once audio was sent.");
        return end("error", 1000);
      }
      if (!update.success) return fail("config_invalid", update.error.issues[0]?.message ?? "The configuration is wrong.");
      timerMs = update.data.config.measurement_timer_ms ?? 3_000;
      send({ type: "session.updated", config: { measurement_timer_ms: timerMs } });
    },
    audio(bytes) {
      if (over) return;
      if (bytes.length === 0 || bytes.length % 2 !== 0 || bytes.length > LARGEST_FRAME_BYTES)
        return fail("invalid_audio_frame", "An audio frame has an even number of bytes, at least 2 and at most 320000.");
      startedAt ??= clock.now();
      const allowedMs = AHEAD_MS + (clock.now() - startedAt) * FASTEST;
      if (heardMs() + bytes.length / 32 > allowedMs)
        return fail("rate_limited", "Audio comes faster than real time; this frame was not taken.");
      hear(new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
      if (parts.breaksAfterMs === null || heardMs() < parts.breaksAfterMs) return;
      fail("internal_error", "Something went wrong on our side.");
      end("error", 1011);
    },
    gone() {
      if (!over) watch.free();
      over = true;
    },
  };
}
