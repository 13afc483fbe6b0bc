import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { Call } from "../ask/shapes.ts";
import { Breathing } from "../look/Mark.tsx";
import { Moment } from "../look/Moment.tsx";
import { useNow } from "../look/use-now.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { clock, spokenDuration } from "../words/time.ts";
import { RecordingSign } from "./RecordingSign.tsx";
import { isLive, otherNumber, standing, talkMs } from "./states.ts";

/**
 * The columns of the list, and from which width on each is there: a whole number stands under "Who" at every width. Lengths are set
 * from the right in every script, so that their seconds stand in one line.
 */
export const columns = [
  { name: "Who", head: "", cell: "" },
  { name: "Direction", head: "w-24 max-md:hidden", cell: "w-24 max-md:hidden" },
  { name: "Agent", head: "w-[16%] max-xl:hidden", cell: "w-[16%] max-xl:hidden" },
  { name: "When", head: "w-36 max-xl:w-32", cell: "w-36 max-xl:w-32" },
  { name: "Talk", head: "w-20 text-right pe-6", cell: "w-20 text-right pe-6" },
  { name: "How it stands", head: "w-44", cell: "w-44" },
  { name: "Recording", head: "w-32", cell: "w-32" },
] as const;

/** How long it has talked; runs while the call does. */
export function Talk({ call }: { call: Call }) {
  const now = useNow(call.status === "in_progress" ? 1000 : 0);
  const ms = talkMs(call, now);
  return ms === null ? (
    <span className="text-faint" title="Nobody answered">
      <span aria-hidden="true">–</span>
      <span className="sr-only">none</span>
    </span>
  ) : (
    <span dir="ltr" className="tabular" title={spokenDuration(ms)}>
      {clock(ms)}
    </span>
  );
}

/** What it is doing, or how it ended: quiet unless it wants a look. */
export function Standing({ call, className = "" }: { call: Call; className?: string }) {
  const { said, quiet } = standing(call);
  if (isLive(call)) {
    return (
      <span className={`inline-flex items-center gap-2 align-middle font-strong ${className}`}>
        <Breathing />
        {said}
      </span>
    );
  }
  return (
    <span
      className={`inline-flex items-center gap-1.5 align-middle ${quiet ? "text-soft" : "text-look"} ${className}`}
      title={call.end_detail ?? undefined}
    >
      {!quiet && (
        <svg
          viewBox="0 0 16 16"
          aria-hidden="true"
          className="size-4 shrink-0 fill-none stroke-current"
          strokeWidth="1.5"
          strokeLinejoin="round"
        >
          <path d="M8 2.5 14.5 13.5h-13z" />
          <path d="M8 6.5v3.5" strokeLinecap="round" />
        </svg>
      )}
      {said}
    </span>
  );
}

const directions = { inbound: "In", outbound: "Out" } as const;

/** A call in one row of 40 px; on a phone in two lines. The whole row opens it. */
export const CallRow = memo(function CallRow({
  call,
  q,
}: {
  call: Call /** What was searched for, where it was words. */;
  q?: string | undefined;
}) {
  const number = phoneNumber(otherNumber(call));
  const cells = columns.map((column) => column.cell);
  return (
    <tr className="relative h-10 border-b border-line hover:bg-sunk has-[a:focus-visible]:bg-sunk max-sm:grid max-sm:h-16 max-sm:grid-cols-[minmax(0,1fr)_auto] max-sm:content-center max-sm:items-center max-sm:gap-x-3 max-sm:gap-y-0.5 max-sm:px-4">
      <td className={`max-w-0 ps-4 pe-4 max-sm:max-w-none max-sm:p-0 sm:ps-6 ${cells[0]}`}>
        <Link
          to="/calls/$id"
          params={{ id: call.id }}
          search={q === undefined ? {} : { q }}
          className="flex min-w-0 after:absolute after:inset-0"
        >
          <span className="@container min-w-0 grow">
            <span className="flex min-w-0 items-baseline gap-2.5">
              {call.customer_name !== null && (
                <bdi className="truncate font-strong" title={call.customer_name}>
                  {call.customer_name}
                </bdi>
              )}
              <span
                dir="ltr"
                className={`tabular shrink-0 ${call.customer_name === null ? "font-strong" : "text-soft @max-[18rem]:hidden"}`}
              >
                {number}
              </span>
            </span>
          </span>
        </Link>
      </td>
      <td className={`text-soft ${cells[1]}`}>{directions[call.direction]}</td>
      <td className={`max-w-0 truncate pe-4 text-soft ${cells[2]}`}>
        {call.agent === null ? <span className="text-faint">None</span> : <bdi>{call.agent.name}</bdi>}
      </td>
      <td className={`text-soft max-sm:w-auto max-sm:justify-self-end ${cells[3]}`}>
        <Moment at={call.created_at} className="relative z-1" />
      </td>
      <td className={`max-sm:order-2 max-sm:hidden ${cells[4]}`}>
        <Talk call={call} />
      </td>
      <td className={`max-sm:flex max-sm:w-auto max-sm:items-center max-sm:gap-2 ${cells[5]}`}>
        <Standing call={call} />
        {call.started_at !== null && (
          <span className="text-soft sm:hidden">
            <Talk call={call} />
          </span>
        )}
      </td>
      <td className={`pe-4 max-sm:w-auto max-sm:justify-self-end max-sm:p-0 sm:pe-6 ${cells[6]}`}>
        <RecordingSign recording={call.recording} before={isLive(call) && call.started_at === null} className="relative z-1" />
      </td>
    </tr>
  );
});

const bones = ["w-40", "w-56", "w-48"];
export const CallRowBone = ({ widths }: { widths: number }) => (
  <tr className="h-10 border-b border-line max-sm:grid max-sm:h-16 max-sm:content-center max-sm:gap-2 max-sm:px-4">
    <td className="ps-4 max-sm:p-0 sm:ps-6">
      <div className={`bone h-3.5 ${bones[widths % bones.length]}`} />
    </td>
    {columns.slice(1).map((column) => (
      <td key={column.name} className={`max-sm:hidden ${column.cell}`}>
        <div className="bone inline-block h-3.5 w-14 align-middle" />
      </td>
    ))}
    <td className="sm:hidden">
      <div className="bone h-3 w-28" />
    </td>
  </tr>
);
