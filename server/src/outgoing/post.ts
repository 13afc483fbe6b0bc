import { ask } from "./request.ts";

/** What came of one attempt. */
export type Posted = { readonly answered: number } | { readonly failed: string };

/** An answer is for the status; of its body nothing is kept. */
const MOST_ANSWER_BYTES = 64 * 1024;

/** Posts JSON (request.ts); what counts is the status. Never throws. @param local addresses of this machine are allowed */
export async function post(
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { timeoutMs, local }: { timeoutMs: number; local: boolean },
): Promise<Posted> {
  const came = await ask(address, { method: "POST", headers, body, timeoutMs, local, mostBytes: MOST_ANSWER_BYTES });
  return "failed" in came ? came : { answered: came.answered };
}
