import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * `t=1772359200,v1=<hex>`: HMAC-SHA-256 with the listener's secret over `<t>.<body>`, t in seconds. The time is signed with the body, so that a telling
 * that was overheard cannot be told again later.
 */
export function signature(secret: string, at: Date, body: string): string {
  const seconds = Math.floor(at.getTime() / 1000);
  return `t=${seconds},v1=${mac(secret, seconds, body)}`;
}

/** How a listener checks a telling; here for our tests and as an example. `withinSeconds` is how old it may be. */
export function signatureHolds(secret: string, header: string, body: string, now: Date, withinSeconds = 300): boolean {
  const [, time, mark] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (!time || !mark || Math.abs(now.getTime() / 1000 - Number(time)) > withinSeconds) return false;
  return timingSafeEqual(Buffer.from(mark), Buffer.from(mac(secret, Number(time), body)));
}

const mac = (secret: string, seconds: number, body: string): string =>
  createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
