import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { queries } from "../ask/queries.ts";
import type { Audit } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { Choice } from "../look/Field.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { dayHeading, exactly, timeOfDay } from "../words/time.ts";
import { abouts, auditSaid, detailSaid } from "./audit-words.ts";
import { NotYours } from "./SettingsFrame.tsx";

/** Who did what, the latest first, day by day. */
export function AuditsPage(): ReactNode {
  return (
    <NotYours needs="audits.read">
      <Log />
    </NotYours>
  );
}

function Log() {
  const { about } = useSearch({ from: "/inside/settings/audits" });
  const navigate = useNavigate();
  const audits = useInfiniteQuery(queries.audits(about === undefined ? {} : { about }));
  const items = audits.data?.pages.flatMap((page) => page.items) ?? [];
  const now = new Date();
  return (
    <div className="max-w-4xl pt-4">
      <Choice
        label="About"
        className="max-w-64"
        value={about ?? ""}
        onChange={(event) =>
          void navigate({ to: "/settings/audits", search: event.target.value === "" ? {} : { about: event.target.value }, replace: true })
        }
      >
        <option value="">Everything</option>
        {Object.entries(abouts).map(([name, said]) => (
          <option key={name} value={name}>
            {said}
          </option>
        ))}
      </Choice>
      {audits.isPending ? (
        <div aria-busy="true" className="pt-6">
          {["w-64", "w-80", "w-56", "w-72"].map((width) => (
            <div key={width} className="flex h-9 items-center border-b border-line">
              <div className={`bone h-3.5 ${width}`} />
            </div>
          ))}
        </div>
      ) : audits.isError && items.length === 0 ? (
        <Trouble error={audits.error} onRetry={() => void audits.refetch()} className="mt-6" />
      ) : items.length === 0 ? (
        <p className="pt-6 text-soft">Nothing of this kind was done yet.</p>
      ) : (
        byDay(items, now).map(([day, ofDay]) => (
          <section key={day} aria-label={day} className="pt-5">
            <h2 className="border-b border-line pb-1 text-small text-soft">{day}</h2>
            <ol>
              {ofDay.map((audit) => (
                <Row key={audit.id} audit={audit} />
              ))}
            </ol>
          </section>
        ))
      )}
      {audits.hasNextPage && (
        <Button className="mt-4" busy={audits.isFetchingNextPage} onClick={() => void audits.fetchNextPage()}>
          Show older
        </Button>
      )}
    </div>
  );
}

function byDay(items: readonly Audit[], now: Date): [string, Audit[]][] {
  const days = new Map<string, Audit[]>();
  for (const audit of items) {
    const day = dayHeading(audit.at, now);
    days.set(day, [...(days.get(day) ?? []), audit]);
  }
  return [...days];
}

const nobody: Readonly<Record<string, string>> = {
  us: "Earshot",
  command: "Somebody at the server's command line",
  link: "Somebody with a shared link",
  user: "Somebody",
  key: "A program",
};

function Row({ audit }: { audit: Audit }) {
  const detail = detailSaid(audit.detail);
  return (
    <li className="grid grid-cols-[4.5rem_minmax(0,1fr)] gap-x-3 border-b border-line py-1.5 sm:grid-cols-[4.5rem_minmax(0,1fr)_auto]">
      <time dir="ltr" dateTime={audit.at} title={exactly(audit.at)} className="tabular text-small leading-5 text-faint">
        {timeOfDay(audit.at)}
      </time>
      <p className="min-w-0">
        <bdi className="font-strong wrap-anywhere">{audit.who ?? nobody[audit.actor.split(":")[0] ?? ""] ?? audit.actor}</bdi>{" "}
        <span title={audit.action}>{auditSaid(audit.action)}</span>
        {detail !== "" && <span className="block text-small wrap-anywhere text-soft">{detail}</span>}
      </p>
      {audit.call_id !== null && (
        <Link
          to="/calls/$id"
          params={{ id: audit.call_id }}
          className="reach text-soft underline decoration-edge underline-offset-2 hover:text-ink hover:decoration-ink max-sm:col-start-2 max-sm:justify-self-start"
        >
          The call
        </Link>
      )}
    </li>
  );
}
