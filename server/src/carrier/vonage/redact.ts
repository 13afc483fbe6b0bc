import { claimsOf } from "./signature.ts";

/** One-time tokens of audio sockets: path segment after /media/vonage/, also percent-encoded inside a query. */
const TOKEN = /((?:\/|%2F)media(?:\/|%2F)vonage(?:\/|%2F))[A-Za-z0-9_-]+/gi;

/** A text (URL, body) without the tokens that would open a call's audio. */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN, "$1[token]");
}

/** Headers as they may be kept: the authorization reduced to its claims, cookies gone, texts bounded. */
export function keptHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers).slice(0, 60)) {
    if (value === undefined || name === "cookie") continue;
    if (name === "authorization") kept[name] = { claims: claimsOf(typeof value === "string" ? value : value[0]) };
    else kept[name] = withoutTokens(String(value)).replaceAll("\0", "").toWellFormed().slice(0, 500);
  }
  return kept;
}
