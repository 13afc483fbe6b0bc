import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "../ask/queries.ts";
import type { JobQueue, Waiting } from "../ask/shapes.ts";
import { Mend } from "../call/Mend.tsx";
import { recordingStates } from "../calls/states.ts";
import { Moment } from "../look/Moment.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { count } from "../words/text.ts";
import { exactly, shortSeconds, timeOfDay } from "../words/time.ts";

const queueNames: Readonly<Record<string, string>> = {
  "recording.fetch": "Fetching from the carrier",
  "recording.verify": "Verifying",
  "recording.render": "Making our own recordings",
  "recording.look": "Looking for the engine's recordings",
  "recording.compare": "Comparing the two",
  "recording.delete": "Deleting",
  "recording.redact": "Redacting",
  "recording.audit": "The daily audit",
  "conversation.reconcile": "Filling in what the engine remembers",
};

/** The queues of work as they stand. */
export function Queues() {
  const jobs = useQuery(queries.jobs());
  // As high as the nine queues there are.
  if (jobs.isPending) return <div key="bone" className="bone h-83 w-full max-w-3xl" />;
  if (jobs.isError && !jobs.data) return <Trouble error={jobs.error} onRetry={() => void jobs.refetch()} />;
  return (
    <ul className="w-full max-w-3xl border-t border-line">
      {jobs.data.map((queue) => (
        <li key={queue.queue} className="flex flex-wrap items-baseline gap-x-4 border-b border-line py-2">
          <span className="grow">{queueNames[queue.queue] ?? queue.queue}</span>
          <span className="text-soft">{standing(queue)}</span>
          {queue.failed > 0 && <span className="text-look">{count(queue.failed, "given up", "given up")} this week</span>}
        </li>
      ))}
    </ul>
  );
}

function standing({ running, due, waiting, oldest_due_seconds }: JobQueue): string {
  const parts = [
    running > 0 ? `${running} running` : null,
    due > 0 ? `${due} due, the oldest for ${shortSeconds(oldest_due_seconds * 1000)}` : null,
    waiting > due ? `${waiting - due} for later` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? "Nothing waits" : parts.join(", ");
}

const whats = {
  announcement: "Waits for the carrier to announce its recording",
  file: "Waits for the carrier's file",
  rendering: "Our own recording is to be made",
  engine: "Waits for the engine's recording",
  verification: "Is to be checked",
  comparison: "The two recordings are to be compared",
  deletion: "Is to be deleted",
  redaction: "Is to be redacted",
} as const satisfies Record<Waiting["what"], string>;

/** What waits, why and since when, so that "why is it not there yet" has an answer, with what a person may do about it. */
export function WaitingList() {
  const waiting = useQuery(queries.waiting());
  if (waiting.isPending) return <div className="bone h-20 w-full max-w-3xl" />;
  if (waiting.isError && !waiting.data) return <Trouble error={waiting.error} onRetry={() => void waiting.refetch()} />;
  return (
    <>
      {waiting.data.length === 0 ? (
        <p className="text-soft">Nothing waits: every recording is there, or says why not.</p>
      ) : (
        <ul className="w-full max-w-3xl border-t border-line">
          {waiting.data.map((one) => (
            <Waits key={`${one.what} ${one.id}`} one={one} />
          ))}
        </ul>
      )}
      <p className="text-soft">
        What was given up: calls whose recording is{" "}
        {(["missing", "failed", "refused"] as const).map((recording, i) => (
          <span key={recording}>
            {i > 0 && ", "}
            <Link
              to="/calls"
              search={{ recording }}
              className="reach text-ink underline decoration-edge underline-offset-2 hover:decoration-ink"
            >
              {recordingStates[recording].word.toLowerCase()}
            </Link>
          </span>
        ))}
        .
      </p>
    </>
  );
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function Waits({ one }: { one: Waiting }) {
  const ofRecording = one.what !== "deletion" && one.what !== "redaction" && one.what !== "comparison";
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line py-2">
      <div className="min-w-0 grow basis-72">
        <p>
          {one.call_id === null ? (
            <span>
              {whats[one.what]} <span className="text-look">of a call nobody knows</span>
            </span>
          ) : (
            <Link
              to="/calls/$id"
              params={{ id: one.call_id }}
              className="reach underline decoration-edge underline-offset-2 hover:decoration-ink"
            >
              {whats[one.what]}
            </Link>
          )}
        </p>
        <p className="text-small text-soft">
          since <Moment at={one.since} />
          {one.progress && `, ${megabytes(one.progress.bytes)} of ${megabytes(one.progress.of)} MB are here`}
          {one.attempts > 0 && `, ${count(one.attempts, "try", "tries")}`}
          {one.next_attempt_at !== null && (
            <>
              , {one.what === "announcement" ? "missing after" : "again at"}{" "}
              <time dateTime={one.next_attempt_at} title={exactly(one.next_attempt_at)} className="tabular">
                {timeOfDay(one.next_attempt_at)}
              </time>
            </>
          )}
        </p>
        {one.because !== null && (
          <p className="text-small wrap-anywhere">
            <span className="text-look">{one.because.message}</span> {one.because.remedy}
          </p>
        )}
      </div>
      {!ofRecording && (one.attempts > 0 || one.what === "comparison") && one.because?.code !== "CALL_HELD" && (
        <div className="max-w-80">
          <Mend of="waiting" id={one.id} again giveUp={false} />
        </div>
      )}
      {ofRecording && (
        <div className="max-w-80">
          <Mend
            id={one.id}
            again={one.what === "file" || one.what === "verification" || one.what === "rendering"}
            giveUp={one.what === "announcement" || one.what === "file" || one.what === "engine"}
          />
        </div>
      )}
    </li>
  );
}
