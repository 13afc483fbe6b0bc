import type pg from "pg";
import type { Logger } from "pino";
import { whileAway } from "../db/away.ts";
import { openPool, type Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";

/** A process that has not been heard of for so long is dead: five beats, and a stall of the database on top. */
export const DEAD_AFTER_S = 8;
const BEAT_MS = 1_000;
/** A beat that takes longer is given up and said, while there is time for another before the process is taken for dead. */
const BEAT_WITHIN_MS = 5_000;
/** A server that starts waits so long for its first one. */
const FIRST_BEAT_MS = 30_000;
/** Dead processes without leases are forgotten after so long. */
const FORGOTTEN_S = 3_600;

export interface LeaseParts {
  /** Of the database. Beats have a connection of their own: they wait for no other statement of the process, and for none of theirs without end. */
  readonly databaseUrl: string;
  readonly log: Pick<Logger, "warn">;
  /** Name of this process, as in calls.owner. */
  readonly owner: string;
  /** Calls this process holds anything of, and whether their audio is connected here. */
  readonly carried: () => ReadonlyMap<CallId, boolean>;
  /** A call of ours is over, as another process heard. */
  readonly onEnded: (call: CallId) => void;
  /** Another process carries a call whose audio is not connected here: what was prepared or kept for it is to go. */
  readonly onElsewhere: (call: CallId) => void;
  /**
   * With every beat, after its own work: looks for what dead processes left, and for whatever else is to be looked at. Each by itself, and not again
   * while it is under way: the journals of a hundred calls take longer than a process may be silent.
   */
  readonly looks: readonly (() => Promise<unknown>)[];
  readonly everyMs?: number;
  /** For tests. */
  readonly withinMs?: number;
}

export interface Leases {
  /** One beat, now; resolves when all of it is done. */
  beat(): Promise<void>;
  /** Tells the others that this process takes no new calls; if that fails, the next beat tells them. */
  drain(): Promise<void>;
  /** Stops beating, and takes the process off the list: what it still holds is free at once. */
  close(): Promise<void>;
}

/**
 * Says every second that this process lives, hears what other processes have made of its calls, and looks for what dead ones left. Nothing is
 * lost when a beat fails: every step asks the database what is so, never what has changed.
 */
export async function startLeases(parts: LeaseParts): Promise<Leases> {
  const { owner, log } = parts;
  const pool = openPool(parts.databaseUrl, 2, parts.withinMs ?? BEAT_WITHIN_MS);
  let running: Promise<void> | null = null;
  const looking = new Map<() => Promise<unknown>, Promise<unknown>>();
  let failed = false;
  let draining = false;
  try {
    await whileAway(() => alive(pool, owner, draining), FIRST_BEAT_MS);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const beat = async (): Promise<void> => {
    running ??= (async () => {
      await alive(pool, owner, draining);
      await follow(pool, parts);
    })().finally(() => {
      running = null;
    });
    await running;
    await Promise.all(parts.looks.map(look));
  };
  const look = (what: () => Promise<unknown>): Promise<unknown> => {
    const underWay = looking.get(what) ?? what().finally(() => looking.delete(what));
    looking.set(what, underWay);
    return underWay;
  };
  const timer = setInterval(() => {
    beat().then(
      () => {
        failed = false;
      },
      (error: unknown) => {
        if (!failed) log.warn({ err: error }, "A beat of this process failed; the next one follows.");
        failed = true;
      },
    );
  }, parts.everyMs ?? BEAT_MS);
  return {
    beat,
    async drain() {
      draining = true;
      await alive(pool, owner, draining);
    },
    async close() {
      clearInterval(timer);
      await Promise.allSettled([running, ...looking.values()]);
      await pool.query("delete from processes where name = $1", [owner]).catch(() => {});
      if (!pool.ended) await pool.end();
    },
  };
}

/** This process takes the call, and whatever comes of it has to reach the database. */
export async function takeLease(sql: Sql, call: CallId, owner: string): Promise<void> {
  await sql.query(
    "insert into leases (call_id, process) values ($1, $2) on conflict (call_id, process) do update set until = null, finished_by = null",
    [call, owner],
  );
}

/** Everything the process knew of the call is in the database. */
export async function endLease(sql: Sql, call: CallId, process: string, finishedBy: string | null = null): Promise<void> {
  await sql.query("update leases set until = now(), finished_by = $3 where call_id = $1 and process = $2 and until is null", [
    call,
    process,
    finishedBy,
  ]);
}

export interface OrphanedLease {
  readonly call: CallId;
  readonly process: string;
  readonly since: Date;
  /** The same to the microsecond, for going on behind it. */
  readonly exactly: string;
}

/** Open leases of processes that are dead, oldest first: at most `most`, those behind `after`. */
export async function orphanedLeases(sql: Sql, most: number, after: OrphanedLease | null = null): Promise<OrphanedLease[]> {
  const { rows } = await sql.query<OrphanedLease>(
    `select l.call_id as call, l.process, l.since, l.since::text as exactly from leases l
      where l.until is null and ${isDead("l.process")}
        and ($2::timestamptz is null or (l.since, l.call_id, l.process) > ($2::timestamptz, $3::uuid, $4::text))
      order by l.since, l.call_id, l.process limit $1`,
    [most, after?.exactly ?? null, after?.call ?? null, after?.process ?? null],
  );
  return rows;
}

/** Does a living process other than `owner` still hold something of the call? */
export async function isHeldElsewhere(sql: Sql, call: CallId, owner: string): Promise<boolean> {
  const { rows } = await sql.query<{ held: boolean }>(
    `select exists (select from leases l where l.call_id = $1 and l.process <> $2 and l.until is null and not ${isDead("l.process")}) as held`,
    [call, owner],
  );
  return rows[0]?.held === true;
}

/** Did a living process other than `owner` carry the call, or finish it for a dead one? Its journal lies where that one writes. */
export async function isCarriedElsewhere(sql: Sql, call: CallId, owner: string): Promise<boolean> {
  const { rows } = await sql.query<{ carried: boolean }>(
    `select exists (select from leases l, unnest(array[l.process, l.finished_by]) carrier where l.call_id = $1 and carrier <> $2 and not ${isDead("carrier")}) as carried`,
    [call, owner],
  );
  return rows[0]?.carried === true;
}

/** SQL: is the process of this name dead? Both times are the database's. */
export const isDead = (name: string): string =>
  `not exists (select from processes p where p.name = ${name} and p.beat_at > now() - interval '${DEAD_AFTER_S} seconds')`;

async function alive(pool: pg.Pool, owner: string, draining: boolean): Promise<void> {
  await pool.query(
    `insert into processes as p (name, draining_at) values ($1, case when $2 then now() end)
     on conflict (name) do update set beat_at = now(), draining_at = coalesce(p.draining_at, excluded.draining_at)`,
    [owner, draining],
  );
  await pool.query(
    `delete from processes p where p.beat_at < now() - interval '${FORGOTTEN_S} seconds'
       and not exists (select from leases l where l.process = p.name and l.until is null)`,
  );
}

/** What became of our calls elsewhere: their webhooks may have come to another process, and their audio may have. */
async function follow(pool: pg.Pool, { owner, carried, onEnded, onElsewhere }: LeaseParts): Promise<void> {
  const ours = carried();
  if (ours.size === 0) return;
  const { rows } = await pool.query<{ id: CallId; status: string; owner: string | null }>(
    "select id, status, owner from calls where id = any($1) and (status = 'ended' or socket_started_at is not null)",
    [[...ours.keys()]],
  );
  // A stall of the database may have made us look dead for a moment.
  await pool.query(
    "update leases set until = null, finished_by = null where process = $1 and call_id = any($2) and finished_by is not null",
    [owner, [...ours.keys()]],
  );
  for (const { id, status, owner: by } of rows) {
    if (status === "ended") onEnded(id);
    else if (by !== owner && ours.get(id) === false) onElsewhere(id);
  }
}
