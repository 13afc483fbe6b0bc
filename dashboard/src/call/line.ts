/** What the timeline says about the line right now. */
import type { CallEvent } from "../ask/shapes.ts";

/** Is the party on the phone muted? The last word about it counts. */
export const isMuted = (events: readonly CallEvent[]): boolean =>
  events.findLast(({ kind }) => kind === "caller.muted" || kind === "caller.unmuted")?.kind === "caller.muted";

export type HandOver = "none" | "under way" | "connected";

/** How far handing the caller to a person has come; one that failed leaves no trace here, another may be tried. */
export function handOverIn(events: readonly CallEvent[]): HandOver {
  switch (events.findLast(({ kind }) => kind.startsWith("transfer."))?.kind) {
    case "transfer.asked":
    case "transfer.ringing":
      return "under way";
    case "transfer.connected":
      return "connected";
    default:
      return "none";
  }
}
