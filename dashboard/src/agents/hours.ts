/** Opening hours as a form holds and draws them, and back. Times of day are minutes from midnight. No DOM. */
import type { OpeningHours, Weekday } from "../ask/shapes.ts";

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const satisfies readonly Weekday[];
export const dayNames = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
} as const satisfies Record<Weekday, string>;

export const DAY = 24 * 60;

/** From when to when, as typed. */
export type Span = { from: string; to: string };
export type HoursDraft = {
  time_zone: string;
  week: Record<Weekday, readonly Span[]>;
  /** Days as 2026-12-25, in order. */
  closed_on: readonly string[];
  otherwise: OpeningHours["otherwise"]["do"];
  /** What is said; kept while one chooses who takes the call. */
  text: string;
  agent_id: string;
  number: string;
};

const office: Span = { from: "09:00", to: "17:00" };

/** Where a person begins who has had none yet: office hours of their own zone. */
export const firstHours = (time_zone: string): HoursDraft => ({
  time_zone,
  week: { mon: [office], tue: [office], wed: [office], thu: [office], fri: [office], sat: [], sun: [] },
  closed_on: [],
  otherwise: "say",
  text: "We are closed just now. Please call again during our opening hours.",
  agent_id: "",
  number: "",
});

export function hoursDraftOf(hours: OpeningHours): HoursDraft {
  const week: Record<Weekday, Span[]> = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] };
  for (const { days, from, to } of hours.open) for (const day of days) week[day].push({ from, to });
  for (const day of weekdays) week[day].sort((a, b) => a.from.localeCompare(b.from));
  const { otherwise } = hours;
  return {
    time_zone: hours.time_zone,
    week,
    closed_on: hours.closed_on.toSorted(),
    otherwise: otherwise.do,
    text: otherwise.do === "agent" ? "" : otherwise.text,
    agent_id: otherwise.do === "agent" ? otherwise.agent_id : "",
    number: otherwise.do === "number" ? otherwise.number : "",
  };
}

/** A time of day as people type it (`9`, `9:30`, `0930`, `5 pm`) as `09:30`; null when it is none. */
export function typedTime(typed: string): string | null {
  const parts = /^(\d{1,2})(?:[:.h]?(\d{2}))?\s*([ap])?\.?m?\.?$/i.exec(typed.trim());
  if (!parts) return null;
  const [, h = "", m = "0", half] = parts;
  let hour = Number(h);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  }
  const minute = Number(m);
  if (minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return null;
  return timeOf(hour * 60 + minute);
}

export const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
export const timeOf = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

export type HoursWrong = Partial<Record<"open" | "text" | "agent_id" | "number", string>>;

/** The form as the contract has it, or what stands in the way and where. Days with the same hours share one line. */
export function hoursOf(draft: HoursDraft): { hours: OpeningHours } | { wrong: HoursWrong } {
  const wrong: HoursWrong = {};
  const open = new Map<string, { days: Weekday[]; from: string; to: string }>();
  for (const day of weekdays) {
    for (const span of draft.week[day]) {
      const [from, to] = [typedTime(span.from), typedTime(span.to)];
      if (from === null || to === null || from === "24:00") {
        wrong.open ??= `${dayNames[day]}: give times such as 09:00, and 24:00 for midnight.`;
        continue;
      }
      const line = open.get(`${from} ${to}`);
      if (line) line.days.push(day);
      else open.set(`${from} ${to}`, { days: [day], from, to });
    }
  }
  if (draft.otherwise !== "agent" && draft.text.trim() === "") wrong.text = "Say what a caller hears.";
  if (draft.otherwise === "agent" && draft.agent_id === "") wrong.agent_id = "Choose who takes the call.";
  if (draft.otherwise === "number" && draft.number.trim() === "") wrong.number = "Give the number of a person, with country code.";
  if (Object.keys(wrong).length > 0) return { wrong };
  return {
    hours: { time_zone: draft.time_zone, open: [...open.values()], closed_on: [...draft.closed_on], otherwise: otherwiseOf(draft) },
  };
}

function otherwiseOf(draft: HoursDraft): OpeningHours["otherwise"] {
  switch (draft.otherwise) {
    case "say":
      return { do: "say", text: draft.text.trim() };
    case "agent":
      return { do: "agent", agent_id: draft.agent_id };
    case "number":
      return { do: "number", number: draft.number.trim(), text: draft.text.trim() };
  }
}

/** A bar of the week's drawing. `night`: what is left of the evening before. `index`: which span it is. */
export type Bar = { from: number; to: number; index: number; night: boolean };

/** What is drawn on a day: its own hours as far as midnight, and the rest of the day before. Times that are none draw nothing. */
export function barsOf(week: HoursDraft["week"], day: Weekday): Bar[] {
  const before = weekdays[(weekdays.indexOf(day) + 6) % 7] as Weekday;
  const drawn: Bar[] = [];
  for (const [index, span] of week[before].entries()) {
    const [from, to] = [typedTime(span.from), typedTime(span.to)];
    if (from && to && to <= from && minutesOf(to) > 0) drawn.push({ from: 0, to: minutesOf(to), index, night: true });
  }
  for (const [index, span] of week[day].entries()) {
    const [from, to] = [typedTime(span.from), typedTime(span.to)];
    if (from && to) drawn.push({ from: minutesOf(from), to: to <= from ? DAY : minutesOf(to), index, night: false });
  }
  return drawn;
}

/** Spans in order, those that touch or overlap joined; one over midnight is left as it is. */
export function joined(spans: readonly Span[]): Span[] {
  const [over, plain] = [spans.filter(({ from, to }) => to <= from), spans.filter(({ from, to }) => to > from)];
  const found: Span[] = [];
  for (const span of plain.toSorted((a, b) => a.from.localeCompare(b.from))) {
    const last = found.at(-1);
    if (last && span.from <= last.to) found[found.length - 1] = { from: last.from, to: span.to > last.to ? span.to : last.to };
    else found.push(span);
  }
  return [...found, ...over];
}

/** Where a moment falls in the week of a zone. */
export function momentIn(time_zone: string, at: Date): { day: Weekday; date: string; minutes: number } {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-CA", {
      timeZone: time_zone,
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const day = weekdays.find((name) => parts.weekday?.toLowerCase().startsWith(name)) ?? "mon";
  return { day, date: `${parts.year}-${parts.month}-${parts.day}`, minutes: Number(parts.hour) * 60 + Number(parts.minute) };
}

const nextDate = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
const dayOf = (date: string): Weekday => weekdays[(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7] as Weekday;

/** Is it open, and when does that change next? `days` 0 is today, 1 tomorrow; null: not within a fortnight. */
export function standsAt(draft: HoursDraft, at: Date): { open: boolean; changes: { days: number; day: Weekday; time: string } | null } {
  const { date, minutes } = momentIn(draft.time_zone, at);
  // Every stretch of the fortnight on one axis of minutes from today's midnight; closed days open nothing.
  const stretches: { from: number; to: number }[] = [];
  for (let days = -1; days <= 14; days++) {
    const on = nextDate(date, days);
    if (draft.closed_on.includes(on)) continue;
    for (const span of draft.week[dayOf(on)]) {
      const [from, to] = [typedTime(span.from), typedTime(span.to)];
      if (!from || !to) continue;
      const begins = days * DAY + minutesOf(from);
      stretches.push({ from: begins, to: days * DAY + minutesOf(to) + (to <= from ? DAY : 0) });
    }
  }
  stretches.sort((a, b) => a.from - b.from);
  let end: number | null = null;
  for (const { from, to } of stretches) {
    if (from <= (end ?? minutes) && to > (end ?? minutes)) end = to;
  }
  const change = end ?? stretches.find(({ from }) => from > minutes)?.from ?? null;
  if (change === null || change > 14 * DAY) return { open: end !== null, changes: null };
  const days = Math.floor(change / DAY);
  return { open: end !== null, changes: { days, day: dayOf(nextDate(date, days)), time: timeOf(change % DAY) } };
}
