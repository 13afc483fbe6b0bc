import { setTimeout } from "node:timers/promises";

/**
 * Is the database away, so that the same statement may succeed later? Everything without an SQLSTATE (no connection, a broken one), and of
 * those with one: connection (08), rolled back by concurrency (40), no resources (53), stopped by an operator (57), its own disk (58), a lock
 * or a state that passes (55). Anything else is the statement's own fault and fails the second time too.
 */
export function isAway(error: unknown): boolean {
  return !sqlState.test(codeOf(error)) || isPassing(error);
}

/** Did the database answer that it cannot now: no room, no time, a lock, an operator? No fault of what was asked. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return sqlState.test(code) && /^(08|40|53|55|57|58)/.test(code);
}

const sqlState = /^(?=.*[0-9])[0-9A-Z]{5}$/;
const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? "");

/** Broken against another transaction that was under way: a deadlock, a serialization failure, or a row both wanted to make. Told again, it goes through. */
const passing = new Set(["23505", "40P01", "40001"]);
export function metAnother(error: unknown): boolean {
  return passing.has(String((error as { code?: unknown }).code));
}

const AGAIN_MS = 250;

/** Does `deed` again while the database is away, for at most `withinMs`, or until `given` is aborted; then it throws as the last time. */
export async function whileAway<T>(deed: () => Promise<T>, withinMs: number, given?: AbortSignal): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await deed();
    } catch (error) {
      if (!isAway(error) || given?.aborted || performance.now() - began > withinMs) throw error;
      await setTimeout(AGAIN_MS);
    }
  }
}
