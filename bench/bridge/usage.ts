import type { FromServer } from "./protocol.ts";

/** What this process has used so far. With `collect`, after the garbage is gone (node --expose-gc). */
export function usage(collect: boolean): Extract<FromServer, { tell: "usage" }> {
  if (collect) (globalThis as { gc?: () => void }).gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    tell: "usage",
    cpuMs: (user + system) / 1000,
    rssBytes: rss,
    heapBytes: heapUsed + external,
    atMs: performance.now(),
    resources: process.getActiveResourcesInfo().length,
  };
}
