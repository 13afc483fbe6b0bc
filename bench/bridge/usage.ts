import type { EventEmitter } from "node:events";
import { readdirSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import type { FromServer, Pauses } from "./protocol.ts";

/** What each kind of garbage collection has cost since it was asked last; the longest pause, too. */
const kinds = { 1: "minor", 4: "major", 8: "incremental", 16: "weak", 2: "mark" } as Record<number, string>;
const pauses: Record<string, Pauses> = {};
new PerformanceObserver((list) => {
  for (const { duration, detail } of list.getEntries() as unknown as { duration: number; detail: { kind: number } }[]) {
    const kind = kinds[detail.kind] ?? "other";
    const known = pauses[kind] ?? { count: 0, ms: 0, max: 0 };
    pauses[kind] = { count: known.count + 1, ms: known.ms + duration, max: Math.max(known.max, duration) };
  }
}).observe({ entryTypes: ["gc"] });

/** What this process has used so far. With `collect`, after the garbage is gone (node --expose-gc). `lasting`: what outlives calls, and could gather listeners. */
export function usage(collect: boolean, lasting: readonly EventEmitter[] = []): Extract<FromServer, { tell: "usage" }> {
  // Twice: what a buffer's owner held is free only after the first.
  if (collect) for (let times = 0; times < 2; times++) (globalThis as { gc?: () => void }).gc?.();
  const { user, system } = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const megabytes = (bytes: number): number => bytes / 2 ** 20;
  return {
    tell: "usage",
    cpuMs: (user + system) / 1000,
    mainMs: (thread.user + thread.system) / 1000,
    rssBytes: rss,
    heapBytes: heapUsed + external,
    split: { heapMB: megabytes(heapUsed), externalMB: megabytes(external - arrayBuffers), buffersMB: megabytes(arrayBuffers) },
    atMs: performance.now(),
    resources: counted(process.getActiveResourcesInfo()),
    descriptors: process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0,
    listeners: [process, ...lasting].reduce((sum, one) => sum + listenersOf(one), 0),
    gc: { ...pauses },
  };
}

function counted(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const listenersOf = (one: EventEmitter): number => one.eventNames().reduce((sum, name) => sum + one.listenerCount(name), 0);
