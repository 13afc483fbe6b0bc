import { z } from "zod";

/**
 * What engines charge, to estimate what a call has cost. A price is found by "engine:model", then by "engine"; `engine` is evi, or the dialect of a
 * server of the Realtime protocol (openai, azure, ...). What has no price costs "not known", never nothing.
 */
const amount = z.number().min(0).max(1_000_000);
export const EnginePrice = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Of a session, or of transcribed sound, by the second. */
  per_minute: amount.optional(),
  /** A million tokens. */
  per_million: z.strictObject({ text_in: amount, text_out: amount, audio_in: amount, audio_out: amount, cached: amount }).optional(),
});
export type EnginePrice = z.infer<typeof EnginePrice>;
export type Prices = Readonly<Record<string, EnginePrice>>;

const realtime = (text_in: number, text_out: number, audio_in: number, cached: number, audio_out: number): EnginePrice => ({
  currency: "USD",
  per_million: { text_in, text_out, audio_in, audio_out, cached },
});

/** As the vendor published them in November 2026 (openai-realtime §1.1). EVI's depends on the plan and is not among them. */
export const publishedPrices: Prices = {
  "openai:gpt-realtime-2.1": realtime(4, 24, 32, 0.4, 64),
  "openai:gpt-realtime-2.1-mini": realtime(0.6, 2.4, 10, 0.3, 20),
  "openai:gpt-realtime-2": realtime(4, 24, 32, 0.4, 64),
  "openai:gpt-realtime-1.5": realtime(4, 16, 32, 0.4, 64),
  "openai:gpt-realtime-whisper": { currency: "USD", per_minute: 0.017 },
};

const count = z.number().min(0).catch(0);
const Details = z.looseObject({ text_tokens: count.default(0), audio_tokens: count.default(0), cached_tokens: count.default(0) }).catch({
  text_tokens: 0,
  audio_tokens: 0,
  cached_tokens: 0,
});
const Usage = z.looseObject({
  service: z.string().optional().catch(undefined),
  model: z.string().optional().catch(undefined),
  seconds: z.number().min(0).optional().catch(undefined),
  input_token_details: Details.optional(),
  output_token_details: Details.optional(),
});

/** What one message of usage costs; null when that is not known. `raw.service` and `raw.model` name the price. Pure. */
export function costOf(
  prices: Prices,
  engine: string,
  raw: Readonly<Record<string, unknown>>,
): { amount: number; currency: string } | null {
  const usage = Usage.parse(raw);
  const service = usage.service ?? engine;
  const price = prices[`${service}:${usage.model ?? ""}`] ?? prices[service];
  if (price === undefined) return null;
  if (usage.seconds !== undefined)
    return price.per_minute === undefined ? null : { amount: (usage.seconds / 60) * price.per_minute, currency: price.currency };
  const { input_token_details: into, output_token_details: out } = usage;
  if (price.per_million === undefined || (into === undefined && out === undefined)) return null;
  const { text_in, text_out, audio_in, audio_out, cached } = price.per_million;
  const [text, audio] = [into?.text_tokens ?? 0, into?.audio_tokens ?? 0];
  // Cached tokens are among the others, and servers do not always say of which kind: of both alike, then.
  const paid = text + audio === 0 ? 0 : 1 - Math.min(into?.cached_tokens ?? 0, text + audio) / (text + audio);
  const tokens =
    text * paid * text_in +
    audio * paid * audio_in +
    (text + audio) * (1 - paid) * cached +
    (out?.text_tokens ?? 0) * text_out +
    (out?.audio_tokens ?? 0) * audio_out;
  return { amount: tokens / 1_000_000, currency: price.currency };
}
