import type pg from "pg";
import { z } from "zod";
import { isAway } from "../db/away.ts";
import type { CallId } from "../ids.ts";
import type { Kept } from "../journal/kept.ts";
import type { Prices } from "../prices.ts";
import { sessionDropped, sessionEnded, sessionReady, sessionsOver } from "./engine-sessions.ts";
import { type NewEvent, recordEvent, recordEvents } from "./events.ts";
import { audioHeard, engineOpened } from "./load.ts";
import { recordSessionTimes, recordUsage } from "./usage.ts";

/**
 * What a process learns of a call beside its words, as it goes to the database and into the call's journal: there it waits for whoever finishes the
 * journal, should the process die, or the database be away for too long. Written twice, it is there once.
 */
const Fact = z.discriminatedUnion("fact", [
  z.object({
    fact: z.literal("event"),
    /** Makes it the same event when it is written again. */
    key: z.string(),
    at: z.coerce.date(),
    kind: z.string(),
    actor: z.enum(["caller", "agent", "operator", "carrier", "engine", "us"]),
    said: z.string(),
    detail: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ fact: z.literal("audio started"), at: z.coerce.date() }),
  z.object({
    fact: z.literal("session ready"),
    engine: z.string(),
    session: z.string(),
    resume: z.string().nullable(),
    at: z.coerce.date(),
  }),
  z.object({ fact: z.literal("session ended"), engine: z.string(), session: z.string(), at: z.coerce.date() }),
  z.object({ fact: z.literal("session dropped"), engine: z.string(), session: z.string(), at: z.coerce.date() }),
  z.object({
    fact: z.literal("usage"),
    /** Becomes the row's id. */
    key: z.uuid(),
    engine: z.string(),
    session: z.string().nullable(),
    at: z.coerce.date(),
    raw: z.record(z.string(), z.unknown()),
  }),
]);
export type CallFact = z.infer<typeof Fact>;

/** A fact as the journal holds it: whose it is, and what. */
const Journaled = z.object({ process: z.string(), what: Fact });

export const factText = (process: string, what: CallFact): string => JSON.stringify({ process, what });

/** Writes a fact that `process` learned. Throws what the database throws. */
export async function writeFact(pool: pg.Pool, call: CallId, process: string, prices: Prices, what: CallFact): Promise<void> {
  switch (what.fact) {
    case "event":
      await recordEvent(pool, eventOf(call, what));
      return;
    case "audio started":
      return audioHeard(pool, call, what.at);
    case "session ready":
      await engineOpened(pool, call, process, { name: what.engine, session: what.session, resume: what.resume });
      return sessionReady(pool, call, process, what);
    case "session ended":
      return sessionEnded(pool, what.engine, what.session, what.at);
    case "session dropped":
      return sessionDropped(pool, what.engine, what.session, what.at);
    case "usage":
      return recordUsage(pool, { call, id: what.key, engine: what.engine, session: what.session, at: what.at, raw: what.raw }, prices);
  }
}

const eventOf = (call: CallId, { fact: _, key, detail, ...event }: CallFact & { fact: "event" }): NewEvent => ({
  call,
  ...event,
  ...(detail && { detail }),
  once: `fact ${key}`,
});

/** Does `deed`, or `instead` when the database refuses it. Throws what the database throws that is away. */
async function unlessRefused(deed: () => Promise<unknown>, instead: () => Promise<unknown> = async () => {}): Promise<void> {
  try {
    await deed();
  } catch (error) {
    if (isAway(error)) throw error;
    await instead();
  }
}

/**
 * Brings what `process` had learned of a call from its journal into the rows, and closes its engine sessions where
 * its part of the journal ends. What the database refuses is left out. Done twice, the second changes nothing.
 * Rejects when the database does not answer.
 */
export async function restoreFacts(
  parts: { readonly pool: pg.Pool; readonly prices: Prices },
  call: CallId,
  process: string,
  { facts, ends }: Kept,
): Promise<void> {
  const { pool, prices } = parts;
  const ours = facts.flatMap(({ json, part }) => {
    const read = Journaled.safeParse(json);
    return read.success && read.data.process === process ? [{ what: read.data.what, part }] : [];
  });
  await writeEvents(
    pool,
    ours.flatMap(({ what }) => (what.fact === "event" ? [eventOf(call, what)] : [])),
  );
  for (const { what } of ours) if (what.fact !== "event") await unlessRefused(() => writeFact(pool, call, process, prices, what));
  const end = Math.max(...ours.map(({ what, part }) => Math.max(what.at.getTime(), ends[part] ?? 0)));
  if (ours.length === 0) return;
  await sessionsOver(pool, call, process, new Date(end));
  await recordSessionTimes(pool, call, process, prices);
}

/** Of what any process learned of a call only the events of its timeline. Done twice, the second changes nothing. */
export async function restoreEvents(pool: pg.Pool, call: CallId, { facts }: Kept): Promise<void> {
  await writeEvents(
    pool,
    facts.flatMap(({ json }) => {
      const read = Journaled.safeParse(json);
      return read.success && read.data.what.fact === "event" ? [eventOf(call, read.data.what)] : [];
    }),
  );
}

const writeEvents = (pool: pg.Pool, events: readonly NewEvent[]): Promise<void> =>
  unlessRefused(
    () => recordEvents(pool, events),
    () => Promise.all(events.map((event) => unlessRefused(() => recordEvent(pool, event)))),
  );
