import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Chat } from "./chat.ts";
import { agents } from "./directive.ts";
import { faultTable } from "./faults.ts";
import { Refused } from "./rest/door.ts";

const Id = z.looseObject({ id: z.string() });

/** What is no part of Hume: looking at the emulator from outside, and misbehaving by hand. No key is asked. */
export function lookOn(app: FastifyInstance, chats: ReadonlyMap<string, Chat>, texts: () => readonly string[]): void {
  const find = (id: string): Chat => {
    const chat = chats.get(id) ?? [...chats.values()].findLast((one) => one.state().custom_session_id === id);
    if (!chat) throw new Refused(404, `There is no chat ${id}`);
    return chat;
  };
  app.get("/emulator/chats", () => ({ chats: [...chats.values()].map((chat) => chat.state()) }));
  app.get("/emulator/chats/:id", (request) => find(Id.parse(request.params).id).state());
  app.post("/emulator/chats/:id/close", (request) => {
    const { code } = z.looseObject({ code: z.number().int().default(1006) }).parse(request.body ?? {});
    const chat = find(Id.parse(request.params).id);
    chat.end(code, "ERROR");
    return chat.state();
  });
  app.get("/emulator/agents", () => ({ agents: agents.map(({ name, habit, voice }) => ({ name, habit, voice })) }));
  app.get("/emulator/faults", () => ({ faults: faultTable }));
  app.get("/emulator/phrases", () => ({ phrases: texts() }));
}
