import type pg from "pg";

/** An upload that goes to the storage in parts. */
export interface BegunUpload {
  /** {@link Storage.place} of the bucket. */
  readonly place: string;
  /** The object's whole name in the bucket. */
  readonly key: string;
  /** The storage's own id of it. */
  readonly upload: string;
}

/**
 * Which uploads in parts have begun and not ended: what one of a killed process has sent lies in the bucket, is paid for, holds somebody's voice, and no
 * listing of objects shows it. Rows, so that whoever comes next finds them.
 */
export interface BegunUploads {
  begun(upload: BegunUpload): Promise<void>;
  ended(upload: BegunUpload): Promise<void>;
  /** Of this place: those that began before a moment, and those of objects whose name begins like this. */
  left(place: string, of: { readonly before: Date } | { readonly prefix: string }): Promise<BegunUpload[]>;
}

/** Of a place that is not used any more nothing can be asked; the rows go after so long. */
const FORGOTTEN = "interval '40 days'";

export function begunUploads(pool: pg.Pool): BegunUploads {
  return {
    async begun({ place, key, upload }) {
      await pool.query("insert into begun_uploads (place, key, upload) values ($1, $2, $3) on conflict do nothing", [place, key, upload]);
    },
    async ended({ place, key, upload }) {
      await pool.query("delete from begun_uploads where place = $1 and key = $2 and upload = $3", [place, key, upload]);
    },
    async left(place, of) {
      await pool.query(`delete from begun_uploads where begun_at < now() - ${FORGOTTEN}`);
      const { rows } = await pool.query<BegunUpload>(
        `select place, key, upload from begun_uploads
          where place = $1 and case when $3::text is null then begun_at < $2 else starts_with(key, $3) end order by begun_at limit 1000`,
        "before" in of ? [place, of.before, null] : [place, null, of.prefix],
      );
      return rows;
    },
  };
}
