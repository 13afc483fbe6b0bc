import WebSocket from "ws";

/** From ping to ping. */
const PING_MS = 800;
/** So many pings go unanswered before a connection counts as dead: it is found out 1.6 to 2.4 s after the last word of it. */
const MOST_UNANSWERED = 2;

/**
 * Ends a socket whose other end is gone without a word (a pulled cable, a frozen machine): nothing else would tell for minutes. Only a connection
 * that has answered a ping before is held to it; one that never did may be a server that does not. A stall of our own counts as one ping at most.
 * Gives what stops it.
 */
export function watchLiveness(socket: WebSocket): () => void {
  let answers = false;
  let unanswered = 0;
  const timer = setInterval(() => {
    if (answers && unanswered >= MOST_UNANSWERED) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) {
      unanswered++;
      socket.ping();
    }
  }, PING_MS);
  const heard = (): void => {
    unanswered = 0;
  };
  socket.on("message", heard);
  socket.on("pong", () => {
    answers = true;
    unanswered = 0;
  });
  return () => clearInterval(timer);
}
