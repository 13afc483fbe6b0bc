import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ComponentProps, useEffect, useId, useRef, useState } from "react";
import { queries } from "../ask/queries.ts";
import { EndReason, endReasons, RecordingStatus } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { inputClass } from "../look/Field.tsx";
import { Select } from "../look/Select.tsx";
import { type Filters, setCount } from "./filters.ts";
import { daysOf, type Period, periodOf, periods } from "./periods.ts";
import { recordingStates } from "./states.ts";

/** What narrows the list. Each change is a new address; typing waits for a pause. */
export function FilterBar({ filters }: { filters: Filters }) {
  const navigate = useNavigate({ from: "/calls" });
  const agents = useQuery(queries.agents());
  const [open, setOpen] = useState(false);
  const panel = useId();
  const set = (name: keyof Filters, value: string) =>
    void navigate({ to: ".", search: (old: object) => ({ ...old, [name]: value === "" ? undefined : value }), replace: name === "q" });
  const chosen = setCount(filters);

  return (
    <search className="flex flex-wrap items-center gap-2 pt-3">
      <SearchBox value={filters.q ?? ""} onSearch={(q) => set("q", q)} />
      <Button className="sm:hidden" aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)}>
        {chosen > 0 ? `Filters: ${chosen}` : "Filters"}
      </Button>
      <div id={panel} className={`max-sm:grid max-sm:w-full max-sm:grid-cols-2 max-sm:gap-2 sm:contents ${open ? "" : "max-sm:hidden"}`}>
        <Pick label="Status" value={filters.status ?? ""} onPick={(v) => set("status", v)}>
          <option value="">Running and ended</option>
          <option value="live">Running now</option>
          <option value="ended">Ended</option>
        </Pick>
        <Pick label="Direction" value={filters.direction ?? ""} onPick={(v) => set("direction", v)}>
          <option value="">In and out</option>
          <option value="inbound">In</option>
          <option value="outbound">Out</option>
        </Pick>
        <Pick label="How it ended" value={filters.end ?? ""} onPick={(v) => set("end", v)}>
          <option value="">Any ending</option>
          <optgroup label="Wants a look">{endings(false)}</optgroup>
          <optgroup label="Ordinary">{endings(true)}</optgroup>
        </Pick>
        <Pick label="Recording" value={filters.recording ?? ""} onPick={(v) => set("recording", v)}>
          <option value="">Any recording</option>
          {RecordingStatus.options.map((status) => (
            <option key={status} value={status}>
              {recordingStates[status].word}
            </option>
          ))}
        </Pick>
        <Pick label="Agent" value={filters.agent ?? ""} onPick={(v) => set("agent", v)}>
          <option value="">Any agent</option>
          {agents.data?.map((agent) => (
            <option key={agent.id} value={agent.id}>
              {agent.settings.name}
            </option>
          ))}
        </Pick>
        <Time
          filters={filters}
          onDays={(days) => void navigate({ to: ".", search: (old: object) => ({ ...old, from: undefined, to: undefined, ...days }) })}
        />
      </div>
      {(chosen > 0 || filters.q !== undefined) && (
        <Link to="/calls" className="press flex items-center px-1 text-soft underline underline-offset-2 hover:text-ink">
          Clear
        </Link>
      )}
    </search>
  );
}

const endings = (quiet: boolean) =>
  EndReason.options
    .filter((reason) => endReasons[reason].quiet === quiet)
    .map((reason) => (
      <option key={reason} value={reason}>
        {endReasons[reason].said}
      </option>
    ));

const chip = (set: boolean) =>
  `press rounded border px-2 text-body hover:border-edge ${set ? "border-ink bg-raised font-strong" : "border-line bg-transparent text-soft"}`;

function Pick({
  label,
  value,
  onPick,
  children,
}: { label: string; value: string; onPick: (value: string) => void } & Pick<ComponentProps<"select">, "children">) {
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(event) => onPick(event.target.value)}
      wide="max-sm:w-full"
      className={`max-w-44 field-sizing-content max-sm:w-full max-sm:max-w-none ${chip(value !== "")}`}
    >
      {children}
    </Select>
  );
}

/** When: a stretch people ask for, or two days of their own. */
function Time({ filters, onDays }: { filters: Filters; onDays: (days: { from?: string | undefined; to?: string | undefined }) => void }) {
  const period = periodOf(filters, new Date());
  const [own, setOwn] = useState(period === null);
  return (
    <>
      <Pick
        label="When"
        value={own || period === null ? "own" : period === "any" ? "" : period}
        onPick={(value) => {
          setOwn(value === "own");
          if (value !== "own") onDays(daysOf(value === "" ? "any" : (value as Period), new Date()));
        }}
      >
        {Object.entries(periods).map(([name, said]) => (
          <option key={name} value={name === "any" ? "" : name}>
            {said}
          </option>
        ))}
        <option value="own">Between two days</option>
      </Pick>
      {(own || period === null) && (
        <span className="flex items-center gap-2 max-sm:col-span-2">
          <Day label="From" value={filters.from} onDay={(from) => onDays({ from, to: filters.to })} />
          <Day label="To" value={filters.to} onDay={(to) => onDays({ from: filters.from, to })} />
        </span>
      )}
    </>
  );
}

function Day({ label, value, onDay }: { label: string; value: string | undefined; onDay: (day: string | undefined) => void }) {
  return (
    <input
      type="date"
      aria-label={`${label} (day)`}
      value={value ?? ""}
      onChange={(event) => onDay(event.target.value === "" ? undefined : event.target.value)}
      className={`min-w-0 max-sm:grow ${chip(value !== undefined)}`}
    />
  );
}

/** How long a pause in typing means the word is done. */
const PAUSE_MS = 300;

function SearchBox({ value, onSearch }: { value: string; onSearch: (q: string) => void }) {
  const [typed, setTyped] = useState(value);
  const asked = useRef(value);
  const search = useRef(onSearch);
  search.current = onSearch;
  useEffect(() => {
    // The address changed by another way (back, a link): show what it says.
    if (value !== asked.current) {
      asked.current = value;
      setTyped(value);
    }
  }, [value]);
  useEffect(() => {
    const q = typed.trim();
    if (q === asked.current) return;
    const pause = setTimeout(() => {
      asked.current = q;
      search.current(q);
    }, PAUSE_MS);
    return () => clearTimeout(pause);
  }, [typed]);
  return (
    <input
      type="search"
      dir="auto"
      aria-label="Search what was said, a name or a number"
      placeholder="Words, a name or a number"
      title={'Words of one sentence, "a phrase", -without, a name, or digits of a number'}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      className={`${inputClass} w-60! max-sm:w-auto! max-sm:grow`}
    />
  );
}
