import type { Sql } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { expectRecording } from "../recordings/announce.ts";
import { recordConsent, wordsSha256 } from "../recordings/keeping/consent.ts";
import { asksFirst, type ConsentState, type RecordingRules, wants } from "../recordings/policy.ts";

/** Whether the call may be recorded, as far as it is known; null: nobody asked. */
export async function consentOf(sql: Sql, call: CallId): Promise<ConsentState> {
  const { rows } = await sql.query<{ state: ConsentState }>("select recording_consent as state from calls where id = $1", [call]);
  return rows[0]?.state ?? null;
}

/**
 * What the caller is about to be told goes into the ledger, once however often the carrier asks for instructions. `asks`: an answer is awaited, and until it
 * comes the call may not be recorded. In the caller's transaction.
 */
export async function noteAnnounced(sql: Sql, call: CallId, words: string, asks: boolean, at: Date): Promise<void> {
  if (asks) await sql.query("update calls set recording_consent = 'asked' where id = $1 and recording_consent is null", [call]);
  const { rowCount } = await sql.query("select from consents where call_id = $1 and words_sha256 = $2", [call, wordsSha256(words)]);
  if (rowCount === 0) await recordConsent(sql, call, { at, toldBy: "carrier", words, answer: "not_asked", detail: { asks } });
}

/** The one key that agrees. */
const YES = "1";

/**
 * The answer to the question, once: a second one changes nothing. From a yes on the carrier's recording is expected. `digits`: the keys pressed, null
 * for none. In the caller's transaction.
 */
export async function noteAnswered(
  sql: Sql,
  call: CallId,
  rules: RecordingRules,
  { words, digits, at }: { readonly words: string; readonly digits: string | null; readonly at: Date },
): Promise<ConsentState> {
  const answer = digits === null ? "silent" : digits === YES ? "given" : "refused";
  const { rowCount } = await sql.query(
    "update calls set recording_consent = $2 where id = $1 and coalesce(recording_consent, 'asked') = 'asked'",
    [call, answer],
  );
  if (rowCount === 0 || !asksFirst(rules)) return consentOf(sql, call);
  await recordConsent(sql, call, { at, toldBy: "carrier", words, answer, detail: { by: "key", digits } });
  if (wants(rules, answer, "carrier")) await expectRecording(sql, call, "carrier", at);
  return answer;
}
