/** What an agent can do beside talking, as a form holds it, and back. Pure. */
import type { AgentTool, HttpTool } from "../ask/shapes.ts";

/** A header nobody may read: `secret` is the id of one that is kept; with a `value` typed it is replaced. */
export type SecretDraft = { name: string; value: string; secret: string | null };
export type HttpDraft = {
  /** Only for the form: which of them it is. */
  key: string;
  name: string;
  description: string;
  url: string;
  method: HttpTool["method"];
  parameters: string;
  /** One a line, `Name: value`. */
  headers: string;
  secrets: readonly SecretDraft[];
  timeout_s: string;
};
export type ToolsDraft = {
  hang_up: boolean;
  send_dtmf: boolean;
  transfer: boolean;
  announcement: string;
  http: readonly HttpDraft[];
};

export const firstTools: ToolsDraft = { hang_up: true, send_dtmf: false, transfer: false, announcement: "", http: [] };

export const newHttp = (key: string): HttpDraft => ({
  key,
  name: "",
  description: "",
  url: "",
  method: "POST",
  parameters: JSON.stringify({ type: "object", properties: {}, required: [] }, null, 2),
  headers: "",
  secrets: [],
  timeout_s: "8",
});

export function toolsDraftOf(tools: readonly AgentTool[]): ToolsDraft {
  const transfer = tools.find(({ kind }) => kind === "transfer");
  return {
    hang_up: tools.some(({ kind }) => kind === "hang_up"),
    send_dtmf: tools.some(({ kind }) => kind === "send_dtmf"),
    transfer: transfer !== undefined,
    announcement: transfer?.kind === "transfer" ? (transfer.announcement ?? "") : "",
    http: tools.flatMap((tool, i) =>
      tool.kind === "http"
        ? [
            {
              key: `${i}`,
              name: tool.name,
              description: tool.description,
              url: tool.url,
              method: tool.method,
              parameters: JSON.stringify(tool.parameters, null, 2),
              headers: tool.headers.map(({ name, value }) => `${name}: ${value}`).join("\n"),
              secrets: tool.secret_headers.map((one) => ({ name: one.name, value: "", secret: "secret" in one ? one.secret : null })),
              timeout_s: String(tool.timeout_ms / 1000),
            },
          ]
        : [],
    ),
  };
}

/** What is wrong, by path: `http.<place in the list>.<field>`. */
export type ToolsWrong = Record<string, string>;

/** The form as the contract has it; the tools of ours first. */
export function toolsOf(draft: ToolsDraft): { tools: AgentTool[] } | { wrong: ToolsWrong } {
  const wrong: ToolsWrong = {};
  const tools: AgentTool[] = [];
  if (draft.hang_up) tools.push({ kind: "hang_up" });
  if (draft.transfer) tools.push({ kind: "transfer", announcement: draft.announcement.trim() === "" ? null : draft.announcement.trim() });
  if (draft.send_dtmf) tools.push({ kind: "send_dtmf" });
  for (const [i, http] of draft.http.entries()) {
    const say = (field: keyof HttpDraft, what: string) => {
      wrong[`http.${i}.${field}`] = what;
    };
    if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(http.name.trim())) say("name", "Begin with a letter; letters, digits and _ only.");
    else if (draft.http.some((other, j) => j < i && other.name.trim() === http.name.trim())) say("name", "Another tool has this name.");
    if (http.description.trim() === "") say("description", "The engine decides by this when to use it.");
    if (URL.parse(http.url.trim()) === null) say("url", "This is no address.");
    const parameters = schemaIn(http.parameters);
    if ("wrong" in parameters) say("parameters", parameters.wrong);
    const headers = headersIn(http.headers);
    if (headers === null) say("headers", "One a line, as Name: value.");
    const seconds = Number(http.timeout_s.replace(",", "."));
    if (!(seconds >= 0.5 && seconds <= 30)) say("timeout_s", "0.5 to 30 seconds.");
    if (http.secrets.some(({ name, value, secret }) => name.trim() === "" || (value === "" && secret === null)))
      say("secrets", "Each needs a name and a value.");
    if ("wrong" in parameters || headers === null) continue;
    tools.push({
      kind: "http",
      name: http.name.trim(),
      description: http.description.trim(),
      parameters: parameters.schema,
      url: http.url.trim(),
      method: http.method,
      headers,
      secret_headers: http.secrets.map(({ name, value, secret }) =>
        value === "" && secret !== null ? { name: name.trim(), secret } : { name: name.trim(), value },
      ),
      timeout_ms: Math.round(seconds * 1000),
    });
  }
  return Object.keys(wrong).length > 0 ? { wrong } : { tools };
}

/** Where a tool of the form stands among those that are sent: ours come first. */
export const placeOf = (draft: ToolsDraft, http: number): number =>
  [draft.hang_up, draft.transfer, draft.send_dtmf].filter(Boolean).length + http;

function schemaIn(text: string): { schema: Record<string, unknown> } | { wrong: string } {
  try {
    const value: unknown = text.trim() === "" ? { type: "object", properties: {} } : JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { wrong: "A JSON Schema is an object." };
    return { schema: value as Record<string, unknown> };
  } catch (error) {
    return { wrong: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function headersIn(text: string): { name: string; value: string }[] | null {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const headers = lines.map((line) => /^\s*([^:\s]+)\s*:\s*(.+?)\s*$/.exec(line));
  return headers.every((found) => found !== null) ? headers.map((found) => ({ name: found[1] ?? "", value: found[2] ?? "" })) : null;
}

/** The arguments a schema asks for, as a line a person reads: `order (string, needed), note (string)`; null when it cannot be told. */
export function argumentsSaid(text: string): string | null {
  const read = schemaIn(text);
  if ("wrong" in read) return null;
  const { properties, required } = read.schema;
  if (typeof properties !== "object" || properties === null) return null;
  const needed = new Set(Array.isArray(required) ? required : []);
  const names = Object.entries(properties as Record<string, { type?: unknown } | null>).map(([name, schema]) => {
    const facts = [typeof schema?.type === "string" ? schema.type : null, needed.has(name) ? "needed" : null].filter(Boolean);
    return facts.length === 0 ? name : `${name} (${facts.join(", ")})`;
  });
  return names.length === 0 ? "no arguments" : names.join(", ");
}
