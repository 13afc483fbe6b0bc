import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { History } from "../history.ts";
import type { SoundKeeper } from "../kept-sound.ts";
import { findChat, findGroup } from "./chats.ts";
import { PageQuery, pageOf } from "./pages.ts";

/** A reconstruction walks QUEUED -> IN_PROGRESS -> COMPLETE, or ends in ERROR when nothing was kept. The first question starts it. */
interface Reconstruction {
  readonly askedMs: number;
  file: Uint8Array | null | undefined;
  doneMs: number;
}

/** It stays queued, and then in progress, at least so long. */
const QUEUED_MS = 400;
const WORKING_MS = 800;
const URL_LIFE_MS = 3_600_000;

/**
 * Audio reconstruction: Hume's recording of a chat. An active chat stays queued until it has ended.
 *
 * @param files where the signed URLs point: routes that ask no key
 */
export function audioRoutes(
  app: FastifyInstance,
  files: FastifyInstance,
  parts: { history: History; sounds: SoundKeeper; clock: Clock; url: () => string },
): void {
  const { history, sounds, clock } = parts;
  const user = randomUUID();
  const secret = randomBytes(16);
  const started = new Map<string, Reconstruction>();
  const signature = (chat: string, expires: number): string => createHmac("sha256", secret).update(`${chat} ${expires}`).digest("hex");

  function answer(chatId: string): Record<string, unknown> {
    const head = { id: chatId, user_id: user };
    const now = clock.now();
    if (history.chats.get(chatId)?.endMs === null) return { ...head, status: "QUEUED" };
    let one = started.get(chatId);
    if (!one) {
      const fresh: Reconstruction = { askedMs: now, file: undefined, doneMs: 0 };
      one = fresh;
      started.set(chatId, fresh);
      sounds.reconstruct(chatId).then(
        (file) => Object.assign(fresh, { file, doneMs: clock.now() }),
        () => Object.assign(fresh, { file: null }),
      );
    }
    if (now - one.askedMs < QUEUED_MS) return { ...head, status: "QUEUED" };
    if (one.file === undefined || now - one.askedMs < WORKING_MS) return { ...head, status: "IN_PROGRESS" };
    if (one.file === null) return { ...head, status: "ERROR" };
    const expires = now + URL_LIFE_MS;
    const filename = `${user}/${chatId}/reconstructed_audio.mp4`;
    return {
      ...head,
      status: "COMPLETE",
      filename,
      modified_at: one.doneMs,
      signed_audio_url: `${parts.url()}/emulator/storage/${filename}?expires=${expires}&signature=${signature(chatId, expires)}`,
      signed_url_expiration_timestamp_millis: expires,
    };
  }

  app.get("/v0/evi/chats/:id/audio", (request) => answer(findChat(history, z.object({ id: z.string() }).parse(request.params).id).id));

  app.get("/v0/evi/chat_groups/:id/audio", (request) => {
    const group = findGroup(history, z.object({ id: z.string() }).parse(request.params).id);
    const { head, items } = pageOf(group.chats, PageQuery.parse(request.query));
    return {
      id: group.id,
      user_id: user,
      num_chats: group.chats.length,
      ...head,
      audio_reconstructions_page: items.map((chat) => answer(chat.id)),
    };
  });

  files.get("/emulator/storage/:user/:chat/reconstructed_audio.mp4", (request, reply) => {
    const { chat } = z.looseObject({ chat: z.string() }).parse(request.params);
    const { expires, signature: given } = z.object({ expires: z.coerce.number(), signature: z.string() }).parse(request.query);
    if (given !== signature(chat, expires))
      return reply.status(403).type("application/xml").send("<Error><Code>SignatureDoesNotMatch</Code></Error>");
    if (clock.now() > expires) return reply.status(400).type("application/xml").send("<Error><Code>ExpiredToken</Code></Error>");
    const file = started.get(chat)?.file;
    if (!file) return reply.status(404).type("application/xml").send("<Error><Code>NoSuchKey</Code></Error>");
    return reply.type("video/mp4").send(Buffer.from(file));
  });
}
