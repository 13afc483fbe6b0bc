import type { Consent, Deletion, Keeping, Redaction } from "@earshot/contract/keeping";
import type { Sql } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { consentsOf } from "./consent.ts";

const iso = (at: Date): string => at.toISOString();
const isoOrNull = (at: Date | null): string | null => at?.toISOString() ?? null;

/** What was decided about keeping a call's parts: hold, deletions with their receipts, redactions, and what was said about being recorded. */
export async function keepingOf(sql: Sql, call: CallId): Promise<Keeping> {
  const { rows: holds } = await sql.query<{ why: string; at: Date; by: string }>(
    "select why, placed_at as at, placed_by as by from holds where call_id = $1 and lifted_at is null",
    [call],
  );
  const { rows: deletions } = await sql.query<Omit<Deletion, "asked_at" | "done_at"> & { asked_at: Date; done_at: Date | null }>(
    "select id, asked_at, asked_by, because, what, done_at, case when done_at is null then null else receipt end as receipt from deletions where call_id = $1 order by asked_at, id",
    [call],
  );
  const { rows: redactions } = await sql.query<Omit<Redaction, "asked_at" | "done_at"> & { asked_at: Date; done_at: Date | null }>(
    "select id, from_ms, to_ms, side, original, why, asked_at, asked_by, done_at from redactions where call_id = $1 order by from_ms, id",
    [call],
  );
  const consents = await consentsOf(sql, call);
  const [hold] = holds;
  return {
    hold: hold === undefined ? null : { why: hold.why, placed_at: iso(hold.at), placed_by: hold.by },
    deletions: deletions.map((row) => ({ ...row, asked_at: iso(row.asked_at), done_at: isoOrNull(row.done_at) })),
    redactions: redactions.map((row) => ({ ...row, asked_at: iso(row.asked_at), done_at: isoOrNull(row.done_at) })),
    consents: consents.map(
      ({ at, toldBy, words, wordsSha256, answer }): Consent => ({
        at: iso(at),
        told_by: toldBy,
        words,
        words_sha256: wordsSha256,
        answer,
      }),
    ),
  };
}
