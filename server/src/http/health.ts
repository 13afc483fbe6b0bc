import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { migrationsFolder, readMigrations } from "../db/migrate.ts";
import type { Door, DoorParts } from "./door.ts";
import { NotReady } from "./failures.ts";

/** A condition of being ready: `check` rejects when it does not hold. `name` is shown, the reason only logged. */
export interface ReadyCheck {
  readonly name: string;
  check(): Promise<void>;
}

/** A database that takes longer than this for a row is not ready to serve. */
const PATIENCE_MS = 3_000;

/** Is the process alive, and can it serve? For load balancers, which have no credential and learn nothing here. */
export function healthRoutes(door: Door, parts: DoorParts): void {
  const access = { open: "load balancers ask; it says nothing but yes or no", uncounted: true } as const;
  const checks: readonly ReadyCheck[] = [{ name: "the database", check: () => databaseIsReady(parts) }, ...(parts.ready ?? [])];

  door.get(
    "/healthz",
    {
      config: { access, quiet: true },
      schema: { summary: "The process is alive", tags: ["operation"], response: { 200: z.object({ ok: z.literal(true) }) } },
    },
    async () => ({ ok: true as const }),
  );

  door.get(
    "/readyz",
    {
      config: { access, quiet: true },
      schema: {
        summary: "It can serve: database reached, migrations done",
        tags: ["operation"],
        response: { 200: z.object({ ok: z.literal(true) }) },
      },
    },
    async () => {
      for (const { name, check } of checks) {
        await within(PATIENCE_MS, check()).catch((cause: unknown) => {
          throw Object.assign(new NotReady(`${name} is not there`), { cause });
        });
      }
      return { ok: true as const };
    },
  );
}

async function databaseIsReady({ pool }: DoorParts): Promise<void> {
  const wanted = (await readMigrations(migrationsFolder)).length;
  const { rows } = await pool.query<{ done: number }>("select count(*)::int as done from schema_migrations");
  if ((rows[0]?.done ?? 0) < wanted) throw new Error(`${rows[0]?.done} of ${wanted} migrations are done`);
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = new AbortController();
  try {
    await Promise.race([
      work,
      wait(ms, undefined, { signal: late.signal, ref: false }).then(() => {
        throw new Error(`no answer within ${ms} ms`);
      }),
    ]);
  } finally {
    late.abort();
  }
}
