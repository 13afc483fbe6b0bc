/** The rules of keeping as a form holds them: days as typed, empty for none. Pure. */
import type { KeepRule, LineKept } from "../ask/shapes.ts";

type Row = { agent: string | null; audio: string; transcript: string; journal: string };
/** The row of every agent stands first. */
export type KeepDraft = { rows: readonly Row[]; line: Record<keyof LineKept, string> };
/** What to send: one change of a rule each, and the raw requests' rules if they changed. */
export type Changed = { rules: { agent_id: string | null; what: KeepRule["what"]; days: number | null }[]; line: LineKept | null };

const whats = ["audio", "transcript", "journal"] as const satisfies readonly KeepRule["what"][];
const typed = (days: number | null | undefined): string => (days === null || days === undefined ? "" : String(days));

export function keepDraftOf(rules: readonly KeepRule[], line: LineKept): KeepDraft {
  const agents = [null, ...new Set(rules.map(({ agent_id }) => agent_id).filter((id) => id !== null))];
  const days = (agent: string | null, what: KeepRule["what"]) =>
    typed(rules.find((rule) => rule.agent_id === agent && rule.what === what)?.days);
  return {
    rows: agents.map((agent) => ({
      agent,
      audio: days(agent, "audio"),
      transcript: days(agent, "transcript"),
      journal: days(agent, "journal"),
    })),
    line: { webhooks_days: typed(line.webhooks_days), exchanges_days: typed(line.exchanges_days) },
  };
}

const daysOf = (text: string): number | null => (text.trim() === "" ? null : Number(text));
const isDays = (text: string, least = 1): boolean =>
  text.trim() === "" || (/^\d+$/.test(text.trim()) && Number(text) >= least && Number(text) <= 36_500);

/** What is wrong with what was typed, or null. */
export function wrongIn({ rows, line }: KeepDraft): string | null {
  const typed = [...rows.flatMap(({ audio, transcript }) => [audio, transcript]), ...Object.values(line)];
  const strange = typed.find((text) => !isDays(text)) ?? rows.map(({ journal }) => journal).find((text) => !isDays(text, 0));
  return strange === undefined ? null : `${strange} is no number of days; give 1 to 36,500 (journals from 0), or nothing for ever.`;
}

/** What has to be sent; null when nothing changed. */
export function changesIn(before: KeepDraft, after: KeepDraft): Changed | null {
  const rules = after.rows.flatMap((row) => {
    const old = before.rows.find(({ agent }) => agent === row.agent);
    return whats
      .filter((what) => row[what].trim() !== (old?.[what] ?? ""))
      .map((what) => ({ agent_id: row.agent, what, days: daysOf(row[what]) }));
  });
  const [webhooks_days, exchanges_days] = [after.line.webhooks_days.trim(), after.line.exchanges_days.trim()];
  const same = webhooks_days === before.line.webhooks_days && exchanges_days === before.line.exchanges_days;
  const line = same ? null : { webhooks_days: daysOf(webhooks_days), exchanges_days: daysOf(exchanges_days) };
  return rules.length === 0 && line === null ? null : { rules, line };
}

/** Is anything kept for less long than before? Then it is deleted, and a person is asked once more. */
export function stricter(before: KeepDraft, after: KeepDraft): boolean {
  const for_ = (draft: KeepDraft, agent: string | null, what: KeepRule["what"]): number => {
    const own = draft.rows.find((row) => row.agent === agent)?.[what] ?? "";
    const all = draft.rows.find((row) => row.agent === null)?.[what] ?? "";
    return daysOf(own === "" ? all : own) ?? Number.POSITIVE_INFINITY;
  };
  const agents = new Set([...before.rows, ...after.rows].map(({ agent }) => agent));
  const less = [...agents].some((agent) => whats.some((what) => for_(after, agent, what) < for_(before, agent, what)));
  const of = (text: string) => daysOf(text) ?? Number.POSITIVE_INFINITY;
  return less || (["webhooks_days", "exchanges_days"] as const).some((name) => of(after.line[name]) < of(before.line[name]));
}
