import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { queries } from "../ask/queries.ts";
import type { Call } from "../ask/shapes.ts";
import { Button, buttonClass } from "../look/Button.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useNow } from "../look/use-now.ts";
import { useTitle } from "../look/use-title.ts";
import { useMay } from "../session/use-may.ts";
import { looksLikeNumber } from "../words/phone-number.ts";
import { count } from "../words/text.ts";
import { dayHeading } from "../words/time.ts";
import { CallRow, CallRowBone, columns } from "./CallRow.tsx";
import { FilterBar } from "./FilterBar.tsx";
import { allowsLive, type Filters, filtersFrom, setCount } from "./filters.ts";
import { isLive } from "./states.ts";

/** Rows under their headings: what runs now, then day by day. */
export function grouped(calls: readonly Call[], now: Date): [heading: string, calls: Call[]][] {
  const groups = new Map<string, Call[]>();
  for (const call of calls) {
    const heading = isLive(call) ? "Now" : dayHeading(call.created_at, now);
    const group = groups.get(heading);
    if (group) group.push(call);
    else groups.set(heading, [call]);
  }
  return [...groups];
}

export function CallsPage(): ReactNode {
  useTitle("Calls");
  const filters = filtersFrom(useSearch({ from: "/inside/calls" }));
  const withLive = allowsLive(filters);
  const pages = useInfiniteQuery({ ...queries.calls(filters), placeholderData: (old) => old });
  const live = useQuery({ ...queries.liveCalls(filters), enabled: withLive, placeholderData: (old) => old });
  const now = useNow(60_000);
  const words = filters.q === undefined || looksLikeNumber(filters.q) ? undefined : filters.q;

  // The live rows stand on top and nowhere else; a call that has just ended leaves them for its place in time.
  const running = withLive ? (live.data?.items.filter(isLive) ?? []) : [];
  const shown = new Set(running.map((call) => call.id));
  const rest = (pages.data?.pages.flatMap((page) => page.items) ?? []).filter((call) => !shown.has(call.id));
  const calls = [...running, ...rest.filter(isLive), ...rest.filter((call) => !isLive(call))];

  return (
    <main className="pb-24">
      <div className="px-4 pt-4 sm:px-6 lg:pt-5">
        <div className="flex items-baseline justify-between gap-4">
          <h1 className="text-title font-strong">Calls</h1>
          <p role="status" className="text-small text-soft">
            {running.length > 0 ? `${count(running.length, "call")} running now` : ""}
          </p>
        </div>
        <FilterBar filters={filters} />
      </div>
      {pages.isPending ? (
        <Waiting />
      ) : pages.isError && !pages.data ? (
        <Trouble error={pages.error} onRetry={() => void pages.refetch()} className="mx-4 mt-4 sm:mx-6" />
      ) : calls.length === 0 ? (
        <Nothing filters={filters} />
      ) : (
        <div className={pages.isPlaceholderData ? "opacity-60" : ""}>
          <table className="w-full max-sm:block">
            <thead className="max-sm:sr-only">
              <tr>
                {columns.map((column) => (
                  <th
                    key={column.name}
                    scope="col"
                    className={`h-8 text-small font-plain text-soft first:ps-4 last:pe-4 sm:first:ps-6 sm:last:pe-6 ${column.head}`}
                  >
                    {column.name}
                  </th>
                ))}
              </tr>
            </thead>
            {grouped(calls, now).map(([heading, group]) => (
              <tbody key={heading} className="max-sm:block">
                <tr className="max-sm:block">
                  <th
                    colSpan={columns.length}
                    scope="rowgroup"
                    className="sticky top-0 z-10 h-8 border-b border-line bg-paper px-4 pt-3 pb-1 text-small font-strong max-sm:block sm:px-6"
                  >
                    {heading}
                  </th>
                </tr>
                {group.map((call) => (
                  <CallRow key={call.id} call={call} q={words} />
                ))}
              </tbody>
            ))}
          </table>
          {pages.hasNextPage && (
            <More busy={pages.isFetchingNextPage} failed={pages.isFetchNextPageError} onMore={() => void pages.fetchNextPage()} />
          )}
        </div>
      )}
    </main>
  );
}

/** The next page is read when its button comes into sight, and on a press where that fails. */
function More({ busy, failed, onMore }: { busy: boolean; failed: boolean; onMore: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const read = useRef(onMore);
  read.current = onMore;
  useEffect(() => {
    const seen = button.current;
    if (!seen || busy || failed) return;
    const watching = new IntersectionObserver(([entry]) => entry?.isIntersecting && read.current(), { rootMargin: "400px" });
    watching.observe(seen);
    return () => watching.disconnect();
  }, [busy, failed]);
  return (
    <div className="flex items-center justify-center gap-3 py-6">
      {failed && <p className="text-look">The earlier calls could not be read.</p>}
      <Button ref={button} busy={busy} onClick={onMore}>
        {failed ? "Try again" : "Show earlier calls"}
      </Button>
    </div>
  );
}

const Waiting = () => (
  <div aria-busy="true" className="pt-16">
    <p className="sr-only">Reading the calls</p>
    <table className="w-full max-sm:block" aria-hidden="true">
      <tbody className="max-sm:block">
        {Array.from({ length: 12 }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton have no other name
          <CallRowBone key={i} widths={i} />
        ))}
      </tbody>
    </table>
  </div>
);

/** An empty list says what will be here and how to make it so. */
function Nothing({ filters }: { filters: Filters }) {
  const session = useQuery(queries.session());
  const mayPlace = useMay("calls.place");
  const narrowed = setCount(filters) > 0 || filters.q !== undefined;
  return (
    <div className="max-w-[34rem] px-4 py-16 sm:px-6">
      {narrowed ? (
        <>
          <p className="text-lead font-strong">No call fits these filters</p>
          <p className="pt-1 text-soft">Take one away, or look at a longer time.</p>
          <Link to="/calls" className={`${buttonClass("plain")} mt-4`}>
            Show all calls
          </Link>
        </>
      ) : (
        <>
          <p className="text-lead font-strong">Your calls will be here</p>
          <p className="pt-1 text-soft">
            Each with what was said, how it felt, how it ended, and its recording.
            {mayPlace
              ? " Place the first one, or call one of your agent's numbers."
              : " The first appears when somebody calls one of your agent's numbers, or places a call."}
            {mayPlace &&
              session.data?.emulated &&
              " The telephone network here is emulated: you will be offered people to call, and no real telephone rings."}
          </p>
          {mayPlace && (
            <Link from="/calls" to="." search={(old: object) => ({ ...old, place: "" })} className={`${buttonClass("main")} mt-4`}>
              Place the first call
            </Link>
          )}
        </>
      )}
    </div>
  );
}
