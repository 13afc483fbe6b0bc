import WebSocket from "ws";

/** From ping to ping. */
const PING_MS = 800;
/** So many pings go unanswered before a connection counts as dead: it is found out 1.6 to 2.4 s after the last word of it. */
const MOST_UNANSWERED = 2;

/** Hosts that have answered a ping in this process's life: a few, those of the configured engines. */
const answering = new Set<string>();

/**
 * Ends a socket whose other end is gone without a word (a pulled cable, a frozen machine): nothing else would tell for minutes. Only a host that has
 * answered a ping before is held to it; one that never did may be a server that does not. Anything heard counts as an answer, and a stall of our own
 * as one ping at most. Gives what stops it.
 */
export function watchLiveness(socket: WebSocket): () => void {
  const { host } = new URL(socket.url);
  let unanswered = 0;
  const ping = (): void => {
    unanswered++;
    socket.ping();
  };
  const timer = setInterval(() => {
    if (answering.has(host) && unanswered >= MOST_UNANSWERED) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) ping();
  }, PING_MS);
  const heard = (): void => {
    unanswered = 0;
  };
  socket.on("open", ping);
  socket.on("message", heard);
  socket.on("pong", () => {
    answering.add(host);
    heard();
  });
  return () => clearInterval(timer);
}
