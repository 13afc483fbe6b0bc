import type { FastifyPluginCallback } from "fastify";
import type pg from "pg";
import type { Logger } from "pino";
import type { z } from "zod";
import type { Clock } from "../clock.ts";
import type { CallId } from "../ids.ts";
import type { Engine } from "./port.ts";

/**
 * A kind of engine there can be: all that the rest of the house knows of it before it is opened. The table is `kinds.ts`; a new one is a row there and
 * a folder beside it (docs/decisions/0010-how-an-engine-is-added.md).
 */
export interface EngineKind {
  /** As agents' settings, rows and prices name it: lower case, digits and dashes. */
  readonly name: string;
  /** As people read it. */
  readonly title: string;
  /** The environment variables it is configured by, each with what it takes; whatever is wrong is reported with all other problems. */
  readonly variables: z.ZodRawShape;
  /** Those without which it is not there. One of the others alone is a mistake, and is said to be one. */
  readonly needs: readonly [string, ...string[]];
  /** Those that open a door: taken out of the environment once they are read. */
  readonly secrets: readonly string[];
  /** Older name of a variable -> ours. */
  readonly olderNames?: Readonly<Record<string, string>>;
  /** Its settings, when all that it needs is there. Pure. */
  settings(variables: Readonly<Record<string, unknown>>): unknown;
  /** Where it is, as whoever starts the house reads it: "Hume EVI at api.hume.ai". */
  describe(settings: unknown): string;
  /** Makes it. What it needs of code is loaded here and not before: configuration is read by programs that talk to nobody. */
  open(settings: unknown, house: EngineHouse): Promise<OpenedEngine>;
}

/** What an engine may need of the house. */
export interface EngineHouse {
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly pool: pg.Pool;
  /** Origin under which its vendor may reach us; no slash at the end. */
  readonly publicUrl: string;
  /** Its vendor says that a session is over which, as far as we know, still runs. */
  readonly onUnnoticedEnd: (call: CallId, session: string) => void;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** Where its vendor tells us of things; absent: nowhere. */
  readonly door?: FastifyPluginCallback;
  close?(): unknown;
}

/** A kind, with its variables and settings of one type. */
export function engineKind<const Shape extends z.ZodRawShape, Settings>(kind: {
  readonly name: string;
  readonly title: string;
  readonly variables: Shape;
  readonly needs: readonly [keyof Shape & string, ...(keyof Shape & string)[]];
  readonly secrets: readonly (keyof Shape & string)[];
  readonly olderNames?: Readonly<Record<string, keyof Shape & string>>;
  settings(variables: z.output<z.ZodObject<Shape>>): Settings;
  describe(settings: Settings): string;
  open(settings: Settings, house: EngineHouse): Promise<OpenedEngine>;
}): EngineKind & { settings(variables: Readonly<Record<string, unknown>>): Settings } {
  return kind as unknown as EngineKind & { settings(variables: Readonly<Record<string, unknown>>): Settings };
}

export interface OpenedEngines {
  /** By name, in the order of the table. A name from outside is no other property of it. */
  readonly engines: Readonly<Record<string, Engine>>;
  readonly doors: readonly FastifyPluginCallback[];
  /** What is to be closed with the house. */
  readonly parts: readonly { readonly name: string; close(): unknown }[];
}

/** Opens the kinds that are configured. @param settings by name, as configuration read them */
export async function openEngines(
  kinds: readonly EngineKind[],
  settings: Readonly<Record<string, unknown>>,
  house: EngineHouse,
): Promise<OpenedEngines> {
  const engines: Record<string, Engine> = Object.create(null);
  const doors: FastifyPluginCallback[] = [];
  const parts: { name: string; close(): unknown }[] = [];
  for (const kind of kinds) {
    if (!Object.hasOwn(settings, kind.name)) continue;
    const { engine, door, close } = await kind.open(settings[kind.name], house);
    engines[kind.name] = engine;
    if (door !== undefined) doors.push(door);
    if (close !== undefined) parts.push({ name: kind.title, close });
  }
  return { engines, doors, parts };
}
