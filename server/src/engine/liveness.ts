import WebSocket from "ws";
import { systemClock } from "../clock.ts";

/** How often a quiet socket is looked at, all of them by one clockwork: each belongs to one of its slots, so that not all ping in the same instant. */
const LOOK_MS = 300;
const SLOTS = 8;
const SLOT_MS = LOOK_MS / SLOTS;
/**
 * What a turn of the clockwork counts for at most, however late it comes. A busy process looks as often as an idle one. Our own pause is hardly counted,
 * and where every turn is later than that it judges with more patience: of so overloaded a machine an engine beside us is as late as we are. With all
 * of the time counted, and a load of 50 on 2 cores, 2 or 3 of 70 sound sessions were taken for dead, with 75 ms of it one of 140.
 */
const MOST_COUNTED_MS = 50;
/** From ping to ping, in looks: 0.6 s. */
const PING_EVERY = 2;
/** So many looks without a word, two pings among them, and a connection counts as dead: it is found out 1.5 to 1.8 s after the last word of it. */
const MOST_QUIET = 5;

/** Visits each member every 300 ms of the time that `turn` is told of, as far as that counts. */
export class Looks {
  private readonly slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
  private turnedAt: number;
  private countedMs = 0;
  private done = 0;

  constructor(nowMs: number) {
    this.turnedAt = nowMs;
  }

  get members(): number {
    return this.slots.reduce((sum, { size }) => sum + size, 0);
  }

  join(member: () => void): () => void {
    const mine = this.slots.reduce((least, other) => (other.size < least.size ? other : least));
    mine.add(member);
    return () => void mine.delete(member);
  }

  /** `nowMs`: monotonic. */
  turn(nowMs: number): void {
    this.countedMs += Math.min(nowMs - this.turnedAt, MOST_COUNTED_MS);
    this.turnedAt = nowMs;
    const due = Math.floor(this.countedMs / SLOT_MS);
    while (this.done < due) for (const look of this.slots[++this.done % SLOTS] as Set<() => void>) look();
  }
}

const looks = new Looks(systemClock.monotonicMs());
let timer: NodeJS.Timeout | null = null;

/** Looks at `member` from now on, until the returned function is called. Asleep while nobody is looked at. */
function join(member: () => void): () => void {
  const leave = looks.join(member);
  timer ??= setInterval(() => setImmediate(turn), SLOT_MS);
  return () => {
    leave();
    if (looks.members > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** Behind the sockets' turn: what came while the process was held up is read before anybody is judged. */
const turn = (): void => looks.turn(systemClock.monotonicMs());

/** Hosts that have answered a ping in this process's life: a few, those of the configured engines. */
const answering = new Set<string>();

/**
 * Ends a socket whose other end is gone without a word (a pulled cable, a frozen machine): nothing else would tell for minutes. Only a host that has
 * answered a ping before is held to it; one that never did may be a server that does not. Anything heard counts as an answer, and who talks is not
 * pinged. Gives what stops it.
 */
export function watchLiveness(socket: WebSocket): () => void {
  const { host } = new URL(socket.url);
  let heardSince = false;
  let quiet = 0;
  const stop = join(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    quiet = heardSince ? 0 : quiet + 1;
    heardSince = false;
    if (quiet >= MOST_QUIET && answering.has(host)) socket.terminate();
    else if (quiet % PING_EVERY === 1) socket.ping();
  });
  const heard = (): void => {
    heardSince = true;
  };
  socket.on("open", () => socket.ping());
  socket.on("message", heard);
  socket.on("pong", () => {
    answering.add(host);
    heard();
  });
  return stop;
}
