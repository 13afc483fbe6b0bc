import type { Sql } from "../db/pool.ts";

/**
 * How fast a carrier may be asked. Its limits count requests in any window of time (vonage-voice §1.4: 3 new calls in a rolling second, not on
 * average), over all our processes together. So each limit is one row that remembers its last permits and those still waited for: the next one is granted when the oldest of
 * them has left the window. Exact, fair in the order of asking, and no process ever polls: it is told how long to wait.
 */
export interface Rate {
  /** So many requests ... */
  readonly most: number;
  /** ... in any window of this length. A little longer than the carrier's, because what leaves us evenly does not arrive so. */
  readonly windowMs: number;
}

/**
 * What a permit is for: a new call, the leg a call is connected to, or any other request. The carrier counts the first two together; we keep them
 * apart, because somebody who has picked up must not stand behind calls that have not begun.
 */
export type Asking = "create" | "connect" | "other";

/**
 * Vonage's defaults with room for the network's jitter; for an account with more an administrator sets so (setLegRate). Of three new legs a second one
 * is for a new call: a call takes two, and people who pick up in the same moment get theirs at once.
 */
export const usualRates: Readonly<Record<Asking, Rate>> = {
  create: { most: 1, windowMs: 1_200 },
  connect: { most: 2, windowMs: 1_200 },
  other: { most: 15, windowMs: 1_050 },
};

/** Where the wait would be longer, no permit is taken: what is asked so late is asked in vain. */
const LONGEST_WAIT_MS = 60_000;

/** Permits in their order: the last of a full window, which decide about the next one, and all that are still waited for. */
const remembered = (permits: string): string =>
  `(select array_agg(at order by at) from (select at, row_number() over (order by at desc) as back from unnest(${permits}) at) permit
     where back <= most or at > clock_timestamp())`;

/**
 * Takes the next permit of a carrier's limit. Returns the milliseconds to wait before using it; null when the queue is too long, then none was
 * taken. One statement; processes wait for each other only as long as it runs.
 */
export async function takePermit(sql: Sql, carrier: string, asking: Asking, longestWaitMs = LONGEST_WAIT_MS): Promise<number | null> {
  const name = await known(sql, carrier, asking);
  const { rows } = await sql.query<{ wait_ms: number }>(
    `with due as (
       select name, greatest(clock_timestamp(), case when cardinality(granted) >= most
         then granted[cardinality(granted) - most + 1] + window_ms * interval '1 millisecond' end) as at
       from carrier_rates where name = $1 for update)
     update carrier_rates r set granted = ${remembered("r.granted || due.at")}
     from due where r.name = due.name and due.at <= clock_timestamp() + $2 * interval '1 millisecond'
     returning greatest(0, ceil(extract(epoch from due.at - clock_timestamp()) * 1000))::float8 as wait_ms`,
    [name, longestWaitMs],
  );
  return rows[0]?.wait_ms ?? null;
}

/** The carrier said it was too many after all: the window starts anew for everybody. */
export async function notePaceRefused(sql: Sql, carrier: string, asking: Asking): Promise<void> {
  const name = await known(sql, carrier, asking);
  await sql.query(
    `update carrier_rates set refused = refused + 1, refused_at = clock_timestamp(),
       granted = ${remembered("array_fill(clock_timestamp(), array[most]) || granted")}
     where name = $1`,
    [name],
  );
}

/** A limit as it stands, for whoever wonders why calls wait. */
export interface Pace {
  readonly name: string;
  readonly most: number;
  readonly windowMs: number;
  /** Permits that are free right now. */
  readonly free: number;
  /** Permits given out for a time that has not come: so many requests wait. */
  readonly waiting: number;
  /** How long one asked for now would wait. */
  readonly waitMs: number;
  readonly refused: number;
  readonly refusedAt: Date | null;
}

export async function readPace(sql: Sql): Promise<Pace[]> {
  const { rows } = await sql.query<Pace>(
    `select name, most, window_ms as "windowMs", refused, refused_at as "refusedAt",
       most - (select count(*) from unnest(granted) at where at > clock_timestamp() - window_ms * interval '1 millisecond')::int as free,
       (select count(*) from unnest(granted) at where at > clock_timestamp())::int as waiting,
       greatest(0, case when cardinality(granted) >= most then ceil(extract(epoch from
         granted[cardinality(granted) - most + 1] + window_ms * interval '1 millisecond' - clock_timestamp()) * 1000) else 0 end)::float8 as "waitMs"
     from carrier_rates order by name`,
  );
  return rows.map((pace) => ({ ...pace, free: Math.max(0, pace.free) }));
}

/** Of so many new legs a second these may be new calls; the others are for connecting them. */
const share = (legs: string, asking: string): string => `case ${asking} when 'create' then ${legs} / 2 else ${legs} - ${legs} / 2 end`;

/** How many new legs a second the carrier takes, new calls and connects together: as the rows say, which may have been changed by hand. */
export async function readLegRate(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ legs: number | null }>(
    `select coalesce(
       (select sum(most)::int from carrier_rates where name ~ ' (create|connect)$' group by split_part(name, ' ', 1) having count(*) = 2 limit 1),
       (select value::text::int from settings where name = 'leg_rate')) as legs`,
  );
  return rows[0]?.legs ?? usualRates.create.most + usualRates.connect.most;
}

/** Sets it, for all processes from the next permit on; 2 at least. In the caller's transaction. */
export async function setLegRate(sql: Sql, legs: number): Promise<void> {
  await sql.query(
    "insert into settings (name, value) values ('leg_rate', to_jsonb($1::int)) on conflict (name) do update set value = excluded.value",
    [legs],
  );
  await sql.query(
    `update carrier_rates set most = ${share("$1::int", "split_part(name, ' ', 2)")}, window_ms = $2 where name ~ ' (create|connect)$'`,
    [legs, usualRates.create.windowMs],
  );
}

async function known(sql: Sql, carrier: string, asking: Asking): Promise<string> {
  const name = `${carrier} ${asking}`;
  const { most, windowMs } = usualRates[asking];
  await sql.query(
    `insert into carrier_rates (name, most, window_ms)
     select $1, coalesce((select ${share("value::text::int", "$4::text")} from settings where name = 'leg_rate' and $4::text <> 'other'), $2), $3
      where not exists (select from carrier_rates where name = $1) on conflict do nothing`,
    [name, most, windowMs, asking],
  );
  return name;
}
