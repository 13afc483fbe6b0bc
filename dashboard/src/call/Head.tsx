import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Call } from "../ask/shapes.ts";
import { Standing, Talk } from "../calls/CallRow.tsx";
import { isLive, otherNumber } from "../calls/states.ts";
import { buttonClass } from "../look/Button.tsx";
import { Moment } from "../look/Moment.tsx";
import { useMay } from "../session/use-may.ts";
import { phoneNumber } from "../words/phone-number.ts";

/** The line above a call: back to all of them, and at its end what can be done now. As high as a button, with one or without. */
export const Back = ({ children }: { children?: ReactNode }) => (
  <div className="flex min-h-8 items-center justify-between pointer-coarse:min-h-11">
    <Link to="/calls" className="reach inline-flex items-center gap-1 py-1 text-soft hover:text-ink">
      <span aria-hidden="true" className="rtl:-scale-x-100">
        ←
      </span>
      Calls
    </Link>
    {children}
  </div>
);

/** Whose call this is, when, and how it ended. */
export function Head({ call }: { call: Call }) {
  const number = phoneNumber(otherNumber(call));
  return (
    <header className="px-4 pt-3 pb-3 sm:px-6">
      <Back>
        <Again call={call} />
      </Back>
      <h1 className="truncate text-title font-strong">
        <bdi>{call.customer_name ?? number}</bdi>
      </h1>
      <p className="flex flex-wrap items-center gap-x-3 text-soft">
        {call.customer_name !== null && (
          <span dir="ltr" className="tabular">
            {number}
          </span>
        )}
        <Moment at={call.created_at} />
        {!isLive(call) && (
          <>
            <Standing call={call} />
            {call.started_at !== null && <Talk call={call} />}
          </>
        )}
      </p>
    </header>
  );
}

/** The way to the other party once more, with everything as it was in this call. */
function Again({ call }: { call: Call }) {
  const mayPlace = useMay("calls.place");
  const number = otherNumber(call);
  if (!mayPlace || isLive(call) || number === null) return null;
  return (
    <Link
      from="/calls/$id"
      to="."
      search={(old: object) => ({ ...old, place: number, again: call.id })}
      resetScroll={false}
      className={buttonClass("plain")}
    >
      {call.direction === "inbound" ? "Call back" : "Call again"}
    </Link>
  );
}
