import type { Behaviour } from "./behaviour.ts";
import type { Clock } from "./clock.ts";
import { directed, type Script } from "./directive.ts";
import type { ChatRecord, GroupRecord } from "./history.ts";
import { merged, type Session, sessionOf } from "./session.ts";
import { openTimers, type Timers } from "./timers.ts";
import type { SessionSettings } from "./wire.ts";

/** What is so in one chat, for all parts of it: each reads it at the moment it needs it. */
export interface Situation {
  readonly chat: ChatRecord;
  readonly group: GroupRecord;
  readonly behaviour: Behaviour;
  readonly timers: Timers;
  /** As the server was started; prompts are read on top of it. */
  readonly opened: Script;
  /** In force now. */
  script: Script;
  settings: SessionSettings;
  /** The client wants no answers for now. */
  paused: boolean;
  /** Of the caller's, so far. */
  turns: number;
  /** What both sides said, for those who look on. */
  readonly texts: { readonly speaker: "user" | "assistant"; readonly text: string }[];
  /** The code the socket was closed with. */
  ended: number | null;
}

export function newSituation(
  parts: { readonly clock: Clock; readonly behaviour: Behaviour; readonly script: Script },
  chat: ChatRecord,
  group: GroupRecord,
): Situation {
  const { clock, behaviour, script } = parts;
  return {
    chat,
    group,
    behaviour,
    timers: openTimers(clock),
    opened: script,
    script: directed(script, behaviour.prompt),
    settings: {},
    paused: false,
    turns: 0,
    texts: [],
    ended: null,
  };
}

/** Settings by the address or by a message: what they say is in force from now on. */
export function applySettings(situation: Situation, sent: SessionSettings): void {
  const { chat, opened, behaviour } = situation;
  situation.settings = merged(situation.settings, sent);
  if (sent.custom_session_id) chat.customSessionId = sent.custom_session_id;
  if (sent.metadata) chat.metadata = JSON.stringify(sent.metadata);
  if (sent.system_prompt) situation.script = directed(directed(opened, behaviour.prompt), sent.system_prompt);
}

/** What the settings in force and the config make together. */
export function sessionNow({ settings, behaviour }: Situation): Session {
  return sessionOf(settings, behaviour);
}

/** What the model reads with a message of the caller's: the context in force, one at a time. A temporary one is used up by it. */
export function takeContext(situation: Situation): string {
  const { context } = situation.settings;
  if (context && context.type !== "persistent" && context.type !== "editable")
    situation.settings = { ...situation.settings, context: null };
  return context?.text ?? "";
}
