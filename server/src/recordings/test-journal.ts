import type { CallId } from "../ids.ts";
import { openJournals } from "../journal/file.ts";

/** Writes the journal of a call as the bridge would have: 20 ms frames of both sides at 16 kHz, beginning at `startedAt`. */
export async function writeJournal(
  dir: string,
  call: CallId,
  [caller, agent]: readonly [Float32Array, Float32Array],
  startedAt = new Date(),
): Promise<void> {
  let nowMs = 1000;
  const journals = openJournals({
    dir,
    clock: { now: () => new Date(startedAt.getTime() + nowMs - 1000), monotonicMs: () => nowMs },
    log: { warn: () => {} },
  });
  const journal = journals.open(call);
  journal.put("media", nowMs, JSON.stringify({ on: true, rate: 16_000 }));
  const zero = nowMs;
  for (let at = 0; at < caller.length; at += 320) {
    nowMs = zero + at / 16;
    journal.put("callerFrame", nowMs + 20, frame(caller, at));
    journal.put("playedFrame", nowMs, frame(agent, at));
    if (at % 16_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  nowMs = zero + caller.length / 16 + 20;
  journal.put("media", nowMs, JSON.stringify({ on: false }));
  await journal.close();
  await journals.close();
}

function frame(sound: Float32Array, at: number): Buffer {
  const bytes = Buffer.alloc(640);
  for (let i = 0; i < 320; i++) bytes.writeInt16LE(Math.round((sound[at + i] ?? 0) * 32767), i * 2);
  return bytes;
}
