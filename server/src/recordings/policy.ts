import type { AgentSettings } from "@earshot/contract/agent";
import type { RecordingSource } from "@earshot/contract/recording";

/** What became of the question whether a call may be recorded; null: nobody asked. */
export type ConsentState = "asked" | "given" | "refused" | "silent" | null;

/** What of an agent decides about recording. */
export type RecordingRules = Pick<AgentSettings, "record" | "recording">;

/** An agent without a policy of its own: both independent recordings, nobody asked. */
const usualSources: readonly RecordingSource[] = ["carrier", "journal"];

/** Does the agent want this source of its calls, and may it be made? Pure; the same in SQL: {@link wantsSql}. */
export function wants({ record, recording }: RecordingRules, consent: ConsentState, source: RecordingSource): boolean {
  return record && (recording?.sources ?? usualSources).includes(source) && (recording?.consent !== "ask" || consent === "given");
}

/** Is the caller to be asked first? */
export const asksFirst = ({ record, recording }: RecordingRules): boolean => record && recording?.consent === "ask";

/** {@link wants} on `calls c left join agent_versions v`. False for a call without an agent, or met by none. */
export const wantsSql = (source: RecordingSource): string =>
  `(c.closed_at is null and coalesce((v.settings->>'record')::boolean, false)
    and coalesce(v.settings->'recording'->'sources', '${JSON.stringify(usualSources)}') ? '${source}'
    and (coalesce(v.settings->'recording'->>'consent', 'none') <> 'ask' or coalesce(c.recording_consent, '') = 'given'))`;
