/** Reading what Vonage answers, and what comes instead of an answer. */

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
