import { useQuery } from "@tanstack/react-query";
import { type PointerEvent, type ReactNode, useRef, useState } from "react";
import { queries } from "../ask/queries.ts";
import type { Weekday } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice, Field, inputClass, TextArea, TextField } from "../look/Field.tsx";
import { Segments } from "../look/Segments.tsx";
import { useNow } from "../look/use-now.ts";
import { typedNumber } from "../words/phone-number.ts";
import {
  barsOf,
  DAY,
  dayNames,
  firstHours,
  type HoursDraft,
  type HoursWrong,
  joined,
  minutesOf,
  momentIn,
  type Span,
  standsAt,
  timeOf,
  typedTime,
  weekdays,
} from "./hours.ts";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** When the agent takes inbound calls: the week drawn, each hour also as a field, and what happens otherwise. */
export function Hours({
  self,
  hours,
  wrong,
  onChange,
}: {
  /** Itself, which cannot stand in for itself. */
  self: string | null;
  hours: HoursDraft | null;
  wrong: HoursWrong & { time_zone?: string };
  onChange: (hours: HoursDraft | null) => void;
}): ReactNode {
  const [kept, setKept] = useState(hours ?? firstHours(here));
  const change = (fields: Partial<HoursDraft>) => {
    const next = { ...(hours ?? kept), ...fields };
    setKept(next);
    onChange(next);
  };
  return (
    <>
      <Segments
        label="It takes inbound calls"
        value={hours === null ? "always" : "hours"}
        options={[
          ["always", "Always"],
          ["hours", "In opening hours"],
        ]}
        onChoose={(chosen) => onChange(chosen === "always" ? null : kept)}
      />
      {hours !== null && (
        <>
          <Zone hours={hours} wrong={wrong.time_zone ?? null} change={change} />
          <Week hours={hours} wrong={wrong.open ?? null} change={change} />
          <ClosedDays days={hours.closed_on} onChange={(closed_on) => change({ closed_on })} />
          <Otherwise self={self} hours={hours} wrong={wrong} change={change} />
        </>
      )}
    </>
  );
}

type Changing = { hours: HoursDraft; change: (fields: Partial<HoursDraft>) => void };

function Zone({ hours, wrong, change }: Changing & { wrong: string | null }) {
  const now = useNow(30_000);
  const known = Intl.supportedValuesOf("timeZone");
  const zones = known.includes(hours.time_zone) ? known : [hours.time_zone, ...known];
  const { minutes } = momentIn(hours.time_zone, now);
  const { open, changes } = standsAt(hours, now);
  return (
    <div className="grid w-full items-end gap-x-5 gap-y-2 sm:grid-cols-2">
      <Choice label="Time zone" wrong={wrong} value={hours.time_zone} onChange={(event) => change({ time_zone: event.target.value })}>
        {zones.map((zone) => (
          <option key={zone} value={zone}>
            {zone.replaceAll("_", " ")}
          </option>
        ))}
      </Choice>
      <p className="pb-1.5 text-soft">
        <span className="tabular">{timeOf(minutes)}</span> there now,{" "}
        <span className={open ? "text-good" : "text-ink"}>{open ? "open" : "closed"}</span>
        {changes && (
          <>
            {open ? " until " : "; opens "}
            {changes.days === 1 ? "tomorrow " : changes.days > 1 ? `${dayNames[changes.day]} ` : ""}
            <span className="tabular">{changes.time}</span>
          </>
        )}
        {!changes && (open ? ", around the clock" : ", and for the next fortnight")}
      </p>
    </div>
  );
}

function Week({ hours, wrong, change }: Changing & { wrong: string | null }) {
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

const dayLong = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

function ClosedDays({ days, onChange }: { days: readonly string[]; onChange: (days: readonly string[]) => void }) {
  const [day, setDay] = useState("");
  const add = () => {
    if (/^\d{4}-\d\d-\d\d$/.test(day)) onChange([...new Set([...days, day])].sort());
    setDay("");
  };
  return (
    <div className="w-full">
      <Field label="Closed on" hint="Whole days, as holidays. What opened the evening before still ends in the morning.">
        {(named) => (
          <div className="flex gap-2">
            <input
              {...named}
              type="date"
              value={day}
              onChange={(event) => setDay(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                add();
              }}
              className={`${inputClass} max-w-44`}
            />
            <Button disabled={day === ""} onClick={add}>
              Add the day
            </Button>
          </div>
        )}
      </Field>
      {days.length > 0 && (
        <ul className="flex flex-wrap gap-x-2 gap-y-1 pt-2">
          {days.map((one) => (
            <li key={one} className="flex items-center rounded border border-line ps-2.5">
              <time dir="ltr" dateTime={one}>
                {dayLong.format(new Date(`${one}T00:00:00Z`))}
              </time>
              <Button
                look="bare"
                className="px-2!"
                aria-label={`Remove ${dayLong.format(new Date(`${one}T00:00:00Z`))}`}
                onClick={() => onChange(days.filter((other) => other !== one))}
              >
                <span aria-hidden="true">×</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Otherwise({ self, hours, wrong, change }: Changing & { self: string | null; wrong: HoursWrong }) {
  const agents = useQuery(queries.agents());
  const others = agents.data?.filter(({ id }) => id !== self) ?? [];
  return (
    <>
      <Segments
        label="Outside these hours"
        value={hours.otherwise}
        options={[
          ["say", "Say a sentence"],
          ["agent", "Another agent"],
          ["number", "A person"],
        ]}
        onChoose={(otherwise) => change({ otherwise })}
      />
      {hours.otherwise === "agent" && (
        <Choice
          label="Who takes the call"
          hint="Its own opening hours are not asked."
          className="w-full max-w-sm"
          wrong={wrong.agent_id ?? null}
          value={hours.agent_id}
          onChange={(event) => change({ agent_id: event.target.value })}
        >
          <option value="">{others.length === 0 ? "There is no other agent" : "Choose an agent"}</option>
          {others.map(({ id, settings }) => (
            <option key={id} value={id}>
              {settings.name}
            </option>
          ))}
        </Choice>
      )}
      {hours.otherwise === "number" && (
        <TextField
          label="The person's number"
          type="tel"
          dir="ltr"
          maxLength={40}
          hint="With country code. The calling limits hold for it."
          className="w-full max-w-sm"
          wrong={wrong.number ?? null}
          value={hours.number}
          onChange={(event) => change({ number: typedNumber(event.target.value) })}
        />
      )}
      {hours.otherwise !== "agent" && (
        <TextArea
          label={hours.otherwise === "say" ? "The sentence" : "When nobody there can be reached"}
          rows={2}
          maxLength={1500}
          hint="Spoken by the carrier; then the call ends."
          className="w-full"
          wrong={wrong.text ?? null}
          value={hours.text}
          onChange={(event) => change({ text: event.target.value })}
        />
      )}
    </>
  );
}
