/** Lets bytes through no faster than so many a second, all users together. */
export interface Pace {
  /** Resolves when so many bytes may be handled. */
  take(bytes: number): Promise<void>;
}

/**
 * Hashing, writing and reading back run on the thread that also carries live calls: sixteen fast files at once would make its 20 ms tick late by
 * 60 ms (FIGURES.md). Chunks of all transfers pass here one after the other, with time for the others in between. A burst passes at once,
 * so that an ordinary recording (2 MB for five minutes) does not feel it.
 * @param now monotonic milliseconds
 */
export function pace(
  bytesPerSecond: number,
  burstBytes: number,
  now: () => number = () => performance.now(),
  sleep: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Pace {
  const msPerByte = 1000 / bytesPerSecond;
  const burstMs = burstBytes * msPerByte;
  let free = Number.NEGATIVE_INFINITY;
  return {
    async take(bytes) {
      const moment = now();
      free = Math.max(free, moment - burstMs) + bytes * msPerByte;
      const wait = free - moment;
      if (wait > 0) await sleep(wait);
    },
  };
}

/** What passes, at that pace. */
export async function* paced<Chunk extends { readonly length: number }>(
  chunks: AsyncIterable<Chunk>,
  { take }: Pace,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    await take(chunk.length);
    yield chunk;
  }
}
