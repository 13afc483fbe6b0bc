import type { HttpTool } from "@earshot/contract/tool";
import { type Answered, ask } from "../outgoing/request.ts";
import type { Arguments } from "./arguments.ts";
import type { ToolResult } from "./result.ts";

/** More is not read of an answer, and no more is given to an engine: it pays for every word, again at every turn. */
const MOST_ANSWER_BYTES = 64 * 1024;
const MOST_RESULT_CHARS = 4_000;
const MOST_URL_CHARS = 8_000;

/**
 * Calls an HTTP tool. GET and DELETE have the arguments in the query, the others as a JSON body. Never throws: what went wrong is a short text
 * that an engine can tell a caller about.
 * @param ids of the call and of this use of the tool; the second makes a repetition known to the other side
 * @param secrets values of the secret headers
 */
export async function callHttpTool(
  tool: Pick<HttpTool, "url" | "method" | "headers" | "timeout_ms">,
  args: Arguments,
  {
    call,
    use,
    secrets,
    local,
    signal,
  }: {
    readonly call: string;
    readonly use: string;
    readonly secrets: Readonly<Record<string, string>>;
    readonly local: boolean;
    readonly signal: AbortSignal;
  },
): Promise<ToolResult> {
  const inQuery = tool.method === "GET" || tool.method === "DELETE";
  const url = inQuery ? withQuery(tool.url, args) : tool.url;
  if (url.length > MOST_URL_CHARS) return { ok: false, text: "The arguments are too long for this tool." };
  const came = await ask(url, {
    method: tool.method,
    headers: {
      accept: "application/json, text/*",
      ...Object.fromEntries(tool.headers.map(({ name, value }) => [name.toLowerCase(), value])),
      ...secrets,
      "user-agent": "Earshot",
      "earshot-call": call,
      "idempotency-key": `${call}:${use}`.slice(0, 250),
    },
    body: inQuery ? null : JSON.stringify(args),
    timeoutMs: tool.timeout_ms,
    local,
    mostBytes: MOST_ANSWER_BYTES,
    signal,
  });
  const result = resultOf(came, tool.timeout_ms);
  return { ...result, text: withoutSecrets(result.text, Object.values(secrets)) };
}

/** What came back, as the engine is told. Pure. */
export function resultOf(came: Answered, timeoutMs: number): ToolResult {
  if ("failed" in came) return { ok: false, text: `The tool could not be reached: ${came.failed}.` };
  const { answered: status } = came;
  const failed = (text: string): ToolResult => ({ ok: false, text, status });
  if (status >= 300 && status < 400) return failed("The tool answered with a redirect, which is not followed.");
  if (came.whole === "broken off") return failed(`The tool's answer was not complete within ${timeoutMs / 1000} s.`);
  if (came.whole === "too long") return failed(`The tool's answer is longer than ${MOST_ANSWER_BYTES / 1024} kB.`);
  if (came.encoding !== "" && came.encoding !== "identity") return failed("The tool's answer is compressed, which was not asked for.");
  const text = came.body.length === 0 ? "" : textOf(came.type, came.body);
  if (text === null) return failed("The tool's answer is neither text nor JSON.");
  if (status < 200 || status >= 300) return failed(`The tool answered ${status}. ${shortened(text, 500)}`.trim());
  return { ok: true, text: text === "" ? "Done." : shortened(text, MOST_RESULT_CHARS), status };
}

function withQuery(address: string, args: Arguments): string {
  const url = URL.parse(address);
  if (url === null) return address;
  for (const [name, value] of Object.entries(args))
    url.searchParams.set(name, typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));
  return url.href;
}

/** The body as text, where its type says that it is one and it is valid UTF-8; JSON without its white space. */
function textOf(type: string, body: Buffer): string | null {
  const kind = type.split(";")[0]?.trim().toLowerCase() ?? "";
  const json = kind === "application/json" || kind.endsWith("+json");
  if (!json && !kind.startsWith("text/")) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body).replaceAll("\u0000", "").trim();
    if (!json) return text;
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A server that repeats what it was sent must not tell the engine, or the timeline, our secrets. */
const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((clean, secret) => clean.replaceAll(secret, "***").replaceAll(JSON.stringify(secret).slice(1, -1), "***"), text);

const shortened = (text: string, most: number): string =>
  text.length <= most
    ? text
    : `${text
        .slice(0, most)
        .replace(/[\ud800-\udbff]$/, "")
        .trimEnd()} … (shortened)`;
