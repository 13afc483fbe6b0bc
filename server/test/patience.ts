import { vi } from "vitest";

/**
 * Tests wait for a fact, and how soon it comes is the machine's affair: vitest gives up after a second, which a busy machine takes for one
 * query. Who waits for nothing that comes fails all the same, only later.
 */
const patience = { timeout: 20_000, interval: 10 };

const { waitFor, waitUntil } = vi;
const patiently = (options: number | object = {}) => ({ ...patience, ...(typeof options === "number" ? { timeout: options } : options) });
vi.waitFor = (fact, options) => waitFor(fact, patiently(options));
vi.waitUntil = (fact, options) => waitUntil(fact, patiently(options));
