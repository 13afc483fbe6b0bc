import { randomUUID } from "node:crypto";
import { fresh, type Memory } from "./agents/decide.ts";
import type { Clock } from "./clock.ts";

/** Chats, their groups and events, as Hume's REST interface shows them; kept in memory while the emulator runs. */

export type ChatStatus = "ACTIVE" | "USER_ENDED" | "USER_TIMEOUT" | "MAX_DURATION_TIMEOUT" | "INACTIVITY_TIMEOUT" | "ERROR";

export type EventType =
  | "SYSTEM_PROMPT"
  | "CHAT_START_MESSAGE"
  | "USER_RECORDING_START_MESSAGE"
  | "USER_MESSAGE"
  | "USER_INTERRUPTION"
  | "AGENT_MESSAGE"
  | "ASSISTANT_PROSODY"
  | "FUNCTION_CALL"
  | "FUNCTION_CALL_RESPONSE"
  | "PAUSE_ONSET"
  | "RESUME_ONSET"
  | "SESSION_SETTINGS"
  | "CHAT_END_MESSAGE";

export interface ChatEvent {
  readonly id: string;
  readonly chat_id: string;
  /** Unix ms. */
  readonly timestamp: number;
  readonly role: "USER" | "AGENT" | "SYSTEM" | "TOOL";
  readonly type: EventType;
  readonly message_text: string | null;
  /** The scores as a JSON string; empty when there are none. */
  readonly emotion_features: string;
  /** A JSON string. */
  readonly metadata: string;
  readonly related_event_id: string | null;
}

export interface ChatRecord {
  readonly id: string;
  readonly groupId: string;
  readonly startMs: number;
  readonly config: { readonly id: string; readonly version: number } | null;
  readonly events: ChatEvent[];
  status: ChatStatus;
  endMs: number | null;
  metadata: string | null;
  customSessionId: string | null;
}

export interface GroupRecord {
  readonly id: string;
  readonly chats: ChatRecord[];
  /** What the agent remembers goes over from chat to chat. */
  memory: Memory;
}

export interface History {
  readonly groups: ReadonlyMap<string, GroupRecord>;
  readonly chats: ReadonlyMap<string, ChatRecord>;
  /** A new chat, in a known group or a new one. A group id nobody knows begins a group of that id. */
  open(
    groupId: string | null,
    config: { id: string; version: number } | null,
  ): { readonly group: GroupRecord; readonly chat: ChatRecord; readonly resumed: boolean };
  /** Forgets a chat, and its group when it was the last one of it. */
  forget(chat: ChatRecord): void;
  add(chat: ChatRecord, event: Pick<ChatEvent, "role" | "type"> & Partial<ChatEvent>): ChatEvent;
}

export function openHistory(clock: Clock): History {
  const groups = new Map<string, GroupRecord>();
  const chats = new Map<string, ChatRecord>();
  return {
    groups,
    chats,
    open(groupId, config) {
      const known = groupId === null ? undefined : groups.get(groupId);
      const group: GroupRecord = known ?? { id: groupId ?? randomUUID(), chats: [], memory: fresh };
      groups.set(group.id, group);
      const chat: ChatRecord = {
        id: randomUUID(),
        groupId: group.id,
        startMs: clock.now(),
        config,
        events: [],
        status: "ACTIVE",
        endMs: null,
        metadata: null,
        customSessionId: null,
      };
      group.chats.push(chat);
      chats.set(chat.id, chat);
      return { group, chat, resumed: known !== undefined };
    },
    forget(chat) {
      chats.delete(chat.id);
      const group = groups.get(chat.groupId);
      if (!group) return;
      group.chats.splice(0, group.chats.length, ...group.chats.filter((one) => one !== chat));
      if (group.chats.length === 0) groups.delete(group.id);
    },
    add(chat, { role, type, ...rest }) {
      const event: ChatEvent = {
        id: randomUUID(),
        chat_id: chat.id,
        timestamp: clock.now(),
        role,
        type,
        message_text: null,
        emotion_features: "",
        metadata: "",
        related_event_id: null,
        ...rest,
      };
      chat.events.push(event);
      return event;
    },
  };
}
