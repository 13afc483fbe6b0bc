import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { queries } from "../ask/queries.ts";
import { type CarrierLimit, type DoctorCheck, DoctorReport } from "../ask/shapes.ts";
import { Button } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Moment } from "../look/Moment.tsx";
import { Part } from "../look/Part.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useMay } from "../session/use-may.ts";
import { phoneNumber } from "../words/phone-number.ts";
import { count } from "../words/text.ts";
import { shortSeconds } from "../words/time.ts";
import { Limits } from "./Limits.tsx";

export function LinePage(): ReactNode {
  const mayLimit = useMay("limits.manage");
  return (
    <>
      <Part title="The phone line">
        <Line />
      </Part>
      {mayLimit && (
        <Part title="Calling limits" about="Against toll fraud, and against our own mistakes.">
          <Limits />
        </Part>
      )}
    </>
  );
}

const carrierNames: Readonly<Record<string, string>> = { vonage: "Vonage" };

/** The phone line: its number, how fast the carrier may be asked, and the doctor who looks whether it is in order. */
function Line() {
  const line = useQuery(queries.carrier());
  const mayAsk = useMay("doctor.run");
  // As high as three limits of the carrier's and what stands around them.
  if (line.isPending) return <div key="bone" className="bone h-72 w-full max-w-3xl sm:h-52" />;
  if (line.isError) return <Trouble error={line.error} onRetry={() => void line.refetch()} />;
  const { carrier, number, emulated, limits, calls_queued } = line.data;
  if (carrier === null) return <p className="text-soft">No phone line is configured: calls can be read, and none can be placed.</p>;
  return (
    <>
      <p>
        <span dir="ltr">{phoneNumber(number)}</span>
        <span className="text-soft">{emulated ? ", on the emulated phone network" : ` at ${carrierNames[carrier] ?? carrier}`}</span>
      </p>
      {limits.length > 0 && (
        <ul className="w-full max-w-3xl border-t border-line">
          {limits.map((limit) => (
            <Limit key={limit.name} limit={limit} />
          ))}
        </ul>
      )}
      {calls_queued > 0 && <p className="text-soft">{count(calls_queued, "call waits", "calls wait")} to be dialed.</p>}
      {mayAsk && <Doctor />}
    </>
  );
}

const limitNames: Readonly<Record<string, string>> = {
  "vonage create": "New calls",
  "vonage connect": "New connections",
  "vonage other": "Other requests",
};

function Limit({ limit }: { limit: CarrierLimit }) {
  return (
    <li className="flex flex-wrap items-baseline gap-x-4 border-b border-line py-2">
      <span className="min-w-32 font-strong">{limitNames[limit.name] ?? limit.name}</span>
      <span className="grow text-soft">
        at most <span className="tabular">{limit.most}</span> in {shortSeconds(limit.window_ms)}
      </span>
      <Permits limit={limit} />
      <span className={`min-w-40 ${limit.waiting > 0 ? "" : "text-soft"}`}>
        {limit.waiting > 0 ? `${count(limit.waiting, "waits", "wait")}, up to ${shortSeconds(limit.wait_ms)}` : "Nothing waits"}
      </span>
      {limit.refused_at !== null && (
        <span className="w-full text-small text-soft">
          Refused by the carrier as too many: {count(limit.refused, "request")}, last <Moment at={limit.refused_at} />
        </span>
      )}
    </li>
  );
}

/** The permits of the carrier's limit as they are now: full ones are free, hollow ones come back within the window. */
const Permits = ({ limit }: { limit: CarrierLimit }) => (
  <span className="flex items-center gap-2">
    <span dir="ltr" aria-hidden="true" className="flex gap-0.5">
      {Array.from({ length: Math.min(limit.most, 20) }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: permits have no other name
        <span key={i} className={`size-2 rounded-[1px] border border-edge ${i < limit.free ? "bg-edge" : ""}`} />
      ))}
    </span>
    <span className="tabular text-small text-soft">{limit.free} free</span>
  </span>
);

function Doctor() {
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const report = useQuery({ ...queries.doctor(), enabled: asked });
  const application = report.data?.checks.find(({ name }) => name === "application");
  return (
    <>
      <Button
        busy={report.isFetching}
        onClick={() => {
          if (asked) void report.refetch();
          setAsked(true);
        }}
      >
        {report.isFetching ? "Looking" : report.data ? "Look again" : "Is the line in order?"}
      </Button>
      {report.isError && <Trouble error={report.error} onRetry={() => void report.refetch()} />}
      {report.data && (
        <ul aria-label="What was found" className="w-full max-w-3xl border-t border-line">
          {report.data.checks.map((check) => (
            <Found key={check.name} check={check} />
          ))}
        </ul>
      )}
      {application && application.state !== "good" && (
        <SetWebhooks onDone={(found) => client.setQueryData(queries.doctor().queryKey, found)} />
      )}
    </>
  );
}

const states = { good: "In order", bad: "Needs a look", unknown: "Not looked at" } as const;

const Found = ({ check }: { check: DoctorCheck }) => (
  <li className="grid gap-x-4 border-b border-line py-2 sm:grid-cols-[8rem_minmax(0,1fr)_auto]">
    <span className="font-strong first-letter:uppercase">{check.name}</span>
    <span className="min-w-0 wrap-break-word">
      {check.said}
      {check.remedy !== null && check.state !== "good" && <span className="block text-soft">{check.remedy}</span>}
    </span>
    <span className={check.state === "bad" ? "text-look" : check.state === "good" ? "text-good" : "text-faint"}>{states[check.state]}</span>
  </li>
);

/** Sets the application's webhooks with the account's secret, which is sent once and kept nowhere. What is found with it is told back. */
function SetWebhooks({ onDone }: { onDone: (found: DoctorReport) => void }) {
  const set = useMutation({
    mutationFn: (secret: string) =>
      ask(DoctorReport, "/doctor/webhooks", { method: "POST", body: secret === "" ? {} : { api_secret: secret } }),
    onSuccess: onDone,
  });
  const wrong = set.error instanceof Refused ? set.error.field("api_secret") : null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (set.isPending) return;
    const form = event.currentTarget;
    set.mutate(String(new FormData(form).get("api_secret") ?? "").trim(), { onSuccess: () => form.reset() });
  };
  return (
    <form onSubmit={submit} className="flex w-full max-w-3xl flex-wrap items-start gap-3">
      <TextField
        label="The account's API secret"
        name="api_secret"
        type="password"
        autoComplete="off"
        hint="Used once, to set the application's webhooks to ours. Not needed when VONAGE_API_SECRET is set."
        wrong={wrong && (set.error instanceof Refused ? set.error.problem.remedy : wrong)}
        className="min-w-48 grow"
      />
      <Button type="submit" busy={set.isPending} className="sm:mt-6">
        Set the webhooks
      </Button>
      {set.error && wrong === null && <Trouble error={set.error} className="w-full" />}
    </form>
  );
}
