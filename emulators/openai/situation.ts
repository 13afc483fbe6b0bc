import type { Clock } from "../evi/clock.ts";
import { openTimers, type Timers } from "../evi/timers.ts";
import type { Script } from "./directive.ts";
import { Conversation } from "./items.ts";
import { defaultSession, type Session } from "./session-settings.ts";
import { newId } from "./wire.ts";

/** What is so in one session, for all parts of it: each reads it at the moment it needs it. */
export interface Situation {
  readonly id: string;
  readonly conversationId: string;
  readonly conversation: Conversation;
  readonly timers: Timers;
  /** As the model's name and `--as` have it; instructions are read on top of it. */
  readonly opened: Script;
  /** In force now. */
  script: Script;
  session: Session;
  /** Of the caller's, those told of an earlier session included. */
  turns: number;
  /** Something was said aloud already: the voice stays. */
  hasSpoken: boolean;
  /** The client told lines of an earlier session: what ended that one does not end this one too. */
  replayed: boolean;
  /** The code the socket was closed with. */
  ended: number | null;
}

/** @param sessionMs how long the session may last */
export function newSituation(clock: Clock, model: string, script: Script, sessionMs: number): Situation {
  const id = newId("sess");
  return {
    id,
    conversationId: newId("conv"),
    conversation: new Conversation(),
    timers: openTimers(clock),
    opened: script,
    script,
    session: defaultSession(id, model, Math.round((clock.now() + sessionMs) / 1_000)),
    turns: 0,
    hasSpoken: false,
    replayed: false,
    ended: null,
  };
}

/** Names of the function tools the client offers. */
export function toolNames({ session }: Situation): string[] {
  return session.tools.flatMap((tool) => (tool.type === "function" && tool.name !== undefined ? [tool.name] : []));
}
