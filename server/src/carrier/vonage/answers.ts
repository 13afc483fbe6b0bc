import { CarrierHasNot, CarrierLimited, CarrierRefused, CarrierUnauthorized } from "../failures.ts";
import type { DialAnswer } from "../port.ts";
import { readLeg } from "./wire.ts";

/** Reading what Vonage answers, and what comes instead of an answer. */

/** An answer to one of our requests; `json` is its parsed body, null when it is empty or no JSON. */
export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
}

const LARGEST_ANSWER = 256 * 1024;

/** An answer's body as text, cut off where no honest answer is as long. */
export async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > LARGEST_ANSWER) {
      await reader.cancel();
      break;
    }
    parts.push(value);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The carrier's reason out of any of its three families of error bodies (vonage-voice §1.3). */
export function wordsOf(json: unknown, text: string): string {
  if (typeof json !== "object" || json === null) return text.replace(/\s+/g, " ").trim().slice(0, 200);
  const told = json as Record<string, unknown>;
  const wrong = Array.isArray(told.invalid_parameters) ? told.invalid_parameters : [];
  const fields = wrong.map((one: { name?: unknown; reason?: unknown } | null) =>
    [one?.name, one?.reason].filter((part) => typeof part === "string").join(": "),
  );
  return [told.title ?? told.error_title ?? told.type, told.detail, ...fields]
    .filter((part) => typeof part === "string" && part !== "")
    .join("; ")
    .slice(0, 300);
}

/** Errors of a connection that never stood: nothing of the request can have reached the carrier. */
export function neverLeft(error: unknown): boolean {
  const code = ((error as Error)?.cause as NodeJS.ErrnoException | undefined)?.code ?? "";
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*)$/.test(
    code,
  );
}

/** Why a request brought no answer, in a word or a few. */
export function reasonOf(error: unknown): string {
  const cause = (error as Error)?.cause as NodeJS.ErrnoException | undefined;
  if ((error as Error)?.name === "TimeoutError") return "it took too long";
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}

/** The body; null when it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What a create-call has come to. */
export function dialAnswer({ status, json, text }: Answer): DialAnswer {
  if (status >= 200 && status < 300) {
    const leg = readLeg(json);
    return leg === null
      ? { dialed: "unknown", text: `The answer (HTTP ${status}) names no leg.` }
      : { dialed: "yes", leg: leg.leg, conversation: leg.conversation };
  }
  if (status === 429) return { dialed: "no", code: "limited", status, text: "We call too often for the account's limit." };
  if (status === 401) return { dialed: "no", code: "unauthorized", status, text: "Our credentials are not accepted." };
  // Trouble on their side may have come after the call was made.
  if (status >= 500 || status === 408) return { dialed: "unknown", text: `The carrier answered HTTP ${status}.` };
  return { dialed: "no", code: "refused", status, text: wordsOf(json, text) };
}

/** A good answer; of any other one the carrier failure is thrown. `what` was asked of `host`. */
export function accepted(answer: Answer, what: string, host: string): Answer {
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status === 401) throw new CarrierUnauthorized(host, status);
  if (status === 404) throw new CarrierHasNot(what, status);
  if (status === 429) throw new CarrierLimited(host);
  throw new CarrierRefused(what, status, wordsOf(answer.json, answer.text));
}
