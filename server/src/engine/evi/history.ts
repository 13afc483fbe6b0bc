import { EngineHasNot } from "../failures.ts";
import type { History, Remembered, SessionRef } from "../port.ts";
import type { HumeRest } from "./rest.ts";
import { type ChatHistory, chatHistory } from "./rest-chats.ts";
import { EMOTION_SET } from "./talk.ts";

/**
 * What Hume remembers of a call's chats (hume-evi §5.2). A chat it does not know, or keeps nothing of, is left out; when that is all of them, there
 * is no history.
 */
export async function historyOf(rest: HumeRest, sessions: readonly SessionRef[], signal: AbortSignal): Promise<History> {
  const chats: ChatHistory[] = [];
  for (const { session } of sessions) {
    try {
      chats.push(await chatHistory(rest, session, signal));
    } catch (error) {
      if (!(error instanceof EngineHasNot)) throw error;
    }
  }
  if (chats.some(({ running }) => running)) return { state: "running" };
  if (chats.length === 0) return { state: "none", text: "Hume keeps nothing of these chats." };
  return { state: "kept", said: chats.flatMap(saidIn) };
}

/** Who said what in a chat. Scores of the agent come in an event of their own, which names the sentence it belongs to. Pure. */
export function saidIn({ events }: Pick<ChatHistory, "events">): Remembered[] {
  const feelings = new Map(
    events.filter(({ type, of }) => type === "ASSISTANT_PROSODY" && of !== null).map(({ of, scores }) => [of, scores]),
  );
  return events.flatMap((event) => {
    const speaker = event.type === "USER_MESSAGE" ? "caller" : event.type === "AGENT_MESSAGE" ? "agent" : null;
    const text = event.text.trim();
    if (speaker === null || text === "" || event.at === null) return [];
    const scores = event.scores ?? feelings.get(event.id) ?? null;
    return [
      {
        id: event.id,
        speaker,
        text,
        at: event.at,
        lastsMs: event.lastsMs,
        emotions: scores === null ? null : { set: EMOTION_SET, scores },
      },
    ];
  });
}
