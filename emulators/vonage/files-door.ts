import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Files, StoredFile } from "./files.ts";
import { refuse } from "./problems.ts";
import type { TokenVerdict } from "./tokens.ts";

/** A slow file: so many bytes at a time, so far apart, which is 10 kB/s. */
const SLOW_BYTES = 2_500;
const SLOW_MS = 250;

/** Recordings at `/v1/files/{uuid}` (and the SDK's `/v3/files/{uuid}`) behind the application's JWT, with ranges. */
export function filesDoor(
  app: FastifyInstance,
  { files, checkToken }: { readonly files: Files; checkToken(authorization: string | undefined): Promise<TokenVerdict> },
): void {
  for (const path of ["/v1/files/:uuid", "/v3/files/:uuid"]) {
    app.get(path, async (request, reply) => {
      const verdict = await checkToken(request.headers.authorization);
      if (!verdict.good) return refuse(reply, 401, verdict.because);
      const file = files.find((request.params as { uuid: string }).uuid);
      if (!file) return refuse(reply, 404);
      return serve(file, request, reply);
    });
  }
}

async function serve(file: StoredFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const time = request.method === "HEAD" ? file.asked : ++file.asked;
  switch (file.fault) {
    case "404 then 200":
      if (time <= 2) return refuse(reply, 404);
      break;
    case "500 then 200":
      if (time <= 2) return refuse(reply, 500);
      break;
    case "not audio":
      return reply.header("content-type", "text/html").send("<html><body>Please sign in.</body></html>");
    case "short":
      return reply.header("content-type", file.contentType).send(await firstBytes(file, Math.floor(file.sizeBytes / 2)));
    case "truncated":
      return reply.header("content-type", file.contentType).header("content-length", file.sizeBytes).send(cutInTheMiddle(file));
    case "slow":
      return reply
        .header("content-type", file.contentType)
        .header("content-length", file.sizeBytes)
        .send(Readable.from(slowly(file)));
    case "empty":
    case "gone":
    case "on a foreign host":
    case null:
    case undefined:
      break;
  }
  reply.header("content-type", file.contentType).header("accept-ranges", "bytes");
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "");
  if (!range || (range[1] === "" && range[2] === ""))
    return reply.header("content-length", file.sizeBytes).send(createReadStream(file.path));
  const from = range[1] === "" ? Math.max(0, file.sizeBytes - Number(range[2])) : Number(range[1]);
  const to = range[1] === "" || range[2] === "" ? file.sizeBytes - 1 : Math.min(Number(range[2]), file.sizeBytes - 1);
  if (from > to) return refuse(reply.header("content-range", `bytes */${file.sizeBytes}`), 416);
  return reply
    .code(206)
    .header("content-range", `bytes ${from}-${to}/${file.sizeBytes}`)
    .header("content-length", to - from + 1)
    .send(createReadStream(file.path, { start: from, end: to }));
}

async function firstBytes(file: StoredFile, bytes: number): Promise<Buffer> {
  const opened = await open(file.path);
  try {
    const { buffer } = await opened.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer;
  } finally {
    await opened.close();
  }
}

function cutInTheMiddle(file: StoredFile): Readable {
  async function* half(): AsyncGenerator<Buffer> {
    yield await firstBytes(file, Math.floor(file.sizeBytes / 2));
    throw new Error("cut, as this number's recordings are");
  }
  return Readable.from(half());
}

async function* slowly(file: StoredFile): AsyncGenerator<Buffer> {
  for await (const part of createReadStream(file.path, { highWaterMark: SLOW_BYTES })) {
    yield part as Buffer;
    await new Promise((then) => setTimeout(then, SLOW_MS));
  }
}
