import type { Whisper } from "@earshot/contract/in-call";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import { type CallId, newId } from "../ids.ts";
import { recordEvent } from "./events.ts";
import { CallUnknown, NotInProgress, TooManyWhispers } from "./failures.ts";

/**
 * What is asked of the bridge of a call, whichever process carries it: a row, which that process takes with its next beat (leases.ts), or at
 * once when it is the one that was asked (decision 0014). Taken once, before it is done: a whisper said twice is worse than one that is lost,
 * and a lost one is told. The only place that writes `bridge_asks`.
 */

const Ask = z.discriminatedUnion("what", [
  z.object({ what: z.literal("whisper"), how: z.enum(["context", "say"]), text: z.string() }),
  z.object({ what: z.literal("engine gone"), session: z.string() }),
]);
export type Ask = z.infer<typeof Ask>;

/** Does it, in this process; false when the bridge cannot now (the engine is away, the caller is gone). */
export type DoAsk = (call: CallId, ask: Ask) => boolean;

export interface AsksParts {
  readonly pool: Parameters<typeof inTransaction>[0];
  readonly clock: Clock;
  /** Name of this process. */
  readonly owner: string;
  /** Calls whose audio is connected here. */
  readonly here: () => readonly CallId[];
  readonly doAsk: DoAsk;
}

const WHISPERS_A_MINUTE = 20;
/** What nobody took for so long comes too late: the talk has gone on. */
const TOO_LATE_S = 10;

/** Whispers to the agent of a running call. Resolves when it is written down; what became of it is on the timeline. */
export async function whisper(parts: AsksParts, call: CallId, { text, how }: Whisper, by: string): Promise<void> {
  await inTransaction(parts.pool, async (sql) => {
    const { rows } = await sql.query<{ status: string; lately: number }>(
      `select status, (select count(*)::int from bridge_asks a where a.call_id = c.id and a.ask->>'what' = 'whisper'
          and a.asked_at > now() - interval '1 minute') as lately from calls c where id = $1 for update`,
      [call],
    );
    const row = rows[0];
    if (row === undefined) throw new CallUnknown(call);
    if (row.status !== "in_progress") throw new NotInProgress(call, row.status);
    if (row.lately >= WHISPERS_A_MINUTE) throw new TooManyWhispers(WHISPERS_A_MINUTE);
    await ask(sql, call, { what: "whisper", how, text }, by);
  });
  await takeAsks(parts);
}

/** The call's engine session is over at its vendor's: whoever carries the call shall go on with another. */
export async function askForEngine(parts: AsksParts, call: CallId, session: string): Promise<void> {
  await ask(parts.pool, call, { what: "engine gone", session }, "us");
  await takeAsks(parts);
}

async function ask(sql: Sql, call: CallId, what: Ask, by: string): Promise<void> {
  await sql.query("insert into bridge_asks (id, call_id, ask, asked_at, asked_by) values ($1, $2, $3, now(), $4)", [
    newId(),
    call,
    JSON.stringify(what),
    by,
  ]);
}

interface Taken {
  readonly id: string;
  readonly call: CallId;
  readonly ask: unknown;
  readonly by: string;
}

/** Takes and does what is asked of the calls carried here; with every beat. */
export async function takeAsks({ pool, clock, owner, here, doAsk }: AsksParts): Promise<void> {
  const { rows: late } = await pool.query<Taken>(
    `update bridge_asks set taken_at = now(), done = false where taken_at is null and asked_at < now() - interval '${TOO_LATE_S} seconds'
      returning id, call_id as call, ask, asked_by as by`,
  );
  for (const one of late) await tell(pool, clock, one, false);
  const calls = here();
  if (calls.length === 0) return;
  const { rows } = await pool.query<Taken & { at: Date }>(
    `update bridge_asks set taken_at = now(), taken_by = $1
      where id in (select id from bridge_asks where taken_at is null and call_id = any($2) order by asked_at, id for update skip locked)
      returning id, call_id as call, ask, asked_by as by, asked_at as at`,
    [owner, calls],
  );
  for (const one of rows.sort((a, b) => a.at.getTime() - b.at.getTime() || a.id.localeCompare(b.id))) {
    const read = Ask.safeParse(one.ask);
    const done = read.success && doAsk(one.call, read.data);
    await pool.query("update bridge_asks set done = $2 where id = $1", [one.id, done]);
    await tell(pool, clock, one, done);
  }
}

/** What became of a whisper, on the timeline; the rest tells of itself. */
async function tell(sql: Sql, clock: Clock, { id, call, ask: asked, by }: Taken, done: boolean): Promise<void> {
  const read = Ask.safeParse(asked);
  if (!read.success || read.data.what !== "whisper") return;
  const { how, text } = read.data;
  const said = done
    ? how === "say"
      ? "An operator had the agent say something."
      : "An operator whispered to the agent."
    : "A whisper did not reach the agent: nobody carried the call, or its engine was away.";
  await recordEvent(sql, {
    call,
    at: clock.now(),
    kind: done ? "operator.whispered" : "whisper.failed",
    actor: "operator",
    said,
    detail: { how, text, by },
    once: `whisper ${id}`,
  });
}
