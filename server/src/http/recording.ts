import { page } from "@earshot/contract/call";
import { Peaks, Recording, RecordingLink, RecordingQuery, type RecordingSource, ShareRecording } from "@earshot/contract/recording";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId } from "../ids.ts";
import { type Actor, recordAudit, recordAuditOnce } from "../people/audits.ts";
import { listRecordings, type Playable, peaksOf, playableOf } from "../recordings/read.ts";
import { credentialIn } from "./access.ts";
import { byteRange, isUnchanged, rangeStillHolds } from "./byte-range.ts";
import type { Door, DoorParts } from "./door.ts";
import { LinkRefused, NoRecording, RangeNotThere } from "./failures.ts";
import { OfCall } from "./parameters.ts";
import { logOf } from "./problem.ts";
import { linkKey, makerMayShare, readShare, signShare } from "./recording-link.ts";

/** The ranges a player asks for within this time are one playback. */
const PLAYBACK_MS = 30 * 60_000;
/** A recording may be sent as slowly as it is listened to. */
const LONGEST_SENDING_MS = 6 * 60 * 60_000;

const types = { mp3: "audio/mpeg", wav: "audio/wav", ogg: "audio/ogg" } as const;

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

  /** By whom, and which source, this request may hear: by credential as asked, by link as the link says. */
  const admit = async (request: FastifyRequest, call: CallId, query: z.output<typeof RecordingQuery>) => {
    if (request.credential) return { actor: request.credential.actor, maker: null, source: query.source };
    const share = readShare(query.token ?? "", await linkKeyOnce(), clock.now());
    if (!share || share.call !== call || !(await makerMayShare(pool, share.maker))) throw new LinkRefused();
    if (share.source !== null && query.source !== undefined && query.source !== share.source) throw new LinkRefused();
    return { actor: null, maker: share.maker, source: share.source ?? query.source };
  };

  const find = async (call: CallId, source: RecordingSource | undefined): Promise<Playable> => {
    const found = await playableOf(pool, call, source);
    if (found) return found;
    if (!(await readCallBriefly(pool, call))) throw new CallUnknown(call);
    throw new NoRecording("none", null);
  };

  door.route({
    method: ["GET", "HEAD"],
    url: "/api/calls/:id/recording",
    handlerTimeout: LONGEST_SENDING_MS,
    config: { access: { needs: "recordings.play", orLink: true } },
    schema: {
      summary: "The sound of a call, in whole or by ranges",
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
      const recording = await find(call, entry.source);
      if (!recording.file) throw new NoRecording(recording.status, recording.because);
      const download = request.query.download === "1";
      if (request.method === "GET") {
        const actor: Actor = entry.actor ?? `link:${recording.id}`;
        const detail = {
          recording: recording.id,
          source: recording.source,
          ...(entry.maker ? { made_by: entry.maker, address: request.ip } : {}),
        };
        const action = download ? "recording.downloaded" : "recording.played";
        await inTransaction(pool, (sql) => recordAuditOnce(sql, { at: clock.now(), actor, action, call, detail }, PLAYBACK_MS));
      }
      return send(request, reply, parts, call, { ...recording, file: recording.file }, download);
    },
  });

  door.get(
    "/api/calls/:id/recording/peaks",
    {
      config: { access: { needs: "recordings.play", orLink: true } },
      schema: {
        summary: "Its loudness, for drawing",
        tags: ["recordings"],
        params: OfCall,
        querystring: RecordingQuery,
        response: { 200: Peaks },
      },
    },
    async (request, reply) => {
      const call = request.params.id;
      const { source } = await admit(request, call, request.query);
      const recording = await find(call, source);
      const peaks = recording.file && (await peaksOf(pool, recording.id));
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
      const { source, minutes } = request.body ?? ShareRecording.parse({});
      const maker = credentialIn(request).actor;
      const recording = await find(call, source);
      if (!recording.file) throw new NoRecording(recording.status, recording.because);
      const expiresAt = new Date(clock.now().getTime() + minutes * 60_000);
      const token = signShare({ call, source: source ?? null, expiresAt, maker }, await linkKeyOnce());
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

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { storage }: DoorParts,
  call: CallId,
  { source, file }: Playable & { file: NonNullable<Playable["file"]> },
  download: boolean,
): Promise<FastifyReply> {
  const etag = `"${file.sha256}"`;
  reply.headers({
    etag,
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-type": types[file.format],
    "content-disposition": `${download ? "attachment" : "inline"}; filename="call-${call}-${source}.${file.format}"`,
  });
  if (isUnchanged(request.headers["if-none-match"], etag)) return reply.code(304).send();
  const holds = rangeStillHolds(request.headers["if-range"] as string | undefined, etag);
  const range = byteRange(holds ? request.headers.range : undefined, file.sizeBytes);
  if (range === "none") throw new RangeNotThere(file.sizeBytes);
  const span = range === "all" ? { from: 0, to: file.sizeBytes - 1 } : range;
  reply.header("content-length", file.sizeBytes === 0 ? 0 : span.to - span.from + 1);
  if (range !== "all") reply.code(206).header("content-range", `bytes ${span.from}-${span.to}/${file.sizeBytes}`);
  if (request.method === "HEAD" || file.sizeBytes === 0) return reply.send();
  const sound = await storage.read(file.key, span);
  sound.on("error", (error) => request.log.error({ call, ...logOf(error) }, "a recording broke off while it was sent"));
  return reply.send(sound);
}
