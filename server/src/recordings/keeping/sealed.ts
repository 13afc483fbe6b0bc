import type { RecordingSource } from "@earshot/contract/recording";
import type { Sql } from "../../db/pool.ts";
import type { CallId, RecordingId } from "../../ids.ts";

/** The original of a redacted recording: kept where nothing plays it. */
export interface Sealed {
  readonly recording: RecordingId;
  readonly source: RecordingSource;
  readonly key: string;
  readonly sha256: string;
}

/** The sealed originals of a call. No door hands them out: whoever gets one is written down. */
export async function sealedOf(sql: Sql, call: CallId): Promise<Sealed[]> {
  const { rows } = await sql.query<Sealed>(
    `select id as recording, source, sealed_key as key, sealed_sha256 as sha256 from recordings
      where call_id = $1 and sealed_key is not null and status <> 'deleted' order by source, id`,
    [call],
  );
  return rows;
}
