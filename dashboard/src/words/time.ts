/** Times and durations in the words people use. Durations are milliseconds, times ISO 8601; everything is shown in the viewer's zone. */

/** The viewer's kind of English decides 14:03 or 2:03 PM; the interface itself is English. */
export function englishOf(languages: readonly string[]): string {
  return languages.find((language) => /^en(-|$)/i.test(language)) ?? "en-GB";
}

const locale = englishOf(typeof navigator === "undefined" ? [] : navigator.languages);
const two = (n: number): string => String(n).padStart(2, "0");

/** A duration as a clock shows it: `2:07`, `1:01:01`, `−0:03` before the answer. Whole seconds, never rounded up. */
export function clock(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const sign = ms < 0 && seconds > 0 ? "−" : "";
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${sign}${h}:${two(m)}:${two(s)}` : `${sign}${m}:${two(s)}`;
}

/** The same with a tenth, where a tenth matters: `0:34.2`. */
export function clockTenths(ms: number): string {
  return `${clock(ms)}.${Math.floor(Math.abs(ms) / 100) % 10}`;
}

/** A duration read aloud: `2 minutes 7 seconds`. */
export function spokenDuration(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return said.length > 0 ? said.join(" ") : "0 seconds";
}

/** A short length in seconds: `0.8 s`. */
export const shortSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const startOfDay = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
/** Whole days between two local dates; a day of 23 or 25 hours counts as one. */
const daysBefore = (date: Date, now: Date): number => Math.round((startOfDay(now) - startOfDay(date)) / 86_400_000);

/** `09:39` under `11:33`, but `9:39 am`: a clock of 24 hours has two digits for them, so that times under each other line up. */
export function hourOf(kind: string): "2-digit" | "numeric" {
  return new Intl.DateTimeFormat(kind, { hour: "numeric" }).resolvedOptions().hour12 === true ? "numeric" : "2-digit";
}
const hourMinute = new Intl.DateTimeFormat(locale, { hour: hourOf(locale), minute: "2-digit" });
const hourMinuteSecond = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const dayMonthYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const weekdayYear = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(locale, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

/** Relative while fresh, then the clock, then the day: `just now`, `5 min ago`, `14:03`, `Yesterday 14:03`, `12 Nov 14:03`. */
export function when(iso: string, now: Date): string {
  const date = new Date(iso);
  const age = now.getTime() - date.getTime();
  if (age < 60_000 && age > -60_000) return "just now";
  if (age > 0 && age < 3_600_000) return `${Math.floor(age / 60_000)} min ago`;
  const days = daysBefore(date, now);
  if (days === 0) return hourMinute.format(date);
  if (days === 1) return `Yesterday ${hourMinute.format(date)}`;
  return `${(date.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(date)} ${hourMinute.format(date)}`;
}

/** A moment to come, as `when` says one that was: `in a moment`, `in 5 min`, `at 14:03`, `tomorrow 14:03`, `12 Nov 14:03`. */
export function ahead(iso: string, now: Date): string {
  const date = new Date(iso);
  const left = date.getTime() - now.getTime();
  if (left < 60_000) return "in a moment";
  if (left < 3_600_000) return `in ${Math.floor(left / 60_000)} min`;
  const days = -daysBefore(date, now);
  if (days === 0) return `at ${hourMinute.format(date)}`;
  if (days === 1) return `tomorrow ${hourMinute.format(date)}`;
  return `${(date.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(date)} ${hourMinute.format(date)}`;
}

/** The time of day, to the second, on a clock of 24 hours: it stands in columns. */
export const timeOfDay = (iso: string): string => hourMinuteSecond.format(new Date(iso));

/** Everything about a moment, for hovering: weekday, date, seconds and the zone. */
export const exactly = (iso: string): string => full.format(new Date(iso));

/** The heading a call stands under: `Today`, `Yesterday`, `Friday 20 November`. */
export function dayHeading(iso: string, now: Date): string {
  const date = new Date(iso);
  const days = daysBefore(date, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? weekday : weekdayYear).format(date);
}

/** The first moment of a local day `2026-11-22`, as ISO; with `after`, of the day after it. Null when it is no such day. */
export function dayStart(day: string, after = false): string | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return null;
  const [y, m, d] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const date = new Date(y, m - 1, d);
  if (date.getFullYear() !== y || date.getMonth() !== m - 1 || date.getDate() !== d) return null;
  return (after ? new Date(y, m - 1, d + 1) : date).toISOString();
}
