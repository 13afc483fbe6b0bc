import type pg from "pg";
import { StorageUnreadable, StorageUnwritable, StoredFileLost } from "./failures.ts";
import type { Storage } from "./storage.ts";

/**
 * A folder whose disk is not mounted is an empty folder, and looks like a new one. The database knows better: while a recording names a file, a place
 * in which nothing was ever kept is not our storage. Of no file there can it be said that it is gone, so nothing is lost, deleted or put then; what
 * waits for the storage goes on when it is back.
 */
export function knownStorage(inner: Storage, pool: pg.Pool): Storage {
  const { isBare } = inner;
  if (!isBare) return inner;
  const whyAbsent = async (): Promise<Error | null> => {
    if (!(await isBare())) return null;
    const { rows } = await pool.query<{ kept: boolean }>(
      "select exists (select from recordings where storage_key is not null or sealed_key is not null) as kept",
    );
    return rows[0]?.kept ? new Error(ABSENT) : null;
  };
  const mustBeThere = async (): Promise<void> => {
    const absent = await whyAbsent();
    if (absent) throw new StorageUnreadable(inner.place, absent);
  };
  return {
    ...inner,

    async put(key, body) {
      const absent = await whyAbsent();
      if (absent) throw new StorageUnwritable(inner.place, absent);
      return inner.put(key, body);
    },

    async read(key, range) {
      try {
        return await inner.read(key, range);
      } catch (error) {
        if (error instanceof StoredFileLost) await mustBeThere();
        throw error;
      }
    },

    async head(key) {
      const found = await inner.head(key);
      if (!found) await mustBeThere();
      return found;
    },

    async delete(key) {
      await mustBeThere();
      await inner.delete(key);
    },

    async *list(prefix) {
      await mustBeThere();
      yield* inner.list(prefix);
    },
  };
}

const ABSENT =
  "Nothing is there, though recordings are kept in it: it is not mounted, or another folder. One that is to begin empty needs a folder named recordings in it.";
