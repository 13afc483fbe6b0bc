import type { Answering } from "./answering.ts";
import type { History } from "./history.ts";
import type { Intake } from "./intake.ts";
import type { Outlet } from "./outlet.ts";
import { applySettings, type Situation } from "./situation.ts";
import type { UserMessages } from "./user-messages.ts";
import type { ClientMessage } from "./wire.ts";

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly history: History;
  readonly intake: Intake;
  readonly answering: Answering;
  readonly userMessages: UserMessages;
  /** A tool's answer is to a call that is not open. */
  noSuchCall(id: string): void;
}

/** What a client may say, but for its sound (`audio_input`). The control plane may say the same. */
export type Asked = Exclude<ClientMessage, { type: "audio_input" }>;

/** The table: what is done about each message. */
const deeds: { readonly [Type in Asked["type"]]: (parts: Parts, message: Extract<Asked, { type: Type }>) => void } = {
  session_settings({ situation, outlet, history }, message) {
    applySettings(situation, message);
    const { type: _type, ...sent } = message;
    history.add(situation.chat, { role: "SYSTEM", type: "SESSION_SETTINGS", message_text: JSON.stringify(sent) });
    if (situation.script.faults.mirrors) outlet.send({ ...situation.settings, type: "session_settings" });
  },
  user_input: ({ userMessages, intake }, { text }) => userMessages.written(text, intake.heardMs),
  assistant_input: ({ answering }, { text }) => void answering.say([text], { verbatim: true }),
  tool_response({ answering, noSuchCall }, { tool_call_id: id, content }) {
    if (!answering.toolAnswered(id, true, content)) noSuchCall(id);
  },
  tool_error({ answering, noSuchCall }, { tool_call_id: id, content }) {
    if (!answering.toolAnswered(id, false, content ?? null)) noSuchCall(id);
  },
  pause_assistant_message({ situation, history }) {
    situation.paused = true;
    history.add(situation.chat, { role: "USER", type: "PAUSE_ONSET" });
  },
  resume_assistant_message({ situation, history, userMessages }) {
    situation.paused = false;
    history.add(situation.chat, { role: "USER", type: "RESUME_ONSET" });
    userMessages.resume();
  },
};

/** Does what a client's message says. */
export function obey(parts: Parts, message: Asked): void {
  if (message.custom_session_id) parts.situation.chat.customSessionId = message.custom_session_id;
  const deed = deeds[message.type] as (parts: Parts, message: Asked) => void;
  deed(parts, message);
}
