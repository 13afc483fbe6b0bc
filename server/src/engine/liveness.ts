import WebSocket from "ws";

/** How often a quiet socket is looked at, all of them by one clockwork: each belongs to one of its slots, so that not all ping in the same instant. */
const LOOK_MS = 300;
const SLOTS = 8;
/** From ping to ping, in looks: 0.6 s. */
const PING_EVERY = 2;
/** So many looks without a word, two pings among them, and a connection counts as dead: it is found out 1.5 to 1.8 s after the last word of it. */
const MOST_QUIET = 5;

/** Hosts that have answered a ping in this process's life: a few, those of the configured engines. */
const answering = new Set<string>();

const slots = Array.from({ length: SLOTS }, () => new Set<() => void>());
let members = 0;
let slot = 0;
let timer: NodeJS.Timeout | null = null;

/** Looks at `member` from now on, until the returned function is called. Asleep while nobody is looked at. */
function join(member: () => void): () => void {
  const mine = slots.reduce((least, other) => (other.size < least.size ? other : least));
  mine.add(member);
  members++;
  timer ??= setInterval(() => {
    slot = (slot + 1) % SLOTS;
    for (const look of slots[slot] as Set<() => void>) look();
  }, LOOK_MS / SLOTS);
  return () => {
    if (mine.delete(member)) members--;
    if (members > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/**
 * Ends a socket whose other end is gone without a word (a pulled cable, a frozen machine): nothing else would tell for minutes. Only a host that has
 * answered a ping before is held to it; one that never did may be a server that does not. Anything heard counts as an answer, and who talks is not
 * pinged; a stall of our own counts as one look at most. Gives what stops it.
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
