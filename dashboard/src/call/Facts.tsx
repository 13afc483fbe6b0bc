import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { queries } from "../ask/queries.ts";
import { type Call, endReasons, type Recording } from "../ask/shapes.ts";
import { Standing, Talk } from "../calls/CallRow.tsx";
import { isLive } from "../calls/states.ts";
import { Moment } from "../look/Moment.tsx";
import { phoneNumber } from "../words/phone-number.ts";
import { shortSeconds } from "../words/time.ts";
import { costLines } from "./costs.ts";
import { keptApart } from "./kept-apart.ts";
import { RecordingFact } from "./RecordingFact.tsx";

/** What a person asks first: who, when, how long, how it ended and why, is the recording whole. Then the rest, folded on a narrow page. */
export function Facts({
  call,
  heard,
  narrow,
  onMoment,
}: {
  call: Call;
  heard: Recording;
  narrow: boolean;
  /** Goes to a moment of the call, in ms from the answer. */
  onMoment: (ms: number) => void;
}) {
  const inbound = call.direction === "inbound";
  const more = (
    <dl>
      <Fact name="Agent">
        {call.agent === null ? (
          "None"
        ) : (
          <>
            <Link
              to="/agents/$id"
              params={{ id: call.agent.id }}
              search={{ version: call.agent.version }}
              className="reach underline decoration-edge underline-offset-2 hover:decoration-ink"
            >
              <bdi>{call.agent.name}</bdi>
            </Link>
            <span className="text-soft"> version {call.agent.version}</span>
          </>
        )}
      </Fact>
      <Fact name="Our number">
        <span dir="ltr">{phoneNumber(inbound ? call.to : call.from)}</span>
      </Fact>
      <Fact name="Rang">{call.ring_ms === null ? <Dash /> : shortSeconds(call.ring_ms)}</Fact>
      {call.started_at !== null && <Cost call={call} />}
      <Given name="Variables" values={call.variables} />
      <Given name="Metadata" values={call.metadata} />
    </dl>
  );
  return (
    <section aria-labelledby="facts">
      <h2 id="facts" className="sr-only">
        Facts
      </h2>
      <dl>
        <Fact name={inbound ? "Caller" : "Called"}>
          {call.customer_name !== null && (
            <span className="block">
              <bdi>{call.customer_name}</bdi>
            </span>
          )}
          <span dir="ltr">{phoneNumber(inbound ? call.from : call.to)}</span>
        </Fact>
        <Fact name={inbound ? "Came in" : "Placed"}>
          <Moment at={call.created_at} />
        </Fact>
        <Fact name="Talked">
          <Talk call={call} />
        </Fact>
        <Fact name={isLive(call) ? "Now" : "Ended"}>
          <Standing call={call} />
          {call.end_reason !== null && <p className="text-small text-soft">{call.end_detail ?? endReasons[call.end_reason].line}</p>}
        </Fact>
        <Fact name="Recording">
          <RecordingFact call={call} heard={heard} onMoment={onMoment} />
        </Fact>
        <KeepingFact call={call.id} />
      </dl>
      {narrow ? (
        <details>
          <summary className="border-b border-line py-1.5 text-soft pointer-coarse:py-3">More facts</summary>
          {more}
        </details>
      ) : (
        more
      )}
    </section>
  );
}

/** What both vendors take, each in its own currency; the engine's is an estimate. */
function Cost({ call }: { call: Call }) {
  const { carrier, engine, used } = costLines(call);
  const charged = call.cost.carrier;
  return (
    <Fact name="Cost">
      <p title={charged ? `Exactly ${charged.amount} ${charged.currency}` : undefined}>{carrier}</p>
      <p>{engine}</p>
      {used !== null && <p className="text-small text-soft">{used}</p>}
    </Fact>
  );
}

const Dash = () => (
  <span className="text-faint">
    <span aria-hidden="true">–</span>
    <span className="sr-only">none</span>
  </span>
);

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="grid min-h-8 grid-cols-[7rem_minmax(0,1fr)] gap-3 border-b border-line py-1.5">
    <dt className="text-soft">{name}</dt>
    <dd className="min-w-0 wrap-break-word">{children}</dd>
  </div>
);

/** What of keeping is out of the ordinary, in a word; the rest is beside the timeline. */
function KeepingFact({ call }: { call: string }) {
  const { data } = useQuery(queries.keeping(call));
  if (!data) return null;
  const notable = keptApart(data);
  if (notable === "") return null;
  return (
    <Fact name="Keeping">
      <Link
        from="/calls/$id"
        to="."
        search={(old: object) => ({ ...old, side: "keeping" as const })}
        replace
        resetScroll={false}
        onClick={() => document.getElementById("timeline")?.parentElement?.scrollIntoView({ block: "center" })}
        className="reach underline decoration-edge underline-offset-2 hover:decoration-ink"
      >
        {notable}
      </Link>
    </Fact>
  );
}

function Given({ name, values }: { name: string; values: Readonly<Record<string, string | number | boolean | null>> }) {
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  return (
    <Fact name={name}>
      {entries.map(([key, value]) => (
        <p key={key}>
          <span className="font-mono text-small text-soft">{key}</span> <bdi>{String(value)}</bdi>
        </p>
      ))}
    </Fact>
  );
}

export const FactsBone = () => (
  <div aria-hidden="true">
    {["w-32", "w-28", "w-24", "w-36", "w-10", "w-12", "w-28", "w-24"].map((width, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton have no other name
      <div key={i} className="grid min-h-8 grid-cols-[7rem_1fr] items-center gap-3 border-b border-line">
        <div className="bone h-3 w-16" />
        <div className={`bone h-3.5 ${width}`} />
      </div>
    ))}
  </div>
);
