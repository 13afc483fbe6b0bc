import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { CallId } from "../ids.ts";
import { DEAD_AFTER_S } from "./leases.ts";

export interface DrainParts {
  readonly pool: pg.Pool;
  readonly owner: string;
  /** Calls this process holds anything of, and whether their audio is connected here. */
  readonly carried: () => ReadonlyMap<CallId, boolean>;
}

const LOOK_EVERY_MS = 250;
/** So long is a last answer of the database waited for. */
const ANSWERS_WITHIN_MS = 1_000;

/**
 * Waits until this process has no call any more: none whose audio is here, and, when no other process lives to go on with it, none that it dialled
 * either. Resolves with how many are left when `enough` is aborted. A database that is away counts as calls that go on.
 */
export async function untilCallsEnd(parts: DrainParts, enough: AbortSignal): Promise<number> {
  const given = new Promise<number>((resolve) => {
    const soon = (): void => void setTimeout(() => resolve(Math.max(1, parts.carried().size)), ANSWERS_WITHIN_MS).unref();
    if (enough.aborted) soon();
    else enough.addEventListener("abort", soon, { once: true });
  });
  for (;;) {
    // A database that does not even say no must not hold up who has waited enough.
    const left = await Promise.race([callsLeft(parts).catch(() => Math.max(1, parts.carried().size)), given]);
    if (left === 0 || enough.aborted) return left;
    await sleep(LOOK_EVERY_MS, undefined, { signal: enough }).catch(() => {});
  }
}

async function callsLeft(parts: DrainParts): Promise<number> {
  const carried = parts.carried();
  if (await anotherLives(parts.pool, parts.owner)) return [...carried.values()].filter(Boolean).length;
  const { rows } = await parts.pool.query<{ n: number }>(
    "select count(*)::int as n from calls where status <> 'ended' and owner = $1 and dialed_at is not null and not id = any($2)",
    [parts.owner, [...carried.keys()]],
  );
  return carried.size + (rows[0]?.n ?? 0);
}

/** A process that is to stop and lets its calls go on to their end. */
export interface Drain {
  /** Has it begun? Then no new call is taken. */
  readonly on: boolean;
  /** Should the carrier find another process? While one lives that takes calls. */
  elsewhere(): boolean;
  /** Begins it. */
  begin(): Promise<void>;
  /** Looks whether another process lives, once it has begun; to be done with every beat, since the other may die first. */
  look(): Promise<void>;
}

/** `wayIn`: what is shut while another process shares the port, and opened again when this one is alone; null: nothing. */
export function openDrain(parts: {
  readonly pool: pg.Pool;
  readonly owner: string;
  readonly wayIn: () => { open(): Promise<void>; shut(): void } | null;
}): Drain {
  let on = false;
  let another = false;
  const look = async (): Promise<void> => {
    if (!on) return;
    another = await anotherLives(parts.pool, parts.owner);
    if (another) parts.wayIn()?.shut();
    else await parts.wayIn()?.open();
  };
  return {
    get on() {
      return on;
    },
    elsewhere: () => on && another,
    async begin() {
      on = true;
      await look();
    },
    look,
  };
}

/** Does another process live that takes new calls? */
export async function anotherLives(pool: pg.Pool, owner: string): Promise<boolean> {
  const { rows } = await pool.query<{ lives: boolean }>(
    `select exists (select from processes where name <> $1 and draining_at is null and beat_at > now() - interval '${DEAD_AFTER_S} seconds') as lives`,
    [owner],
  );
  return rows[0]?.lives === true;
}
