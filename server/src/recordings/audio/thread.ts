import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { isUnreadable } from "./decode.ts";
import { type Answer, type Job, type Question, runJob } from "./tasks.ts";

/**
 * The other side of audio-threads.ts: one job after another. Runs below normal priority where that concerns this
 * thread alone (Linux); elsewhere it would slow the whole process, and with it live calls.
 */
const { nice } = workerData as { nice: number };
if (process.platform === "linux" && nice > 0) setPriority(nice);

const port = parentPort;
if (!port) throw new Error("thread.ts is started as a worker thread by audio-threads.ts.");

port.on("message", async ({ id, job }: Question) => {
  port.postMessage(await answer(id, job));
});

async function answer(id: number, job: Job): Promise<Answer> {
  try {
    return { id, done: await runJob(job) };
  } catch (error) {
    const { message, stack, code } = error as Error & { code?: string };
    return { id, failed: { message, stack: stack ?? message, unreadable: isUnreadable(error), code: code ?? null } };
  }
}
