/**
 * On `recordings`: a file that can be held against the other one of its call, and was not. A call with two of them, ours and the carrier's, is to be
 * compared. The words are those of the index recordings_uncompared.
 */
export const uncomparedSql = `storage_key is not null and status in ('verified', 'failed') and source in ('carrier', 'journal') and not detail ? 'comparison'
  and call_id is not null and duration_ms > 0 and coalesce(because, '') not in ('STORED_FILE_LOST', 'STORED_FILE_ROTTEN')`;
