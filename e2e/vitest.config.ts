import { defineConfig } from "vitest/config";

/** Whole calls and a real browser: one file at a time, in order. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["**/*.e2e.ts"],
    environment: "node",
    fileParallelism: false,
    maxConcurrency: 5,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
