/** One figure of a run beside the bar it is held to. */
export interface Held {
  readonly figure: string;
  readonly bar: string;
  readonly found: string;
  readonly met: boolean;
  /** Of a timing or a load: on a machine with other work it says little. A run whose bars of this kind are missed is still a run that was right. */
  readonly timing: boolean;
}

/** A number held to "at most"; what could not be measured (NaN) is not met. */
export const atMost = (figure: string, value: number, bar: number, unit: string, digits = 2, timing = true): Held => ({
  figure,
  bar: `≤ ${bar} ${unit}`.trim(),
  found: Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}`.trim() : "not measured",
  met: Number.isFinite(value) && value <= bar,
  timing,
});

/** Something that must not have happened. */
export const none = (figure: string, count: number): Held => ({
  figure,
  bar: "none",
  found: String(count),
  met: count === 0,
  timing: false,
});

/** Was everything right that no busy machine excuses? */
export const isRight = (held: readonly Held[]): boolean => held.every(({ met, timing }) => met || timing);

/** The bars as a table, missed ones first to the eye. */
export function verdictTable(held: readonly Held[]): string {
  const missed = held.filter(({ met }) => !met).length;
  return [
    `**${missed === 0 ? "Every bar is met." : `${missed} of ${held.length} bars ${missed === 1 ? "is" : "are"} missed.`}**`,
    "",
    "| figure | bar | found | |",
    "|---|---|---|---|",
    ...held.map(({ figure, bar, found, met }) => `| ${figure} | ${bar} | ${found} | ${met ? "met" : "**missed**"} |`),
  ].join("\n");
}
