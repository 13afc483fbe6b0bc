import type { Sql } from "../db/pool.ts";

/** A vocabulary of emotions. A name keeps its place for ever; new ones are added at the end. */
export interface EmotionSet {
  readonly id: number;
  readonly name: string;
  readonly names: readonly string[];
}

/** The vocabularies this process has met; a set remembered here is at most shorter than the one in the database. */
export interface EmotionSets {
  /** The vocabulary `name`, grown first by those of `used` it lacks. Safe with any number of processes growing it at once. */
  having(name: string, used: Iterable<string>): Promise<EmotionSet>;
}

/**
 * Opens the store of vocabularies (table emotion_sets). `sql` must commit by itself (the pool): a set must not vanish with
 * somebody's transaction while it is remembered here.
 */
export function openEmotionSets(sql: Sql): EmotionSets {
  const remembered = new Map<string, { set: EmotionSet; has: Set<string> }>();

  return {
    async having(name, used) {
      const wanted = [...used];
      const known = remembered.get(name);
      if (known !== undefined && wanted.every((word) => known.has.has(word))) return known.set;
      const set = await grow(sql, name, [...new Set(wanted)]);
      remembered.set(name, { set, has: new Set(set.names) });
      return set;
    },
  };
}

/**
 * Reads before it writes: an insert that ends in a conflict would use up one of the 32,767 ids each time.
 * The update waits for a concurrent one and then adds only what is still missing, so that two processes never give one place twice.
 */
async function grow(sql: Sql, name: string, wanted: string[]): Promise<EmotionSet> {
  for (;;) {
    const there = await sql.query<EmotionSet>("select id, name, names from emotion_sets where name = $1", [name]);
    const set = there.rows[0];
    if (set === undefined) {
      await sql.query("insert into emotion_sets (name, names) values ($1, '{}') on conflict (name) do nothing", [name]);
      continue;
    }
    if (wanted.every((word) => set.names.includes(word))) return set;
    const grown = await sql.query<EmotionSet>(
      `update emotion_sets
          set names = names || array(select word from unnest($2::text[]) with ordinality as wanted (word, place)
                                      where word <> all (emotion_sets.names) order by place)
        where name = $1
       returning id, name, names`,
      [name, wanted],
    );
    if (grown.rows[0] !== undefined) return grown.rows[0];
  }
}
