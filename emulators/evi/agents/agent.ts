import type { Voice } from "../../speech/voice.ts";

/** An emulated agent: data. It listens, finds the first rule that fits what it heard, and says or does what stands there. */
export interface Agent {
  readonly name: string;
  /** One sentence for the table in the README. */
  readonly habit: string;
  readonly voice: Voice;
  /** Said at the start of a new chat when the config's `on_new_chat` is enabled without a text of its own. */
  readonly greeting: string;
  readonly rules: readonly Rule[];
  /** What it says when no rule fits: the first time, the second, ... the last one for ever. */
  readonly otherwise: readonly (readonly string[])[];
  /** Said when the config's nudges are on and the caller is silent. */
  readonly nudge: string;
}

/**
 * Sentences may name variables: `{{customer_name}}`; one that is not known disappears together with the comma before it.
 * `{{heard}}` is what was heard, `{{context}}` what the client told beside it, `{{result}}` the content of a tool's answer, `{{1}}` the first group of `hears`.
 */
export interface Rule {
  readonly hears: RegExp;
  /** Fits only once in a conversation. */
  readonly once?: true;
  readonly say: readonly string[];
  /** Calls the first tool of the session whose name fits, if there is one; then says `answered` instead of `say`. */
  readonly calls?: ToolUse;
  /** Afterwards it ends the conversation: by the built-in `hang_up` or a tool of that name, if the session has one. */
  readonly hangUp?: true;
}

export interface ToolUse {
  readonly tool: RegExp;
  readonly parameters: Readonly<Record<string, string>>;
  /** Said before the call, so that the line is not dead. */
  readonly before?: readonly string[];
  readonly answered: readonly string[];
  readonly failed: readonly string[];
}
