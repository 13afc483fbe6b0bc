import { addCallerItem } from "./caller-turns.ts";
import type { InputBuffer } from "./input-buffer.ts";
import type { Outlet } from "./outlet.ts";
import type { Responses } from "./responses.ts";
import type { Situation } from "./situation.ts";
import { newId } from "./wire.ts";

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly input: InputBuffer;
  readonly responses: Responses;
}

/**
 * Waits for the caller to stay silent after an answer, if the session wants to be told of it (`idle_timeout_ms`): then an empty turn of the
 * caller's is told, and answered.
 *
 * @param spokenMs the sound of that answer, which is played first
 */
export function awaitIdle({ situation, outlet, input, responses }: Parts, spokenMs: number): void {
  const turnDetection = situation.session.audio.input.turn_detection;
  if (turnDetection?.type !== "server_vad" || !turnDetection.idle_timeout_ms) return;
  if (responses.active !== null || input.hearing || !situation.hasSpoken) return;
  const { idle_timeout_ms: idleMs } = turnDetection;
  situation.timers.set("idle", idleMs + spokenMs, () => {
    const item = newId("item");
    const at = Math.round(input.heardMs);
    outlet.send("input_audio_buffer.timeout_triggered", { audio_start_ms: Math.max(0, at - idleMs), audio_end_ms: at, item_id: item });
    addCallerItem(situation, outlet, item, 1);
    responses.begin({});
  });
}
