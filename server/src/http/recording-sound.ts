import type { FastifyReply, FastifyRequest } from "fastify";
import type { CallId } from "../ids.ts";
import type { Playable } from "../recordings/read.ts";
import { byteRange, isUnchanged, rangeStillHolds } from "./byte-range.ts";
import type { DoorParts } from "./door.ts";
import { RangeNotThere } from "./failures.ts";
import { logOf } from "./problem.ts";

/** What is sent, and how. */
export interface Sending {
  readonly call: CallId;
  readonly recording: Playable & { readonly file: NonNullable<Playable["file"]> };
  /** As a file to keep. */
  readonly download: boolean;
}

const types = { mp3: "audio/mpeg", wav: "audio/wav", ogg: "audio/ogg", mp4: "audio/mp4" } as const;

/** Sends a recording as it is stored: in whole or by the range asked for, with its hash as ETag. Until its file is open nothing is said. */
export async function sendSound(
  request: FastifyRequest,
  reply: FastifyReply,
  { storage }: Pick<DoorParts, "storage">,
  sending: Sending,
): Promise<FastifyReply> {
  const { file } = sending.recording;
  const etag = `"${file.sha256}"`;
  const described = { ...headersFor(sending, file.format), etag, "accept-ranges": "bytes" };
  if (isUnchanged(request.headers["if-none-match"], etag)) return reply.headers(described).code(304).send();
  const holds = rangeStillHolds(request.headers["if-range"] as string | undefined, etag);
  const range = byteRange(holds ? request.headers.range : undefined, file.sizeBytes);
  if (range === "none") throw new RangeNotThere(file.sizeBytes);
  const span = range === "all" ? { from: 0, to: file.sizeBytes - 1 } : range;
  const sound = request.method === "HEAD" || file.sizeBytes === 0 ? null : await storage.read(file.key, span);
  reply.headers({ ...described, "content-length": file.sizeBytes === 0 ? 0 : span.to - span.from + 1 });
  if (range !== "all") reply.code(206).header("content-range", `bytes ${span.from}-${span.to}/${file.sizeBytes}`);
  if (sound === null) return reply.send();
  sound.on("error", (error) => request.log.error({ call: sending.call, ...logOf(error) }, "a recording broke off while it was sent"));
  return reply.send(sound);
}

/** Sends a recording decoded to a WAV, always whole: it is made for this request, beside the event loop. */
export async function sendWav(
  request: FastifyRequest,
  reply: FastifyReply,
  { asWav }: Pick<DoorParts, "asWav">,
  sending: Sending,
): Promise<FastifyReply> {
  const { file } = sending.recording;
  const etag = `"${file.sha256}-wav"`;
  const described = { ...headersFor(sending, "wav"), etag, "accept-ranges": "none" };
  if (isUnchanged(request.headers["if-none-match"], etag)) return reply.headers(described).code(304).send();
  if (request.method === "HEAD") return reply.headers(described).send();
  const { sizeBytes, bytes } = await asWav(file);
  reply.headers(described);
  bytes.on("error", (error) => request.log.error({ call: sending.call, ...logOf(error) }, "a recording broke off while it was sent"));
  return reply.header("content-length", sizeBytes).send(bytes);
}

const headersFor = ({ call, recording: { source }, download }: Sending, format: keyof typeof types) => ({
  "cache-control": "private, no-cache",
  "content-type": types[format],
  "content-disposition": `${download ? "attachment" : "inline"}; filename="call-${call}-${source}.${format}"`,
});
