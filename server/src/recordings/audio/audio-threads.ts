import { Worker } from "node:worker_threads";
import type { Answer, Failed, Job, JobName, Jobs, Question } from "./tasks.ts";

/** A job failed in its thread; `unreadable` when the file is to blame. */
export class AudioJobFailed extends Error {
  readonly unreadable: boolean;
  readonly code: string | null;
  constructor({ message, stack, unreadable, code }: Failed) {
    super(message);
    this.stack = stack;
    this.unreadable = unreadable;
    this.code = code;
  }
}

/**
 * So far below normal priority (in steps of `nice`): calls that want the processor leave a thread about a tenth of what they take. With 19 it would be a
 * seventieth, and a two-hour file would not be decoded within its job's half hour while a machine is full of calls.
 */
export const BEHIND_CALLS = 10;

interface Asked {
  readonly question: Question;
  resolve(done: Jobs[JobName]["done"]): void;
  reject(error: Error): void;
}
interface Thread {
  readonly worker: Worker;
  busy: Asked | null;
}

/**
 * Decoding and encoding beside the event loop, at most `most` jobs at once; the others wait in order. Threads start with
 * the first job and live until `close`, which lets nothing finish: whoever waits is refused. A thread that dies takes only its own job along.
 */
export class AudioThreads {
  readonly #most: number;
  readonly #nice: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Asked[] = [];
  #lastId = 0;
  #closed = false;

  /** @param nice how far below normal priority they run, see {@link BEHIND_CALLS} */
  constructor(most: number, nice: number = BEHIND_CALLS) {
    this.#most = most;
    this.#nice = nice;
  }

  /** @throws AudioJobFailed */
  ask<Name extends JobName>(job: { name: Name } & Jobs[Name]["asked"]): Promise<Jobs[Name]["done"]> {
    if (this.#closed) return Promise.reject(new Error("The audio threads are closed."));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question: { id: ++this.#lastId, job: job as Job }, resolve: resolve as Asked["resolve"], reject });
      this.#hand();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const asked of this.#waiting.splice(0)) asked.reject(new Error("The audio threads are closed."));
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #hand(): void {
    while (this.#waiting.length > 0) {
      const free = [...this.#threads].find((thread) => !thread.busy) ?? (this.#threads.size < this.#most ? this.#start() : null);
      if (!free) return;
      free.busy = this.#waiting.shift() as Asked;
      free.worker.postMessage(free.busy.question);
    }
  }

  #start(): Thread {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      name: "earshot audio",
      workerData: { nice: this.#nice },
      resourceLimits: { maxOldGenerationSizeMb: 512 },
      stdout: true,
      stderr: true,
    });
    // The decoders print a line for each broken frame, thousands for a file of noise. What matters comes as an answer.
    worker.stdout.resume();
    worker.stderr.resume();
    const thread: Thread = { worker, busy: null };
    this.#threads.add(thread);
    worker.on("message", (answer: Answer) => {
      const asked = thread.busy;
      thread.busy = null;
      if ("done" in answer) asked?.resolve(answer.done);
      else asked?.reject(new AudioJobFailed(answer.failed));
      this.#hand();
    });
    let why = new Error("The audio thread ended.");
    worker.on("error", (error) => {
      why = error instanceof Error ? error : new Error(String(error));
    });
    worker.on("exit", () => {
      this.#threads.delete(thread);
      thread.busy?.reject(why);
      if (!this.#closed) this.#hand();
    });
    return thread;
  }
}
