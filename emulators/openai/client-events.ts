import { flat, fromFlat } from "./dialects.ts";
import { directed } from "./directive.ts";
import type { InputBuffer } from "./input-buffer.ts";
import { shown } from "./items.ts";
import type { Mind } from "./mind.ts";
import type { Outlet } from "./outlet.ts";
import type { Responses } from "./responses.ts";
import { update } from "./session-settings.ts";
import type { Situation } from "./situation.ts";
import { type ClientEvent, invalid, notAmong, type Problem } from "./wire.ts";

interface Parts {
  readonly situation: Situation;
  readonly outlet: Outlet;
  readonly input: InputBuffer;
  readonly mind: Mind;
  readonly responses: Responses;
  /** The settings are others now, and the client was told: what waits by the old ones waits by these. */
  updated(): void;
}

/** What a client may ask, but for its sound (`input_audio_buffer.append`). */
export type Asked = Exclude<ClientEvent, { type: "input_audio_buffer.append" }>;
type Of<Type> = Extract<Asked, { type: Type }>;

/** The table: what is done about each event; or what is wrong with it. */
const deeds: { readonly [Type in Asked["type"]]: (parts: Parts, event: Of<Type>) => Problem | null } = {
  "session.update": updateSession,
  "input_audio_buffer.commit": ({ input }) => input.commit(),
  "input_audio_buffer.clear": ({ input, outlet }) => {
    input.clear();
    outlet.send("input_audio_buffer.cleared", {});
    return null;
  },
  "conversation.item.create": createItem,
  "conversation.item.retrieve": ({ situation, outlet }, { item_id }) => {
    const item = situation.conversation.find(item_id);
    if (!item) return invalid("item_retrieve_invalid_item_id", `Item with item_id '${item_id}' not found.`, "item_id");
    outlet.send("conversation.item.retrieved", { item: shown(item) });
    return null;
  },
  "conversation.item.delete": ({ situation, outlet }, { item_id }) => {
    const problem = situation.conversation.remove(item_id);
    if (!problem) outlet.send("conversation.item.deleted", { item_id });
    return problem;
  },
  "conversation.item.truncate": truncate,
  "response.create": ({ responses }, { response: asked }) => {
    if (asked?.conversation === "none")
      return invalid("invalid_value", "This emulated service does not answer outside the conversation.", "response.conversation");
    if (responses.active !== null) {
      const message = `Conversation already has an active response in progress: ${responses.active}. Wait until the response is finished before creating a new one.`;
      return invalid("conversation_already_has_active_response", message);
    }
    responses.begin(asked ?? {});
    return null;
  },
  "response.cancel": ({ responses }, { response_id }) =>
    responses.cancel(response_id) ? null : invalid("response_cancel_not_active", "Cancellation failed: no active response found"),
};

/** Does what the client asks; what is wrong with it otherwise. */
export function obey(parts: Parts, event: Asked): Problem | null {
  const deed = deeds[event.type] as (parts: Parts, event: Asked) => Problem | null;
  return deed(parts, event);
}

/** The session as the server it stands for shows it. */
export function shownSession({ script, session }: Situation): object {
  return script.faults.flat ? flat(session) : session;
}

function updateSession({ situation, outlet, updated }: Parts, { session: wish }: Of<"session.update">): Problem | null {
  const { opened, script, session, hasSpoken } = situation;
  if (script.faults.refusesUpdate) return invalid("invalid_value", "Refused, as the model's name wants it.", "session");
  const written = opened.faults.flat ? fromFlat(wish) : { session: wish };
  if ("problem" in written) return written.problem;
  const next = typeof wish.instructions === "string" ? directed(opened, wish.instructions) : script;
  const after = update(session, written.session, { lenientRates: next.faults.lenientRates === true, hasSpoken });
  if ("problem" in after) return after.problem;
  situation.script = next;
  situation.session = after.session;
  outlet.send("session.updated", { session: shownSession(situation) });
  updated();
  return null;
}

function createItem({ situation, outlet, mind, responses }: Parts, event: Of<"conversation.item.create">): Problem | null {
  if (event.item.type === "force_message") {
    if (!situation.script.faults.forcedMessages)
      return notAmong("item.type", "force_message", ["message", "function_call", "function_call_output"]);
    responses.force(event.item.content.map((part) => part.text ?? "").join(" "));
    return null;
  }
  const inserted = situation.conversation.insert(event.item, event.previous_item_id);
  if ("problem" in inserted) return inserted.problem;
  mind.told(inserted.item);
  outlet.item(inserted.item, "added");
  outlet.item(inserted.item, "done");
  return null;
}

function truncate({ situation, outlet }: Parts, event: Of<"conversation.item.truncate">): Problem | null {
  const { truncate: fault } = situation.script.faults;
  if (fault === "unknown") return invalid("invalid_value", `Invalid value: '${event.type}'.`, "type");
  if (fault === "ignored") return null;
  const { item_id, content_index, audio_end_ms } = event;
  const problem = situation.conversation.truncate(item_id, audio_end_ms);
  if (!problem) outlet.send("conversation.item.truncated", { item_id, content_index, audio_end_ms });
  return problem;
}
