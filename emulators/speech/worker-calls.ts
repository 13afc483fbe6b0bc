import { Worker } from "node:worker_threads";

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (problem: Error) => void;
}

type Reply =
  | { readonly id: number; readonly ok: true; readonly result: never }
  | { readonly id: number; readonly ok: false; readonly problem: string };

/**
 * One worker thread that answers requests in order: started at the first request, kept for the next ones, and never a
 * reason for the process to stay alive while idle. A worker that dies fails what it was asked and is started anew at the next request.
 *
 * @param script URL of the worker's module; it answers each `{ id, request }` with `{ id, ok, result | problem }`
 */
export function workerCalls<Request, Result>(script: URL): (request: Request, transfer?: ArrayBuffer[]) => Promise<Result> {
  let worker: Worker | null = null;
  let nextId = 1;
  const waiting = new Map<number, Waiting>();

  function failAll(problem: Error): void {
    worker = null;
    for (const one of waiting.values()) one.reject(problem);
    waiting.clear();
  }

  function start(): Worker {
    const started = new Worker(script);
    started.on("message", (reply: Reply) => {
      const one = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (waiting.size === 0) started.unref();
      if (!one) return;
      if (reply.ok) one.resolve(reply.result);
      else one.reject(new Error(reply.problem));
    });
    started.on("error", failAll);
    started.on("exit", (code) => {
      if (worker === started) failAll(new Error(`The worker ${script.pathname} ended with code ${code}.`));
    });
    return started;
  }

  return (request, transfer = []) =>
    new Promise<Result>((resolve, reject) => {
      worker ??= start();
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, request }, transfer);
    });
}
