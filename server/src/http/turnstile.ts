import type { FastifyInstance } from "fastify";

/** Answered at once; the others wait their turn, in order. */
const AT_ONCE = 4;
/** Who takes longer (a carrier is asked, a recording is streamed) holds up nobody. */
const LONGEST_TURN_MS = 100;

/** Lets `most` in at once, for `longestMs` each at most. */
export function openTurnstile(most: number, longestMs: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  /** Resolves when it is one's turn, with what to call when one is done. */
  return async function enter(): Promise<() => void> {
    if (inside >= most) await new Promise<void>((turn) => waiting.push(turn));
    else inside++;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      clearTimeout(late);
      const next = waiting.shift();
      if (next === undefined) inside--;
      else next();
    };
    const late = setTimeout(leave, longestMs);
    return leave;
  };
}

/**
 * Requests of people and programs take turns, so that hundreds at once do not stand between two frames of a call: the loop turns to the audio again
 * after the steps of a few of them, not of all. Costs them nothing while there are few, and no throughput: four keep the process busy
 * (bench/README.md, "Beside the calls"). The carrier's doors take no part.
 */
export function takeTurns(app: FastifyInstance): void {
  const enter = openTurnstile(AT_ONCE, LONGEST_TURN_MS);
  app.addHook("onRequest", async (request, reply) => {
    if (!request.url.startsWith("/api/") || request.url.startsWith("/api/hume-twilio/")) return;
    const leave = await enter();
    if (reply.raw.closed) leave();
    else reply.raw.once("close", leave);
  });
}
