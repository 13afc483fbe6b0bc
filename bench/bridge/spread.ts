import type { Spread } from "./protocol.ts";

/** The value below which `part` (0..1) of them lie. NaN when there are none. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number;
}

export const spread = (values: readonly number[]): Spread => ({
  count: values.length,
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
  max: values.reduce((most, value) => Math.max(most, value), 0),
});
