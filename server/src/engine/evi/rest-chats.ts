import { z } from "zod";
import type { HumeRest } from "./rest.ts";

/** Chats as Hume keeps them (hume-evi §5.2). Tolerant: what we can do without may be missing or wrong. */

const text = z.string().nullish().catch(null);

/** Hume's own examples are in milliseconds, its text says seconds: whatever is too small to be milliseconds of this century is seconds. */
const when = z
  .number()
  .nullish()
  .catch(null)
  .transform((time) => (time == null || time <= 0 ? null : new Date(time < 100_000_000_000 ? time * 1000 : time)));

const Event = z
  .looseObject({ id: z.string(), chat_id: text, timestamp: when, role: text, type: z.string(), message_text: text, emotion_features: text })
  .extend({ metadata: text, related_event_id: text });

const ChatPage = z.looseObject({
  id: z.string(),
  chat_group_id: text,
  status: text,
  start_timestamp: when,
  end_timestamp: when,
  total_pages: z.number().nullish().catch(null),
  events_page: z.array(z.unknown()).catch([]),
});

export interface ChatEvent {
  readonly id: string;
  readonly at: Date | null;
  /** USER_MESSAGE, AGENT_MESSAGE, ASSISTANT_PROSODY ... */
  readonly type: string;
  readonly text: string;
  readonly scores: Readonly<Record<string, number>> | null;
  /** How long it was spoken, ms; null when it does not say. */
  readonly lastsMs: number | null;
  /** The event this one belongs to. */
  readonly of: string | null;
}

export interface ChatHistory {
  readonly chat: string;
  readonly group: string | null;
  readonly running: boolean;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly events: readonly ChatEvent[];
}

const PAGE = 100;
/** 30 minutes of talk are some hundred events. */
const MOST_PAGES = 50;

/** One chat with all its events, oldest first. Throws EngineFailure; EngineHasNot for one that Hume does not keep. */
export async function chatHistory(rest: HumeRest, chat: string, signal?: AbortSignal): Promise<ChatHistory> {
  const events: ChatEvent[] = [];
  let head: z.infer<typeof ChatPage> | null = null;
  for (let number = 0; number < MOST_PAGES; number++) {
    const page = await chatPage(rest, chat, number, PAGE, signal);
    head ??= page;
    for (const one of page.events_page) {
      const event = eventOf(one);
      if (event !== null) events.push(event);
    }
    if (page.events_page.length < PAGE || (page.total_pages != null && number + 1 >= page.total_pages)) break;
  }
  return { ...headOf(head as z.infer<typeof ChatPage>), events };
}

/** The same without its events. */
export async function chatHead(rest: HumeRest, chat: string, signal?: AbortSignal): Promise<Omit<ChatHistory, "events">> {
  return headOf(await chatPage(rest, chat, 0, 1, signal));
}

async function chatPage(
  rest: HumeRest,
  chat: string,
  number: number,
  size: number,
  signal?: AbortSignal,
): Promise<z.infer<typeof ChatPage>> {
  const query = `page_number=${number}&page_size=${size}&ascending_order=true`;
  return rest.read(ChatPage, "GET", `/v0/evi/chats/${encodeURIComponent(chat)}?${query}`, undefined, signal);
}

function headOf(page: z.infer<typeof ChatPage>): Omit<ChatHistory, "events"> {
  return {
    chat: page.id,
    group: page.chat_group_id ?? null,
    running: page.status === "ACTIVE",
    startedAt: page.start_timestamp,
    endedAt: page.end_timestamp,
  };
}

function eventOf(json: unknown): ChatEvent | null {
  const read = Event.safeParse(json);
  if (!read.success) return null;
  const { id, timestamp, type, message_text, emotion_features, metadata, related_event_id } = read.data;
  return {
    id,
    at: timestamp,
    type,
    text: message_text ?? "",
    scores: scoresIn(emotion_features),
    lastsMs: lengthIn(metadata),
    of: related_event_id ?? null,
  };
}

/** `emotion_features` is a JSON string of scores, empty when there are none. */
function scoresIn(features: string | null | undefined): Record<string, number> | null {
  const json = parsed(features);
  if (typeof json !== "object" || json === null) return null;
  const scores = Object.entries(json).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]),
  );
  return scores.length === 0 ? null : Object.fromEntries(scores);
}

const Segments = z.looseObject({
  segments: z.array(z.looseObject({ time: z.looseObject({ begin_ms: z.number(), end_ms: z.number() }) })).min(1),
});

/** From the first segment's beginning to the last one's end. */
function lengthIn(metadata: string | null | undefined): number | null {
  const read = Segments.safeParse(parsed(metadata));
  if (!read.success) return null;
  const times = read.data.segments.map(({ time }) => time);
  return Math.max(0, Math.max(...times.map(({ end_ms }) => end_ms)) - Math.min(...times.map(({ begin_ms }) => begin_ms)));
}

function parsed(json: string | null | undefined): unknown {
  try {
    return json ? JSON.parse(json) : null;
  } catch {
    return null;
  }
}
