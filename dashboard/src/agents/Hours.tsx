import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { queries } from "../ask/queries.ts";
import { Button } from "../look/Button.tsx";
import { Choice, Field, inputClass, TextArea, TextField } from "../look/Field.tsx";
import { Segments } from "../look/Segments.tsx";
import { useNow } from "../look/use-now.ts";
import { typedNumber } from "../words/phone-number.ts";
import { dayNames, firstHours, type HoursDraft, type HoursWrong, momentIn, standsAt, timeOf } from "./hours.ts";
import { type Changing, Week } from "./Week.tsx";

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
