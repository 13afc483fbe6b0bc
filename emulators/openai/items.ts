import { invalid, type NewItem, newId, type Problem } from "./wire.ts";

/** One thing in a conversation. */
export interface Item {
  readonly id: string;
  readonly type: "message" | "function_call" | "function_call_output";
  readonly role: "system" | "user" | "assistant" | null;
  status: "in_progress" | "completed" | "incomplete";
  text: string;
  /** Sound of it, ms; 0 for one that is text alone. */
  audioMs: number;
  /** As it was given by the client, or made by the model. */
  readonly call: { readonly name: string; readonly call_id: string; arguments: string } | null;
  readonly output: { readonly call_id: string; readonly output: string } | null;
}

/** An item as the service itself makes it: what is not said of it is not there yet. */
export const newItem = (fields: Pick<Item, "id" | "type" | "role"> & Partial<Item>): Item => ({
  status: "in_progress",
  text: "",
  audioMs: 0,
  call: null,
  output: null,
  ...fields,
});

/** The items of a conversation in order, and what the client may do with them. */
export class Conversation {
  readonly items: Item[] = [];

  /** The id before `id`, or of the last item. */
  before(id?: string): string | null {
    const at = id === undefined ? this.items.length : this.items.findIndex((item) => item.id === id);
    return this.items[at - 1]?.id ?? null;
  }

  add(item: Item): Item {
    this.items.push(item);
    return item;
  }

  /** An item of the client's. */
  insert(wish: Exclude<NewItem, { type: "force_message" }>, after: string | null | undefined): { item: Item } | { problem: Problem } {
    const id = wish.id ?? newId("item");
    if (this.find(id)) return { problem: invalid("item_create_invalid_item_id", `Item with item_id '${id}' already exists.`, "item.id") };
    const at = after == null ? this.items.length : after === "root" ? 0 : this.items.findIndex((item) => item.id === after) + 1;
    if (after != null && after !== "root" && at === 0)
      return { problem: invalid("invalid_value", `Item with item_id '${after}' not found.`, "previous_item_id") };
    const problem = wish.type === "message" ? contentProblem(wish) : null;
    if (problem) return { problem };
    const text = wish.type === "message" ? wish.content.map((part) => part.text ?? part.transcript ?? "").join(" ") : "";
    const item: Item = {
      id,
      type: wish.type,
      role: wish.type === "message" ? wish.role : null,
      status: "completed",
      text,
      audioMs: 0,
      call: wish.type === "function_call" ? { name: wish.name, call_id: wish.call_id ?? newId("call"), arguments: wish.arguments } : null,
      output: wish.type === "function_call_output" ? { call_id: wish.call_id, output: wish.output } : null,
    };
    this.items.splice(at, 0, item);
    return { item };
  }

  find(id: string): Item | undefined {
    return this.items.find((item) => item.id === id);
  }

  remove(id: string): Problem | null {
    const at = this.items.findIndex((item) => item.id === id);
    if (at < 0) return invalid("item_delete_invalid_item_id", `Error deleting item: the item with id '${id}' does not exist.`, "item_id");
    this.items.splice(at, 1);
    return null;
  }

  /** Cuts an answer at what was heard, and forgets its words: the server cannot know which of them were. */
  truncate(id: string, audioEndMs: number): Problem | null {
    const item = this.find(id);
    if (!item) return invalid("item_truncate_invalid_item_id", `Item with item_id '${id}' not found.`, "item_id");
    if (item.role !== "assistant" || item.audioMs === 0)
      return invalid("unsupported_content_type", "Only model output audio messages can be truncated", "item_id");
    const generated = Math.floor(item.audioMs);
    if (audioEndMs > generated)
      return invalid(null, `Audio content of ${generated}ms is already shorter than ${audioEndMs}ms`, "audio_end_ms");
    item.audioMs = audioEndMs;
    item.text = "";
    item.status = "incomplete";
    return null;
  }
}

/** An item as it goes over the wire. */
export function shown(item: Item): Record<string, unknown> {
  const common = { id: item.id, object: "realtime.item", type: item.type, status: item.status };
  if (item.call) return { ...common, ...item.call };
  if (item.output) return { ...common, ...item.output };
  const content =
    item.role === "assistant"
      ? item.status === "in_progress" && item.text === ""
        ? []
        : [item.audioMs > 0 ? { type: "output_audio", transcript: item.text } : { type: "output_text", text: item.text }]
      : item.role === "user" && item.audioMs > 0
        ? [{ type: "input_audio", transcript: null }]
        : [{ type: "input_text", text: item.text }];
  return { ...common, role: item.role, content };
}

const allowed = { system: ["input_text"], user: ["input_text", "input_audio", "input_image"], assistant: ["output_text"] } as const;

function contentProblem({ role, content }: Extract<NewItem, { type: "message" }>): Problem | null {
  for (const [at, { type }] of content.entries()) {
    const kinds: readonly string[] = allowed[role];
    if (kinds.includes(type)) continue;
    const list = kinds.map((kind) => `'${kind}'`).join(", ");
    return invalid("invalid_value", `Invalid value: '${type}'. Supported values are: ${list}.`, `item.content[${at}].type`);
  }
  return null;
}
