import { type PointerEvent, useRef } from "react";
import type { Weekday } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { inputClass } from "../look/Field.tsx";
import { useNow } from "../look/use-now.ts";
import { barsOf, DAY, dayNames, type HoursDraft, joined, minutesOf, momentIn, type Span, timeOf, typedTime, weekdays } from "./hours.ts";

/** What is set, and how a part of it becomes another. */
export type Changing = { hours: HoursDraft; change: (fields: Partial<HoursDraft>) => void };

/** The week as lines to draw on, and beside each the same hours as fields. */
export function Week({ hours, wrong, change }: Changing & { wrong: string | null }) {
  const now = useNow(30_000);
  const present = momentIn(hours.time_zone, now);
  const set = (day: Weekday, spans: readonly Span[]) => change({ week: { ...hours.week, [day]: spans } });
  const copyMonday = (to: readonly Weekday[]) =>
    change({ week: { ...hours.week, ...Object.fromEntries(to.map((day) => [day, hours.week.mon])) } });
  return (
    <fieldset className="w-full min-w-0">
      <legend className="font-strong">Open</legend>
      <p className="pb-2 text-small text-soft">
        Draw on the lines, or type. What ends before it begins goes on past midnight. Calls it places are not bound to these hours.
      </p>
      <div aria-hidden="true" className="grid gap-x-3 text-small text-faint sm:grid-cols-[2.75rem_minmax(0,1fr)_14.5rem]">
        <div dir="ltr" className="relative h-4 sm:col-start-2">
          {[0, 6, 12, 18, 24].map((hour) => (
            <span
              key={hour}
              style={{ left: `${(hour / 24) * 100}%` }}
              className={`tabular absolute ${hour === 0 ? "" : hour === 24 ? "-translate-x-full" : "-translate-x-1/2"}`}
            >
              {hour}
            </span>
          ))}
        </div>
      </div>
      {weekdays.map((day) => (
        <Day
          key={day}
          day={day}
          hours={hours}
          nowAt={present.day === day ? present.minutes : null}
          set={(spans) => set(day, spans)}
          wrong={wrong?.startsWith(dayNames[day]) ?? false}
        />
      ))}
      {wrong && (
        <p role="alert" className="pt-2 text-small text-look">
          {wrong}
        </p>
      )}
      <div className="flex flex-wrap items-center gap-x-2 border-t border-line pt-1">
        <span className="text-soft">Monday's hours on</span>
        <Button look="bare" onClick={() => copyMonday(weekdays.slice(0, 5))}>
          Every working day
        </Button>
        <Button look="bare" onClick={() => copyMonday(weekdays)}>
          All seven days
        </Button>
      </div>
    </fieldset>
  );
}

function Day({
  day,
  hours,
  nowAt,
  set,
  wrong,
}: {
  day: Weekday;
  hours: HoursDraft;
  nowAt: number | null;
  set: (spans: readonly Span[]) => void;
  wrong: boolean;
}) {
  const spans = hours.week[day];
  const put = (index: number, span: Partial<Span>) => set(spans.map((one, i) => (i === index ? { ...one, ...span } : one)));
  return (
    <div className="grid items-center gap-x-3 border-t border-line py-1 sm:min-h-10 sm:grid-cols-[2.75rem_minmax(0,1fr)_14.5rem]">
      <p className={nowAt === null ? "text-soft" : "font-strong"}>
        <span aria-hidden="true">{dayNames[day].slice(0, 3)}</span>
        <span className="sr-only">
          {dayNames[day]}
          {spans.length === 0 && ", closed"}
        </span>
      </p>
      <Track hours={hours} day={day} nowAt={nowAt} set={set} />
      <div className="flex flex-col gap-1 max-sm:pt-1">
        {spans.map((span, index) => {
          const nth = spans.length > 1 ? `, ${index + 1} of ${spans.length}` : "";
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a span is its place; its times are being typed
            <div key={index} className="flex items-center gap-1">
              <Time
                label={`${dayNames[day]} from${nth}`}
                value={span.from}
                wrong={wrong && (typedTime(span.from) ?? "24:00") === "24:00"}
                onChange={(from) => put(index, { from })}
              />
              <span aria-hidden="true" className="text-faint">
                –
              </span>
              <Time
                label={`${dayNames[day]} to${nth}`}
                value={span.to}
                wrong={wrong && typedTime(span.to) === null}
                onChange={(to) => put(index, { to })}
              />
              <Button
                look="bare"
                className="px-2!"
                aria-label={`Remove ${dayNames[day]} ${span.from} to ${span.to}`}
                title="Remove"
                onClick={() => set(spans.filter((_, i) => i !== index))}
              >
                <span aria-hidden="true">×</span>
              </Button>
              {index === spans.length - 1 && <More day={day} spans={spans} set={set} />}
            </div>
          );
        })}
        {spans.length === 0 && (
          <div className="flex items-center gap-1">
            <span className="w-[10.4rem] ps-1 text-soft" aria-hidden="true">
              Closed
            </span>
            <More day={day} spans={spans} set={set} />
          </div>
        )}
      </div>
    </div>
  );
}

/** Adds an hour of its own: the usual ones first, then the time after what is there. */
function More({ day, spans, set }: { day: Weekday; spans: readonly Span[]; set: (spans: readonly Span[]) => void }) {
  const last = spans.at(-1);
  const end = last ? minutesOf(typedTime(last.to) ?? "24:00") : 0;
  const next = last ? { from: timeOf(Math.min(end + 60, DAY - 60)), to: timeOf(Math.min(end + 240, DAY)) } : { from: "09:00", to: "17:00" };
  if (last && (end > DAY - 120 || last.to <= last.from)) return null;
  return (
    <Button look="bare" className="px-2!" aria-label={`Add hours on ${dayNames[day]}`} onClick={() => set([...spans, next])}>
      Add
    </Button>
  );
}

function Time({ label, value, wrong, onChange }: { label: string; value: string; wrong: boolean; onChange: (time: string) => void }) {
  return (
    <input
      aria-label={label}
      aria-invalid={wrong || undefined}
      value={value}
      dir="ltr"
      inputMode="numeric"
      maxLength={8}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value)}
      onBlur={(event) => onChange(typedTime(event.target.value) ?? event.target.value)}
      className={`${inputClass} w-[3.6rem]! px-2! text-center`}
    />
  );
}

/** What a pointer draws at: a quarter of an hour. */
const STEP = 15;
/** So near to an edge, in pixels, a pointer takes hold of it. */
const GRIP_PX = 8;

/**
 * One day as a line of 24 hours. Pressing on an empty place and pulling draws hours, pulling at an edge moves it. Time runs one way in every
 * script. For keyboards and readers the fields beside it are the same thing.
 */
function Track({
  hours,
  day,
  nowAt,
  set,
}: {
  hours: HoursDraft;
  day: Weekday;
  nowAt: number | null;
  set: (spans: readonly Span[]) => void;
}) {
  const spans = hours.week[day];
  const bars = barsOf(hours.week, day);
  // What is being pulled: from where it stays, and the spans beside it.
  const pulled = useRef<{ anchor: number; others: readonly Span[] } | null>(null);
  const at = (event: PointerEvent<HTMLElement>): number => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return Math.round((share * DAY) / STEP) * STEP;
  };
  const pull = (to: number, last = false) => {
    if (!pulled.current) return;
    const { anchor, others } = pulled.current;
    if (anchor === to) return set(others);
    const drawn = { from: timeOf(Math.min(anchor, to)), to: timeOf(Math.max(anchor, to)) };
    set(last ? joined([...others, drawn]) : [...others, drawn]);
  };
  const press = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0 || event.currentTarget.closest("fieldset:disabled")) return;
    const box = event.currentTarget.getBoundingClientRect();
    const grip = (GRIP_PX / box.width) * DAY;
    const minute = ((event.clientX - box.left) / box.width) * DAY;
    const own = bars.filter(({ night }) => !night);
    const held = own.find(({ from, to }) => Math.abs(minute - from) <= grip || Math.abs(minute - to) <= grip);
    const on = own.find(({ from, to }) => from < minute && minute < to);
    if (!held && on) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const others = held ? spans.filter((_, i) => i !== held.index) : spans;
    const anchor = held ? (Math.abs(minute - held.from) < Math.abs(minute - held.to) ? held.to : held.from) : at(event);
    pulled.current = { anchor, others };
  };
  return (
    <div
      aria-hidden="true"
      dir="ltr"
      onPointerDown={press}
      onPointerMove={(event) => pull(at(event))}
      onPointerUp={(event) => {
        pull(at(event), true);
        pulled.current = null;
      }}
      onPointerCancel={() => {
        pulled.current = null;
      }}
      className="relative h-6 touch-pan-y rounded-[3px] bg-sunk select-none [fieldset:enabled_&]:cursor-crosshair"
    >
      {[6, 12, 18].map((hour) => (
        <div key={hour} style={{ left: `${(hour / 24) * 100}%` }} className="absolute inset-y-0 w-px bg-line" />
      ))}
      {bars.map(({ from, to, index, night }) => (
        <div
          key={`${index} ${night}`}
          style={{ left: `${(from / DAY) * 100}%`, width: `${((to - from) / DAY) * 100}%` }}
          className={`absolute inset-y-1 rounded-[2px] ${night ? "bg-edge opacity-60" : "bg-soft [fieldset:enabled_&]:border-x-4 [fieldset:enabled_&]:cursor-ew-resize border-ink"}`}
        />
      ))}
      {nowAt !== null && (
        <div style={{ left: `${(nowAt / DAY) * 100}%` }} className="pointer-events-none absolute -inset-y-0.5 w-0.5 bg-look" />
      )}
    </div>
  );
}
