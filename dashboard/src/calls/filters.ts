import { CallStatus, Direction, EndReason, RecordingStatus } from "../ask/shapes.ts";
import { looksLikeNumber } from "../words/phone-number.ts";
import { dayStart } from "../words/time.ts";

/** What narrows the list of calls: exactly what stands in the address, so a view can be sent to somebody. */
export type Filters = {
  q?: string;
  status?: "live" | CallStatus;
  direction?: Direction;
  end?: EndReason;
  recording?: RecordingStatus;
  agent?: string;
  /** Local days, `2026-11-22`, both included. */
  from?: string;
  to?: string;
};

const Uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const oneOf = <T extends string>(names: readonly T[], value: unknown): T | undefined => names.find((name) => name === value);
const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value).trim() : "");

/** Reads an address. What is no filter, or no value of it, is dropped: a mistyped address shows more, not an error. */
export function filtersFrom(search: Readonly<Record<string, unknown>>): Filters {
  const filters: Filters = {};
  const q = text(search.q).slice(0, 200);
  if (q !== "") filters.q = q;
  const status = oneOf(["live", ...CallStatus.options], search.status);
  if (status) filters.status = status;
  const direction = oneOf(Direction.options, search.direction);
  if (direction) filters.direction = direction;
  const end = oneOf(EndReason.options, search.end);
  if (end) filters.end = end;
  const recording = oneOf(RecordingStatus.options, search.recording);
  if (recording) filters.recording = recording;
  const agent = text(search.agent);
  if (Uuid.test(agent)) filters.agent = agent;
  for (const side of ["from", "to"] as const) {
    const day = text(search[side]);
    if (dayStart(day) !== null) filters[side] = day;
  }
  return filters;
}

/** The query of GET /api/calls: digits search numbers, words search the transcript and the name, days become moments of this zone. */
export function queryOf(filters: Filters, cursor: string | null, limit: number): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string | null | undefined) => {
    if (value) query.set(name, value);
  };
  if (filters.q) set(looksLikeNumber(filters.q) ? "number" : "search", filters.q);
  set("status", filters.status);
  set("direction", filters.direction);
  set("end_reason", filters.end);
  set("recording", filters.recording);
  set("agent_id", filters.agent);
  set("from", filters.from && dayStart(filters.from));
  set("to", filters.to && dayStart(filters.to, true));
  set("cursor", cursor);
  set("limit", String(limit));
  return query.toString();
}

/** How many filters are set, the search box aside. */
export const setCount = (filters: Filters): number => Object.keys(filters).filter((name) => name !== "q").length;

/** Can a call that is still running be in this view? If not, the live rows on top are left out. */
export const allowsLive = (filters: Filters): boolean =>
  filters.end === undefined && filters.status !== "ended" && (filters.status === undefined || filters.status === "live");
