import type { Item } from "./items.ts";

/** Tokens as they are counted roughly: 10 a second of the caller, 20 a second of the agent, a token every four letters. */
const HEARD_A_SECOND = 10;
export const SAID_A_SECOND = 20;
const textTokens = (text: string): number => Math.ceil(text.length / 4);

/** What a response used: the whole context again, most of it at the cached price. */
export function usageOf(
  context: { instructions: string; items: readonly Item[]; cachedTokens: number },
  made: readonly Item[],
): Record<string, unknown> {
  const before = context.items.filter((item) => !made.includes(item));
  const audioIn = sum(before, (item) => (item.audioMs / 1_000) * (item.role === "assistant" ? SAID_A_SECOND : HEARD_A_SECOND));
  const textIn = textTokens(context.instructions) + sum(before, (item) => textTokens(item.text));
  const audioOut = sum(made, (item) => (item.audioMs / 1_000) * SAID_A_SECOND);
  const textOut = sum(made, (item) => textTokens(item.text) + textTokens(item.call?.arguments ?? ""));
  const cached = Math.min(context.cachedTokens, audioIn + textIn);
  return {
    total_tokens: audioIn + textIn + audioOut + textOut,
    input_tokens: audioIn + textIn,
    output_tokens: audioOut + textOut,
    input_token_details: { text_tokens: textIn, audio_tokens: audioIn, image_tokens: 0, cached_tokens: cached },
    output_token_details: { text_tokens: textOut, audio_tokens: audioOut },
  };
}

const sum = (items: readonly Item[], of: (item: Item) => number): number => Math.round(items.reduce((total, item) => total + of(item), 0));
