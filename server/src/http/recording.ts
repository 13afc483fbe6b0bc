import { page } from "@earshot/contract/call";
import { Peaks, PeaksQuery, Recording, RecordingLink, RecordingQuery, ShareRecording } from "@earshot/contract/recording";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, RecordingId } from "../ids.ts";
import { type Actor, recordAudit, recordAuditOnce } from "../people/audits.ts";
import { type Choice, listRecordings, type Playable, peaksOf, playableOf, recordingsOf } from "../recordings/read.ts";
import { noteSpoiled, spoiledBy } from "../recordings/spoiled.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { LinkRefused, NoRecording } from "./failures.ts";
import { OfCall } from "./parameters.ts";
import { linkKey, makerMayShare, readShare, signShare } from "./recording-link.ts";
import { sendSound, sendWav } from "./recording-sound.ts";

/** The ranges a player asks for within this time are one playback. */
const PLAYBACK_MS = 30 * 60_000;
/** A recording may be sent as slowly as it is listened to. */
const LONGEST_SENDING_MS = 6 * 60 * 60_000;

/** Listening to a recording, drawing it, sharing it. */
export function recordingRoutes(door: Door, parts: DoorParts): void {
  const { pool, clock } = parts;
  let key: Promise<Buffer> | null = null;
  const linkKeyOnce = (): Promise<Buffer> => {
    key ??= linkKey(pool).catch((error: unknown) => {
      key = null;
      throw error;
    });
    return key;
  };

  /** By whom, and which recording, this request may hear: by credential as asked, by link as the link says. */
  const admit = async (
    request: FastifyRequest,
    call: CallId,
    { source, recording, token }: Pick<z.output<typeof RecordingQuery>, "source" | "recording" | "token">,
  ) => {
    const asked: Choice = { source, recording: recording?.toLowerCase() as RecordingId | undefined };
    if (request.credential) return { actor: request.credential.actor, maker: null, choice: asked };
    const share = readShare(token ?? "", await linkKeyOnce(), clock.now());
    if (!share || share.call !== call || !(await makerMayShare(pool, share.maker))) throw new LinkRefused();
    const opens = { source: share.source ?? asked.source, recording: share.recording ?? asked.recording };
    if ((asked.source ?? opens.source) !== opens.source || (asked.recording ?? opens.recording) !== opens.recording)
      throw new LinkRefused();
    return { actor: null, maker: share.maker, choice: opens };
  };

  const find = async (call: CallId, choice: Choice): Promise<Playable> => {
    const found = await playableOf(pool, call, choice);
    if (found) return found;
    if (!(await readCallBriefly(pool, call))) throw new CallUnknown(call);
    throw new NoRecording("none", (await recordingsOf(pool, [{ id: call, answeredAt: null }]))(call).because);
  };

  door.route({
    method: ["GET", "HEAD"],
    url: "/api/calls/:id/recording",
    handlerTimeout: LONGEST_SENDING_MS,
    config: { access: { needs: "recordings.play", orLink: true } },
    schema: {
      summary: "The sound of a call, in whole or by ranges; or decoded, as a WAV",
      tags: ["recordings"],
      params: OfCall,
      querystring: RecordingQuery,
      response: {
        200: { description: "The whole recording.", content: { "audio/*": { schema: z.string() } } },
        206: { description: "The range asked for.", content: { "audio/*": { schema: z.string() } } },
      },
    },
    handler: async (request, reply) => {
      const call = request.params.id;
      const entry = await admit(request, call, request.query);
      const download = request.query.download === "1";
      for (let lost = null as { readonly id: RecordingId; readonly error: unknown } | null; ; ) {
        const recording = await find(call, entry.choice);
        const { file } = recording;
        if (recording.id === lost?.id) throw lost.error;
        if (!file) throw new NoRecording(recording.status, recording.because);
        if (request.method === "GET") {
          const actor: Actor = entry.actor ?? `link:${recording.id}`;
          const detail = {
            recording: recording.id,
            source: recording.source,
            ...(request.query.as === "wav" ? { as: "wav" } : {}),
            ...(entry.maker ? { made_by: entry.maker, address: request.ip } : {}),
          };
          const action = download ? "recording.downloaded" : "recording.played";
          await inTransaction(pool, (sql) => recordAuditOnce(sql, { at: clock.now(), actor, action, call, detail }, PLAYBACK_MS));
        }
        const sending = { call, recording: { ...recording, file }, download };
        const send = request.query.as === "kept" || file.format === "wav" ? sendSound : sendWav;
        try {
          return await send(request, reply, parts, sending);
        } catch (error) {
          // The call's other recording is played instead, unless this one was meant.
          const because = spoiledBy(error);
          if (because === null) throw error;
          await noteSpoiled(parts, { id: recording.id, storageKey: file.key }, because);
          lost = { id: recording.id, error };
        }
      }
    },
  });

  door.get(
    "/api/calls/:id/recording/peaks",
    {
      config: { access: { needs: "recordings.play", orLink: true } },
      schema: {
        summary: "Its loudness, for drawing, at one of three zooms",
        tags: ["recordings"],
        params: OfCall,
        querystring: PeaksQuery,
        response: { 200: Peaks },
      },
    },
    async (request, reply) => {
      const call = request.params.id;
      const { choice } = await admit(request, call, request.query);
      const recording = await find(call, choice);
      const peaks = recording.file && (await peaksOf(pool, recording.id, request.query.points));
      if (!peaks) throw new NoRecording(recording.status, recording.because);
      reply.header("cache-control", "private, no-cache");
      return peaks;
    },
  );

  door.get(
    "/api/calls/:id/recordings",
    {
      config: { access: { needs: "calls.read" } },
      schema: {
        summary: "All recordings of a call, the best first",
        tags: ["recordings"],
        params: OfCall,
        response: { 200: page(Recording) },
      },
    },
    async ({ params }) => {
      const call = await readCallBriefly(pool, params.id);
      if (!call) throw new CallUnknown(params.id);
      return { items: await listRecordings(pool, { id: params.id, answeredAt: call.answeredAt }), next: null };
    },
  );

  door.post(
    "/api/calls/:id/recording/link",
    {
      config: { access: { needs: "recordings.share" } },
      schema: {
        summary: "A link that plays it without signing in, for a while",
        tags: ["recordings"],
        params: OfCall,
        body: ShareRecording.nullish(),
        response: { 201: RecordingLink },
      },
    },
    async (request, reply) => {
      const call = request.params.id;
      const { source, minutes, ...body } = request.body ?? ShareRecording.parse({});
      const asked = body.recording?.toLowerCase() as RecordingId | undefined;
      const maker = credentialIn(request).actor;
      const recording = await find(call, { source, recording: asked });
      if (!recording.file) throw new NoRecording(recording.status, recording.because);
      const expiresAt = new Date(clock.now().getTime() + minutes * 60_000);
      const token = signShare({ call, source: source ?? null, recording: asked ?? null, expiresAt, maker }, await linkKeyOnce());
      await recordAudit(pool, {
        at: clock.now(),
        actor: maker,
        action: "recording.shared",
        call,
        detail: { recording: recording.id, minutes },
      });
      const url = `${parts.publicUrl.replace(/\/$/, "")}/api/calls/${call}/recording?token=${token}`;
      return reply.code(201).send({ url, expires_at: expiresAt.toISOString() });
    },
  );
}
