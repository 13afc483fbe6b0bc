import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { ChatEvent, ChatRecord, GroupRecord, History } from "../history.ts";
import { Refused } from "./door.ts";
import { PageQuery, pageOf } from "./pages.ts";

const Id = z.looseObject({ id: z.string() });
const ChatsQuery = PageQuery.extend({ config_id: z.string().optional(), status: z.string().optional() });

/** What was: chats, groups of chats, and their events. Times are Unix ms. */
export function chatRoutes(app: FastifyInstance, history: History): void {
  app.get("/v0/evi/chats", (request) => {
    const query = ChatsQuery.parse(request.query);
    const { head, items } = pageOf([...history.chats.values()].filter(fits(query)), query);
    return { ...head, chats_page: items.map(chatAnswer) };
  });

  app.get("/v0/evi/chats/:id", (request) => {
    const chat = findChat(history, Id.parse(request.params).id);
    const { head, items } = pageOf(chat.events, PageQuery.parse(request.query));
    return { ...chatAnswer(chat), ...head, events_page: items.map(eventAnswer) };
  });

  app.get("/v0/evi/chat_groups", (request) => {
    const query = ChatsQuery.parse(request.query);
    const groups = [...history.groups.values()].filter((group) => group.chats.some(fits(query)));
    const { head, items } = pageOf(groups, query);
    return { ...head, chat_groups_page: items.map(groupAnswer) };
  });

  app.get("/v0/evi/chat_groups/:id", (request) => {
    const group = findGroup(history, Id.parse(request.params).id);
    const query = ChatsQuery.parse(request.query);
    const { head, items } = pageOf(group.chats.filter(fits(query)), query);
    return { ...groupAnswer(group), ...head, chats_page: items.map(chatAnswer) };
  });

  app.get("/v0/evi/chat_groups/:id/events", (request) => {
    const group = findGroup(history, Id.parse(request.params).id);
    const { head, items } = pageOf(
      group.chats.flatMap((chat) => chat.events),
      PageQuery.parse(request.query),
    );
    return { id: group.id, ...head, events_page: items.map(eventAnswer) };
  });
}

export function findChat(history: History, id: string): ChatRecord {
  const chat = history.chats.get(id);
  if (!chat) throw new Refused(404, `There is no chat ${id}`);
  return chat;
}

export function findGroup(history: History, id: string): GroupRecord {
  const group = history.groups.get(id);
  if (!group) throw new Refused(404, `There is no chat group ${id}`);
  return group;
}

function fits({ config_id, status }: z.infer<typeof ChatsQuery>): (chat: ChatRecord) => boolean {
  return (chat) => (config_id === undefined || chat.config?.id === config_id) && (status === undefined || chat.status === status);
}

function chatAnswer(chat: ChatRecord): Record<string, unknown> {
  return {
    id: chat.id,
    chat_group_id: chat.groupId,
    status: chat.status,
    start_timestamp: chat.startMs,
    end_timestamp: chat.endMs,
    event_count: chat.events.length,
    metadata: chat.metadata,
    config: chat.config,
  };
}

function groupAnswer(group: GroupRecord): Record<string, unknown> {
  const latest = group.chats.at(-1);
  return {
    id: group.id,
    first_start_timestamp: group.chats[0]?.startMs ?? 0,
    most_recent_start_timestamp: latest?.startMs ?? 0,
    most_recent_chat_id: latest?.id ?? null,
    most_recent_config: latest?.config ?? null,
    num_chats: group.chats.length,
    active: latest?.status === "ACTIVE",
  };
}

function eventAnswer(event: ChatEvent): Record<string, unknown> {
  return { ...event };
}
