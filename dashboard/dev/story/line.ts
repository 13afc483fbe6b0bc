/** How the made-up line stands: its limits, what the doctor finds, and the work that waits. */
import { CarrierState, DoctorReport, JobQueue } from "../../src/ask/shapes.ts";
import { at } from "./made.ts";

export const carrier = CarrierState.parse({
  carrier: "vonage",
  number: "+12025550100",
  emulated: false,
  calls_queued: 2,
  limits: [
    {
      name: "vonage create",
      most: 3,
      window_ms: 1200,
      free: 0,
      waiting: 2,
      wait_ms: 1900,
      refused: 1,
      refused_at: at(Date.now() - 7_200_000),
    },
    { name: "vonage other", most: 15, window_ms: 1050, free: 15, waiting: 0, wait_ms: 0, refused: 0, refused_at: null },
  ],
});

export const doctor = () =>
  DoctorReport.parse({
    at: at(Date.now()),
    checks: [
      { name: "key", state: "good", said: "Vonage accepts our application id and private key.", remedy: null },
      {
        name: "public address",
        state: "bad",
        said: "https://calls.example.com is answered by something else (HTTP 200, text/html).",
        remedy: "Is the tunnel or proxy the right one, and does it show a page of its own first? Point PUBLIC_URL at this server.",
      },
      { name: "application", state: "unknown", said: "This can be looked at only with the account's API secret.", remedy: null },
    ],
  });

export const jobs = [
  { queue: "recording.fetch", waiting: 3, due: 1, running: 2, failed: 0, oldest_due_seconds: 4.2 },
  { queue: "recording.verify", waiting: 0, due: 0, running: 0, failed: 1, oldest_due_seconds: 0 },
  { queue: "recording.audit", waiting: 1, due: 0, running: 0, failed: 0, oldest_due_seconds: 0 },
  ...["recording.compare", "recording.delete", "recording.look", "recording.redact", "recording.render", "conversation.reconcile"].map(
    (queue) => ({ queue, waiting: 0, due: 0, running: 0, failed: 0, oldest_due_seconds: 0 }),
  ),
].map((queue) => JobQueue.parse(queue));
