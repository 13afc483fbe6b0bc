import type { OpeningHours, Weekday } from "@earshot/contract/opening-hours";

const days: readonly Weekday[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Is it open at `at`, on the clock of the hours' own zone? Pure. A span that ends before it begins goes on past midnight. */
export function isOpen(hours: Pick<OpeningHours, "time_zone" | "open" | "closed_on">, at: Date): boolean {
  const today = localTime(hours.time_zone, at);
  const yesterday = dayBefore(today.date);
  return hours.open.some((span) => {
    const [from, to] = [minutesOf(span.from), minutesOf(span.to)];
    const opens = (date: string): boolean => span.days.includes(weekdayOf(date)) && !hours.closed_on.includes(date);
    if (from < to) return opens(today.date) && today.minutes >= from && today.minutes < to;
    return (opens(today.date) && today.minutes >= from) || (opens(yesterday) && today.minutes < to);
  });
}

/** The date and the minutes since midnight that a clock on the wall shows there; an hour that comes twice in autumn counts both times. */
function localTime(timeZone: string, at: Date): { date: string; minutes: number } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  return { date: `${part("year")}-${part("month")}-${part("day")}`, minutes: Number(part("hour")) * 60 + Number(part("minute")) };
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const weekdayOf = (date: string): Weekday => days[new Date(`${date}T00:00:00Z`).getUTCDay()] as Weekday;
const dayBefore = (date: string): string => new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
