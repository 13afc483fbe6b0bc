import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { queries } from "../ask/queries.ts";
import type { CallEvent, Exchange, Webhook } from "../ask/shapes.ts";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { numbersGrouped } from "../words/phone-number.ts";
import { plain } from "../words/text.ts";
import { clockTenths, exactly, timeOfDay } from "../words/time.ts";

const names = { events: "Timeline", webhooks: "Raw messages", keeping: "Keeping" } as const;
export type Beside = keyof typeof names;

/** `settled`: what stands above it on a narrow page is there. Everything that happened; on request the carrier's requests behind it, as they came, or what is decided about keeping (`keeping`). */
export function Timeline({ id, side: asked, settled, keeping }: { id: string; side: Beside; settled: boolean; keeping: ReactNode }) {
  const raw = useMay("webhooks.read");
  const side = raw || asked !== "webhooks" ? asked : "events";
  const section = useRef<HTMLElement>(null);
  // Whoever was sent to one of these sides by a link sees it; below the facts it would lie out of sight.
  const opened = useRef(asked);
  useEffect(() => {
    const aside = section.current?.closest("aside");
    if (!settled || opened.current === "events" || !section.current || !aside) return;
    opened.current = "events";
    if (aside.scrollHeight > aside.clientHeight) aside.scrollTop = section.current.offsetTop;
    else section.current.scrollIntoView({ block: "start" });
  }, [settled]);
  return (
    <section ref={section} aria-labelledby="timeline" className={`pt-6 ${side === "events" ? "" : "min-h-[calc(100dvh-17rem)]"}`}>
      <div className="flex items-center gap-4 border-b border-line">
        <h2 id="timeline" className="sr-only">
          What happened
        </h2>
        <nav aria-label="What happened" className="flex gap-4">
          {(Object.keys(names) as Beside[])
            .filter((name) => raw || name !== "webhooks")
            .map((name) => (
              <Link
                key={name}
                from="/calls/$id"
                to="/calls/$id"
                params={{ id }}
                search={(old: object) => ({ ...old, side: name === "events" ? undefined : name })}
                replace
                resetScroll={false}
                aria-current={side === name ? "true" : undefined}
                className={`press -mb-px flex items-center justify-center border-b-2 ${side === name ? "border-ink font-strong" : "border-transparent text-soft hover:text-ink"}`}
              >
                {names[name]}
              </Link>
            ))}
        </nav>
      </div>
      {side === "keeping" ? keeping : side === "events" ? <Events id={id} /> : <Webhooks id={id} />}
    </section>
  );
}

const Waiting = () => (
  <div aria-hidden="true">
    {["w-40", "w-28", "w-48", "w-32", "w-44"].map((width) => (
      <div key={width} className="grid h-8 grid-cols-[4rem_1fr] items-center gap-3">
        <div className="bone h-3 w-10" />
        <div className={`bone h-3.5 ${width}`} />
      </div>
    ))}
  </div>
);

function Events({ id }: { id: string }) {
  const events = useQuery(queries.events(id));
  if (events.isPending) return <Waiting />;
  if (events.isError) return <Trouble error={events.error} onRetry={() => void events.refetch()} className="mt-3" />;
  if (events.data.length === 0) return <p className="py-3 text-soft">Nothing has happened yet.</p>;
  return (
    <ol className="pt-2">
      {events.data.map((event) => (
        <Event key={event.id} event={event} />
      ))}
    </ol>
  );
}

/** A sign that a row opens, and where it has opened. */
const Opens = () => (
  <svg
    viewBox="0 0 6 10"
    aria-hidden="true"
    fill="none"
    strokeWidth="1.5"
    className="mt-1.5 h-2 shrink-0 stroke-current text-faint rtl:-scale-x-100 in-[details[open]]:rotate-90"
  >
    <path d="m1 1 4 4-4 4" />
  </svg>
);

const actors = { caller: "Caller", agent: "Agent", carrier: "Carrier", engine: "Engine", operator: "Operator", us: "Earshot" } as const;

function Event({ event }: { event: CallEvent }) {
  const detail = Object.keys(event.detail).length > 0;
  const line = (
    <>
      <time dir="ltr" dateTime={event.at} title={exactly(event.at)} className="tabular text-small leading-5 text-faint">
        {event.call_ms === null ? timeOfDay(event.at) : clockTenths(event.call_ms)}
      </time>
      <span>
        <bdi>{numbersGrouped(event.said)}</bdi> <span className="text-small text-faint">{actors[event.actor]}</span>
      </span>
    </>
  );
  const row = "grid grid-cols-[4rem_minmax(0,1fr)_0.5rem] gap-3 py-1.5 pointer-coarse:py-3";
  return (
    <li>
      {detail ? (
        <details>
          <summary className={`${row} list-none hover:bg-sunk [&::-webkit-details-marker]:hidden`} title="Show the details">
            {line}
            <Opens />
          </summary>
          <Raw text={JSON.stringify(event.detail, null, 2)} head={event.kind} />
        </details>
      ) : (
        <div className={row} title={event.kind}>
          {line}
        </div>
      )}
    </li>
  );
}

const Raw = ({ text, head }: { text: string; head: string }) => (
  <div dir="ltr" className="mb-2 rounded bg-sunk px-3 py-2 text-start">
    <p className="font-mono text-small break-all text-soft">{head}</p>
    <pre className="max-h-80 overflow-auto font-mono text-small whitespace-pre-wrap [overflow-wrap:anywhere]">{text}</pre>
  </div>
);

/** Verdicts that ask for attention; the others are the ordinary course. */
const doubtful: ReadonlySet<string> = new Set(["bad_signature", "unreadable", "unknown_call"]);

/** The black box: what the carrier asked of us and what we asked of it, in one order of time. */
function Webhooks({ id }: { id: string }) {
  const webhooks = useQuery(queries.webhooks(id));
  const exchanges = useQuery(queries.exchanges(id));
  if (webhooks.isPending || exchanges.isPending) return <Waiting />;
  if (webhooks.isError) return <Trouble error={webhooks.error} onRetry={() => void webhooks.refetch()} className="mt-3" />;
  if (exchanges.isError) return <Trouble error={exchanges.error} onRetry={() => void exchanges.refetch()} className="mt-3" />;
  const rows = [
    ...webhooks.data.map((webhook) => ({ at: webhook.received_at, id: webhook.id, row: <Received webhook={webhook} /> })),
    ...exchanges.data.map((exchange) => ({ at: exchange.at, id: exchange.id, row: <Asked exchange={exchange} /> })),
  ].sort((one, other) => one.at.localeCompare(other.at));
  if (rows.length === 0) return <p className="py-3 text-soft">Nothing was exchanged with the carrier about this call.</p>;
  return (
    <ol className="pt-2">
      {rows.map(({ id: key, row }) => (
        <li key={key}>{row}</li>
      ))}
    </ol>
  );
}

/** One message: when, which way, what about, what became of it; its text on request. */
function Message({
  at,
  way,
  about,
  outcome,
  doubted,
  children,
}: {
  at: string;
  way: "to us" | "from us";
  about: ReactNode;
  outcome: string;
  doubted: boolean;
  children: ReactNode;
}) {
  return (
    <details>
      <summary className="grid list-none grid-cols-[4rem_1rem_minmax(0,1fr)_auto_0.5rem] gap-x-2 py-1.5 hover:bg-sunk pointer-coarse:py-3 [&::-webkit-details-marker]:hidden">
        <time dir="ltr" dateTime={at} title={exactly(at)} className="tabular text-small leading-5 text-faint">
          {timeOfDay(at)}
        </time>
        <span className="text-faint rtl:-scale-x-100" title={way === "to us" ? "The carrier to us" : "We to the carrier"}>
          <span aria-hidden="true">{way === "to us" ? "←" : "→"}</span>
          <span className="sr-only">{way}</span>
        </span>
        <span className="truncate">{about}</span>
        <span className={`text-small leading-5 ${doubted ? "text-look" : "text-soft"}`}>{outcome}</span>
        <Opens />
      </summary>
      {children}
    </details>
  );
}

const Received = ({ webhook }: { webhook: Webhook }) => (
  <Message
    at={webhook.received_at}
    way="to us"
    about={
      <>
        {plain(webhook.door)} <span className="text-soft">{aboutOf(webhook)}</span>
      </>
    }
    outcome={plain(webhook.verdict)}
    doubted={doubtful.has(webhook.verdict)}
  >
    {webhook.because !== null && <p className="pb-1 ps-22 text-small text-soft">{webhook.because}</p>}
    <Raw head={`${webhook.method} ${webhook.url}`} text={indented(webhook.body)} />
  </Message>
);

const Asked = ({ exchange }: { exchange: Exchange }) => (
  <Message
    at={exchange.at}
    way="from us"
    about={
      <span dir="ltr">
        {exchange.method} <span className="text-soft">{exchange.url.replace(/^https?:\/\/[^/]+/, "")}</span>
      </span>
    }
    outcome={exchange.status === null ? "no answer" : String(exchange.status)}
    doubted={exchange.status === null || exchange.status >= 400}
  >
    <Raw head={`${exchange.method} ${exchange.url}`} text={exchange.request === null ? "(no body)" : indented(exchange.request)} />
    <Raw
      head={`${exchange.status ?? "no answer"} after ${exchange.took_ms} ms${exchange.trace === null ? "" : `, ${exchange.trace}`}`}
      text={exchange.answer === null ? "(no body)" : indented(exchange.answer)}
    />
  </Message>
);

const indented = (body: string): string => {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body === "" ? "(no body)" : body;
  }
};

/** The carrier's own word of what happened, where the body has one. */
function aboutOf(webhook: Webhook): string {
  try {
    const body: unknown = JSON.parse(webhook.body);
    return typeof body === "object" && body !== null && "status" in body ? String(body.status) : "";
  } catch {
    return "";
  }
}
