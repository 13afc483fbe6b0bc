import type { Clock } from "../clock.ts";

/** The one clockwork of all calls: visits each member once every 20 ms. */
export interface Tick {
  /** Visits `member` from now on, until the returned function is called. Joining and leaving during a visit is allowed. */
  join(member: (nowMs: number) => void): () => void;
  /** How late the visits came, ms: worst since asked last. */
  worstLateMs(): number;
  close(): void;
}

/**
 * A frame lasts 20 ms; each call belongs to one of two slots 10 ms apart, so that 250 calls do not all send in the same instant. Half of a slot's calls
 * send at a visit (player.ts, TOGETHER), and each slot more wakes the process 50 times a second, whatever the number of calls (bench/README.md).
 */
export const FRAME_MS = 20;
const SLOTS = 2;
const SLOT_MS = FRAME_MS / SLOTS;
/** Timers count whole milliseconds, and come up to one too early: that is the visit all the same. Taken for none it would be waited for a second time. */
const EARLY_MS = 1;

/**
 * Starts the clockwork on the monotonic clock. The time of visit n is counted from the start, so lateness never adds up (setInterval(20)
 * drifts). After a stall each slot is visited once, not once for every visit missed: what is due is for the member to know by the time.
 * Asleep while it has no members. A member that throws is told to `failed` and leaves; the others do not notice.
 */
export function startTick(clock: Pick<Clock, "monotonicMs">, failed: (error: unknown) => void): Tick {
  const slots = Array.from({ length: SLOTS }, () => new Set<(nowMs: number) => void>());
  const start = clock.monotonicMs();
  let done = 0;
  let members = 0;
  let worst = 0;
  let timer: NodeJS.Timeout | null = null;

  const beat = (): void => {
    timer = null;
    const now = clock.monotonicMs();
    const due = Math.floor((now - start + EARLY_MS) / SLOT_MS);
    worst = Math.max(worst, now - start - (done + 1) * SLOT_MS);
    const first = Math.max(done + 1, due - SLOTS + 1);
    for (let slot = first; slot <= due; slot++) visit(slots[slot % SLOTS] as Set<(nowMs: number) => void>);
    done = Math.max(done, due);
    wind();
  };
  const visit = (slot: Set<(nowMs: number) => void>): void => {
    for (const member of slot) {
      try {
        member(clock.monotonicMs());
      } catch (error) {
        if (slot.delete(member)) members--;
        failed(error);
      }
    }
  };
  const wind = (): void => {
    if (members === 0 || timer !== null) return;
    timer = setTimeout(beat, Math.max(0, start + (done + 1) * SLOT_MS - clock.monotonicMs()));
  };

  return {
    join(member) {
      const slot = slots.reduce((least, other) => (other.size < least.size ? other : least));
      slot.add(member);
      if (members++ === 0) done = Math.max(done, Math.floor((clock.monotonicMs() - start) / SLOT_MS));
      wind();
      return () => {
        if (slot.delete(member)) members--;
      };
    },
    worstLateMs() {
      const late = worst;
      worst = 0;
      return late;
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      for (const slot of slots) slot.clear();
      members = 0;
    },
  };
}
