import { useQuery } from "@tanstack/react-query";
import { queries } from "../ask/queries.ts";
import type { JobQueue } from "../ask/shapes.ts";
import { Trouble } from "../look/Trouble.tsx";
import { count } from "../words/text.ts";
import { shortSeconds } from "../words/time.ts";

const queueNames: Readonly<Record<string, string>> = {
  "recording.fetch": "Fetching from the carrier",
  "recording.verify": "Verifying",
  "recording.render": "Making our own recordings",
  "recording.compare": "Comparing the two",
  "recording.delete": "Deleting",
  "recording.redact": "Redacting",
  "recording.audit": "The daily audit",
};

/** What the recordings wait for, so that "why is it not there yet" has an answer. */
export function Work() {
  const jobs = useQuery(queries.jobs());
  if (jobs.isPending) return <div className="bone h-10 w-full max-w-3xl" />;
  if (jobs.isError) return <Trouble error={jobs.error} onRetry={() => void jobs.refetch()} />;
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
