import { SessionSettings } from "./wire.ts";

/** What a client asks for when it opens a chat socket. */
export interface Opening {
  readonly apiKey: string | null;
  readonly accessToken: string | null;
  readonly configId: string | null;
  readonly configVersion: number | null;
  readonly resumedChatGroupId: string | null;
  readonly verboseTranscription: boolean;
  readonly allowConnection: boolean;
  readonly eventLimit: number | null;
  readonly settings: SessionSettings;
}

export type Asked = { readonly ok: true; readonly opening: Opening } | { readonly ok: false; readonly why: string };

/**
 * Reads the query and headers of a handshake. Settings come bracketed, `session_settings[audio][sample_rate]=16000`, or as JSON at any
 * level, `session_settings={...}`, `session_settings[variables]={...}`; both have been seen in Hume's own clients.
 */
export function readHandshake(url: URL, headers: Readonly<Record<string, string | string[] | undefined>>): Asked {
  const query = url.searchParams;
  const authorization = headerOf(headers.authorization);
  const settings = SessionSettings.safeParse(settingsOf(query));
  if (!settings.success) {
    const first = settings.error.issues[0];
    return { ok: false, why: `session_settings.${first?.path.join(".")}: ${first?.message}` };
  }
  const voice = query.get("voice_id");
  return {
    ok: true,
    opening: {
      apiKey: headerOf(headers["x-hume-api-key"]) ?? query.get("api_key"),
      accessToken: query.get("access_token") ?? (authorization?.startsWith("Bearer ") ? authorization.slice(7) : null),
      configId: query.get("config_id") || null,
      configVersion: numberOf(query.get("config_version")),
      resumedChatGroupId: query.get("resumed_chat_group_id") || null,
      verboseTranscription: query.get("verbose_transcription") === "true",
      allowConnection: query.get("allow_connection") === "true",
      eventLimit: numberOf(query.get("event_limit")),
      settings: { ...settings.data, ...(voice && !settings.data.voice_id && { voice_id: voice }) },
    },
  };
}

/** What is reached by assignment only when it is a plain name: keys of a query are anyone's. */
const PLAIN = /^(?!__proto__$|constructor$|prototype$)[\w.-]+$/;

/** Settings that are texts whatever they look like. */
const TEXTS = new Set(["system_prompt", "custom_session_id", "voice_id", "language_model_api_key"]);

function settingsOf(query: URLSearchParams): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [key, value] of query) {
    const match = /^session_settings((?:\[[^\]]+\])*)$/.exec(key);
    if (!match) continue;
    const path = [...(match[1] ?? "").matchAll(/\[([^\]]+)\]/g)].map(([, name = ""]) => name);
    if (!path.every((name) => PLAIN.test(name))) continue;
    if (path.length === 0) Object.assign(settings, jsonOr({}, value));
    else put(settings, path, path.length === 1 && !TEXTS.has(path[0] ?? "") ? jsonOr(value, value) : value);
  }
  return settings;
}

function put(into: Record<string, unknown>, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[first] = value;
    return;
  }
  const inner = into[first];
  const next: Record<string, unknown> = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  into[first] = next;
  put(next, rest, value);
}

/** The object that a text says in JSON; anything else stays the text it is. */
function jsonOr(otherwise: unknown, value: string): unknown {
  if (!/^\s*[{[]/.test(value)) return otherwise;
  try {
    return JSON.parse(value);
  } catch {
    return otherwise;
  }
}

function headerOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) || null;
}

function numberOf(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}
