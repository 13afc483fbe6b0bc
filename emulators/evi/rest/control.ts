import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Chat } from "../chat.ts";
import { ClientMessage } from "../wire.ts";
import { Refused } from "./door.ts";

/** Says something into a chat that is going on: any client message but sound. An ended or unknown chat is 404, which is not documented. */
export function controlRoute(app: FastifyInstance, chats: ReadonlyMap<string, Chat>): void {
  app.post("/v0/evi/chat/:id/send", (request, reply) => {
    const { id } = z.looseObject({ id: z.string() }).parse(request.params);
    const chat = chats.get(id);
    if (!chat || chat.state().closed !== null) throw new Refused(404, `There is no active chat ${id}`);
    const message = ClientMessage.safeParse(request.body);
    if (!message.success) {
      return reply
        .status(422)
        .send({ detail: message.error.issues.map((issue) => ({ loc: ["body", ...issue.path], msg: issue.message, type: issue.code })) });
    }
    if (message.data.type === "audio_input") {
      return reply.status(422).send({ detail: [{ loc: ["body", "type"], msg: "audio_input cannot be sent here", type: "value_error" }] });
    }
    chat.tell(message.data);
    return reply.status(200).send();
  });
}
