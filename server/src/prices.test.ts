import { describe, expect, it } from "vitest";
import { costOf, type Prices, publishedPrices } from "./prices.ts";

const evi: Prices = { evi: { currency: "EUR", per_minute: 0.06 } };
const tokens = (more: object) => ({
  of: "response",
  service: "openai",
  model: "gpt-realtime-2.1",
  input_token_details: { text_tokens: 1_000, audio_tokens: 3_000, cached_tokens: 0 },
  output_token_details: { text_tokens: 100, audio_tokens: 2_000 },
  ...more,
});

describe("what a message of usage costs", () => {
  it.each([
    ["tokens by kind", publishedPrices, "openai", tokens({}), { amount: 0.2304, currency: "USD" }],
    [
      "cached tokens at their own price, of both kinds alike",
      publishedPrices,
      "openai",
      tokens({ input_token_details: { text_tokens: 1_000, audio_tokens: 3_000, cached_tokens: 2_000 } }),
      { amount: 0.1812, currency: "USD" },
    ],
    [
      "more cached than there is counts as all",
      publishedPrices,
      "openai",
      tokens({ input_token_details: { text_tokens: 10, audio_tokens: 0, cached_tokens: 99 }, output_token_details: {} }),
      { amount: 0.000004, currency: "USD" },
    ],
    [
      "transcription by the second",
      publishedPrices,
      "openai",
      { service: "openai", model: "gpt-realtime-whisper", seconds: 30 },
      { amount: 0.0085, currency: "USD" },
    ],
    ["a session by its minutes", evi, "evi", { of: "session", seconds: 90 }, { amount: 0.09, currency: "EUR" }],
    ["a model nobody has a price for", publishedPrices, "openai", tokens({ model: "gpt-realtime-9" }), null],
    ["a server of one's own that speaks the protocol", publishedPrices, "openai", tokens({ service: "localai" }), null],
    ["an engine without a price", publishedPrices, "evi", { of: "session", seconds: 90 }, null],
    ["tokens where the price is by the minute", evi, "evi", tokens({ service: undefined }), null],
    ["nonsense", publishedPrices, "openai", { service: 3, input_token_details: "many", seconds: "x" }, null],
  ] as const)("%s", (_, prices, engine, raw, expected) => {
    const cost = costOf(prices, engine, raw as Record<string, unknown>);
    expect(cost && { ...cost, amount: Number(cost.amount.toFixed(9)) }).toEqual(expected);
  });
});
