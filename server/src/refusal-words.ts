import type { IncomingMessage } from "node:http";

/** Longer answers to a refused handshake are pages for people. */
const MOST_BYTES = 8_192;
const MOST_CHARS = 300;
/** The caller is kept no longer from another attempt, or from an apology. */
const WITHIN_MS = 1_000;

/** What a vendor says for a refusal: its own code, where it has one, and its words; empty where it says nothing that can be read. */
export interface Refusal {
  readonly code: string | null;
  readonly words: string;
}

/**
 * The reason in the body of a refused request, as vendors spell it: `{error: {code, message}}`, `{code, error, message}`, `{detail: [{msg}]}`, or a line
 * of text. A page of HTML tells nothing. Pure.
 */
export function refusalIn(body: string): Refusal {
  const json = objectIn(parsed(body));
  const inner = objectIn(json?.error);
  const first: unknown = Array.isArray(json?.detail) ? json.detail[0] : json?.detail;
  const words = [inner?.message, json?.message, json?.error, objectIn(first)?.msg, first]
    .map(textIn)
    .find((one) => one !== null && one !== "");
  const plain = json === null && !/^\s*</.test(body) ? body : "";
  const text = (words ?? plain).replace(/\s+/g, " ").trim();
  return { code: textIn((inner ?? json)?.code), words: text.slice(0, MOST_CHARS) };
}

/** Reads why a handshake was refused, and ends its connection. Told once and soon, whatever comes; never with `secret` in it. */
export function readRefusal(response: IncomingMessage, secret: string, told: (refusal: Refusal) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const tell = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    response.destroy();
    told(refusalIn(Buffer.concat(parts).toString("utf8").slice(0, MOST_BYTES).replaceAll(secret, "***")));
  };
  const timer = setTimeout(tell, WITHIN_MS);
  response.on("data", (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
    if (bytes >= MOST_BYTES) tell();
  });
  for (const event of ["end", "error", "close"] as const) response.on(event, tell);
}

/** A sentence about a refusal, with the vendor's own words behind it. Pure. */
export const inWords = (sentence: string, { words }: Refusal): string => (words === "" ? `${sentence}.` : `${sentence}: ${ended(words)}`);

const ended = (words: string): string => (/[.!?…]$/.test(words) ? words : `${words}.`);

const objectIn = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null;
const textIn = (value: unknown): string | null => (typeof value === "string" ? value : null);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
