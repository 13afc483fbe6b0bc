import { createHash } from "node:crypto";
import { recordEvent } from "../../calls/events.ts";
import type { Sql } from "../../db/pool.ts";
import { type CallId, newId } from "../../ids.ts";

/** What a party was told about being recorded, and what was answered. Never changed: a later answer is another row. */
export interface Consent {
  readonly at: Date;
  /** Who said it: the agent's first words, a sentence the carrier played, a person, or a contract made before. */
  readonly toldBy: "agent" | "carrier" | "operator" | "contract";
  /** As spoken; null when the words are kept elsewhere and only their hash here. */
  readonly words: string | null;
  /** SHA-256 of the words, hex: the same announcement has the same hash in every call. */
  readonly wordsSha256: string;
  readonly answer: "given" | "refused" | "silent" | "not_asked";
  readonly detail: Readonly<Record<string, unknown>>;
}

export const wordsSha256 = (words: string): string => createHash("sha256").update(words, "utf8").digest("hex");

/** Writes an announcement or an answer into the ledger, with its event, in the caller's transaction. */
export async function recordConsent(
  sql: Sql,
  call: CallId,
  {
    at,
    toldBy,
    words,
    answer,
    detail = {},
    keepWords = true,
  }: {
    at: Date;
    toldBy: Consent["toldBy"];
    words: string;
    answer: Consent["answer"];
    detail?: Record<string, unknown>;
    keepWords?: boolean;
  },
): Promise<void> {
  const hash = wordsSha256(words);
  await sql.query(
    "insert into consents (id, call_id, at, told_by, words, words_sha256, answer, detail) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    [newId(), call, at, toldBy, keepWords ? words : null, hash, answer, detail],
  );
  const said = {
    given: "Consent to the recording was given.",
    refused: "The recording was refused.",
    silent: "The recording was announced; nothing was answered.",
    not_asked: "The recording was announced.",
  }[answer];
  await recordEvent(sql, {
    call,
    at,
    kind: `consent.${answer}`,
    actor: toldBy === "agent" ? "agent" : toldBy === "carrier" ? "carrier" : "operator",
    said,
    detail: { told_by: toldBy, words_sha256: hash },
  });
}

export async function consentsOf(sql: Sql, call: CallId): Promise<Consent[]> {
  const { rows } = await sql.query<Consent>(
    `select at, told_by as "toldBy", words, words_sha256 as "wordsSha256", answer, detail from consents where call_id = $1 order by at, id`,
    [call],
  );
  return rows;
}
