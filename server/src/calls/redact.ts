/** Names whose values open something. `signature` only proves, but together with a body it invites a replay. */
const secret = /token|secret|password|authorization|cookie|signature|api[_-]?key|private[_-]?key|^jwt$/i;
const HIDDEN = "[redacted]";

const jwt = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g;
/** What follows /media/<carrier>/ opens a call's audio once; the slashes may be escaped as in JSON, or percent-encoded as in a query. */
const audioToken = /((?:\\?\/|%2F)media(?:\\?\/|%2F)[\w-]+(?:\\?\/|%2F))[\w-]+/gi;

/** The same value with secrets hidden, at any depth, also inside its texts. Headers, bodies and details are shown to people only after this. */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return hideIn(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, secret.test(name) && typeof inner === "string" ? HIDDEN : redact(inner)]),
  );
}

/** A body as text: JSON with its secrets hidden, anything else as it is but for what looks like a JWT or opens a call's audio. */
export function redactText(text: string): string {
  try {
    return JSON.stringify(redact(JSON.parse(text)));
  } catch {
    return hideIn(text);
  }
}

/** Path and query, values of secret-sounding names hidden. */
export function redactUrl(url: string): string {
  const [path = "", query] = url.split("?", 2);
  if (query === undefined) return hideIn(path);
  const parts = query.split("&").map((part) => {
    const [name = ""] = part.split("=", 1);
    return secret.test(name) || /eyJ[\w-]{8,}\./.test(part) ? `${name}=${HIDDEN}` : hideIn(part);
  });
  return `${hideIn(path)}?${parts.join("&")}`;
}

function hideIn(text: string): string {
  return text.replace(jwt, HIDDEN).replace(audioToken, `$1${HIDDEN}`);
}
