import type pg from "pg";
import type { CallId, RecordingId } from "../ids.ts";
import type { StoredStatus } from "./store.ts";

/** A file that lies in the storage for a recording: what is played, or the sealed original of one that was redacted. */
export interface KeptFile {
  readonly which: "played" | "sealed";
  readonly key: string;
  /** Null: not known, of sealed originals. */
  readonly sizeBytes: number | null;
  readonly sha256: string;
}

/** A recording with all its files. */
export interface Kept {
  readonly id: RecordingId;
  readonly call: CallId | null;
  readonly status: StoredStatus;
  readonly because: string | null;
  /** What the last audit found of the sealed original; null: nothing wrong. */
  readonly sealedBecause: string | null;
  readonly files: readonly KeptFile[];
}

/** On `recordings`: it has a file in the storage. */
export const hasFilesSql = "((storage_key is not null or sealed_key is not null) and status <> 'deleted')";

const PAGE = 500;

interface Row extends Omit<Kept, "files"> {
  readonly key: string | null;
  readonly sizeBytes: number | null;
  readonly sha256: string;
  readonly sealedKey: string | null;
  readonly sealedSha256: string | null;
}

/** Every recording that has files, a page of the database at a time. What comes while it runs may be left out. */
export async function* keptFiles(pool: pg.Pool): AsyncGenerator<Kept> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const { rows } = await pool.query<Row>(
      `select id, call_id as call, status, because, detail->'sealed'->>'because' as "sealedBecause", storage_key as key, size_bytes as "sizeBytes", sha256,
              sealed_key as "sealedKey", sealed_sha256 as "sealedSha256"
         from recordings where ${hasFilesSql} and id > $1 order by id limit ${PAGE}`,
      [after],
    );
    for (const { key, sizeBytes, sha256, sealedKey, sealedSha256, ...kept } of rows) {
      const files: KeptFile[] = [];
      if (key !== null) files.push({ which: "played", key, sizeBytes, sha256 });
      if (sealedKey !== null) files.push({ which: "sealed", key: sealedKey, sizeBytes: null, sha256: sealedSha256 ?? "" });
      yield { ...kept, files };
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** How many files {@link keptFiles} gives. */
export async function countKeptFiles(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select (count(storage_key) + count(sealed_key))::int as n from recordings where ${hasFilesSql}`,
  );
  return rows[0]?.n ?? 0;
}
