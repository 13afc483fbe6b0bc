import type { LegEnd } from "../port.ts";

/** What one of the carrier's statuses means in our words. */
export type Meaning =
  | { readonly happened: "started" | "ringing" | "answered" | "human" | "machine" | "disconnected" }
  | { readonly happened: "ended"; readonly end: LegEnd; readonly details: Readonly<Record<string, LegEnd>> };

const ended = (end: LegEnd, details: Readonly<Record<string, LegEnd>> = {}): Meaning => ({ happened: "ended", end, details });

/**
 * Every status Vonage documents (vonage-voice §2.4 for REST, §6.2 for webhooks), with the details that change its meaning.
 * A detail that is not listed keeps the status's own meaning: Vonage's SDKs keep an "unmapped" value there, so must we.
 * `restricted` and `cannot_route`: blocked destinations come as the first from the callee's network, as the second from Vonage (§9.3).
 */
export const statuses: Readonly<Record<string, Meaning>> = {
  started: { happened: "started" },
  ringing: { happened: "ringing" },
  answered: { happened: "answered" },
  human: { happened: "human" },
  machine: { happened: "machine" },
  disconnected: { happened: "disconnected" },
  busy: ended("busy"),
  cancelled: ended("cancelled"),
  timeout: ended("no_answer"),
  unanswered: ended("no_answer", { unavailable: "no_answer", timeout: "no_answer", carrier_timeout: "no_answer" }),
  rejected: ended("declined", { invalid_number: "invalid_number", restricted: "restricted", declined: "declined" }),
  failed: ended("failed", { cannot_route: "unreachable", number_out_of_service: "unreachable", internal_error: "failed" }),
  completed: ended("completed"),
};

/** The meaning of a status with its detail; null for a status nobody knows yet. Both are compared without case. */
export function meaningOf(
  status: string,
  detail: string | null,
): { readonly happened: Exclude<Meaning["happened"], "ended"> } | { readonly happened: "ended"; readonly end: LegEnd } | null {
  const name = status.toLowerCase();
  const meaning = Object.hasOwn(statuses, name) ? (statuses[name] as Meaning) : null;
  if (meaning === null || meaning.happened !== "ended") return meaning;
  const word = detail?.toLowerCase() ?? "";
  return { happened: "ended", end: Object.hasOwn(meaning.details, word) ? (meaning.details[word] as LegEnd) : meaning.end };
}
