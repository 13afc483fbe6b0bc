/** Names whose values open something. `signature` only proves, but together with a body it invites a replay. */
const secret = /token|secret|password|authorization|cookie|signature|api[_-]?key|private[_-]?key|^jwt$/i;
const HIDDEN = "[redacted]";

/** The same value with secrets hidden, at any depth. Headers, bodies and details are shown to people only after this. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, secret.test(name) && typeof inner === "string" ? HIDDEN : redact(inner)]),
  );
}

/** A body as text: JSON with its secrets hidden, anything else as it is but for what looks like a JWT. */
export function redactText(text: string): string {
  const clean = text.replace(/eyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g, HIDDEN);
  try {
    return JSON.stringify(redact(JSON.parse(clean)));
  } catch {
    return clean;
  }
}

/** Path and query, values of secret-sounding names hidden, and whatever follows /media/ is a one-time token. */
export function redactUrl(url: string): string {
  const [path = "", query] = url.split("?", 2);
  const shown = path.replace(/(\/media\/[^/]+\/)[^/]+/, `$1${HIDDEN}`);
  if (query === undefined) return shown;
  const parts = query.split("&").map((part) => {
    const [name = ""] = part.split("=", 1);
    return secret.test(name) || /eyJ[\w-]{8,}\./.test(part) ? `${name}=${HIDDEN}` : part;
  });
  return `${shown}?${parts.join("&")}`;
}
