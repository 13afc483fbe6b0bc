import type { ServerResponse } from "node:http";
import type { FastifyBaseLogger } from "fastify";
import type pg from "pg";
import type { Clock } from "../clock.ts";
import { listen } from "../db/notify.ts";
import { type Credential, isStillGood } from "./credential.ts";
import { TooManyRequests } from "./failures.ts";
import { liveStream } from "./live-stream.ts";

/** Shorter than the 30 to 60 s after which proxies cut a silent connection. */
const BEAT_MS = 15_000;
/** A dashboard tab holds one. */
const STREAMS_EACH = 30;
const STREAMS = 2_000;
/** A reader that takes nothing for so many beats is gone. */
const SILENT_BEATS = 4;

interface Stream {
  readonly credential: Credential;
  readonly raw: ServerResponse;
  readonly live: ReturnType<typeof liveStream>;
  fullBeats: number;
}

export type LiveFeed = Awaited<ReturnType<typeof openLiveFeed>>;

/**
 * The live streams of this process and the one database connection they share.
 * A stream enters by `join`; it leaves when its reader goes, when its credential no longer holds (checked with every beat, and at once on
 * `endIf`), when its reader stops reading, or with `close`.
 */
export async function openLiveFeed(parts: {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly liveBeatMs?: number;
}) {
  const streams = new Set<Stream>();
  let closed = false;

  const leave = (stream: Stream): void => {
    streams.delete(stream);
    stream.raw.end();
  };

  const beat = async (stream: Stream): Promise<void> => {
    stream.fullBeats = stream.raw.writableNeedDrain ? stream.fullBeats + 1 : 0;
    if (stream.fullBeats >= SILENT_BEATS) {
      streams.delete(stream);
      stream.raw.destroy();
      return;
    }
    // While the database is away nobody can be checked; nothing is told either, so the stream stays.
    const good = await isStillGood(parts.pool, stream.credential, parts.clock).catch(() => true);
    if (good) stream.live.beat();
    else leave(stream);
  };

  const hearing = await listen(
    parts.databaseUrl,
    (change) => {
      for (const { live } of streams) live.changed(change);
    },
    () => {
      for (const { live } of streams) live.snapshot();
    },
  );
  const beats = setInterval(() => {
    for (const stream of streams) {
      beat(stream).catch((error: unknown) => parts.log.error({ type: (error as Error).name }, "a live stream could not be checked"));
    }
  }, parts.liveBeatMs ?? BEAT_MS);
  beats.unref();

  return {
    /** Turns a response, its head already written, into a live stream. */
    join(credential: Credential, raw: ServerResponse): void {
      const live = liveStream({ write: (text) => raw.write(text), isFull: () => raw.writableNeedDrain });
      const stream: Stream = { credential, raw, live, fullBeats: 0 };
      streams.add(stream);
      raw.on("drain", live.drained);
      raw.on("close", () => streams.delete(stream));
      raw.on("error", () => streams.delete(stream));
      raw.write("retry: 2000\n\n");
      live.snapshot();
    },
    /** Throws TooManyRequests when this asker, or the process, has as many streams as it may. */
    refuseTooMany(credential: Credential): void {
      const own = [...streams].filter((stream) => stream.credential.actor === credential.actor).length;
      if (closed || own >= STREAMS_EACH || streams.size >= STREAMS) throw new TooManyRequests(10);
    },
    /** Ends at once the streams of a credential that was just taken away. */
    endIf(isOver: (credential: Credential) => boolean): void {
      for (const stream of [...streams]) if (isOver(stream.credential)) leave(stream);
    },
    count: () => streams.size,
    async close(): Promise<void> {
      closed = true;
      clearInterval(beats);
      for (const stream of [...streams]) leave(stream);
      await hearing.close();
    },
  };
}
