/** Stretches of days people ask for, as the two days of an address and back. Days are local, `2026-11-22`. */

export const periods = { any: "Any time", today: "Today", yesterday: "Yesterday", week: "Last 7 days", month: "Last 30 days" } as const;
export type Period = keyof typeof periods;
type Days = { from?: string; to?: string };

const two = (n: number): string => String(n).padStart(2, "0");
const day = (now: Date, back: number): string => {
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() - back);
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
};

/** The days of a period; the last ones stay open at their end, so that what happens next is in them. */
export function daysOf(period: Period, now: Date): Days {
  switch (period) {
    case "any":
      return {};
    case "today":
      return { from: day(now, 0) };
    case "yesterday":
      return { from: day(now, 1), to: day(now, 1) };
    case "week":
      return { from: day(now, 6) };
    case "month":
      return { from: day(now, 29) };
  }
}

/** Which period an address names today; null when it names days of its own. */
export function periodOf(days: Days, now: Date): Period | null {
  const found = (Object.keys(periods) as Period[]).find((period) => {
    const { from, to } = daysOf(period, now);
    return from === days.from && to === days.to;
  });
  return found ?? null;
}
