import { Gauge, Registry } from "prom-client";
import type { Jobs } from "./jobs.ts";

/** The queues for /metrics, read when they are asked for. */
export function jobsMetrics(jobs: Pick<Jobs, "states">): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, collect?: () => Promise<void>) =>
    new Gauge({ name, help, labelNames: ["queue"], registers: [registry], ...(collect ? { collect } : {}) });
  const due = gauge("earshot_jobs_due", "Jobs that could run now and wait for a worker");
  const running = gauge("earshot_jobs_running", "Jobs running now, in all processes");
  const failed = gauge("earshot_jobs_failed", "Jobs given up after their last try, of the last week");
  const age = gauge("earshot_jobs_oldest_due_seconds", "How long the oldest due job has waited");
  // prom-client collects all gauges of a registry together: one reading fills the others, too
  gauge("earshot_jobs_waiting", "Jobs waiting, due or later", async function (this: Gauge) {
    for (const state of await jobs.states()) {
      this.set({ queue: state.queue }, state.waiting);
      due.set({ queue: state.queue }, state.due);
      running.set({ queue: state.queue }, state.running);
      failed.set({ queue: state.queue }, state.failed);
      age.set({ queue: state.queue }, state.oldestDueSeconds);
    }
  } as () => Promise<void>);
  return registry;
}
