import { defineConfig } from "vitest/config";

/**
 * `npm start` is timed and looks at the whole machine's processes and ports; a call's sound is measured to the sample, and what is heard in a call
 * by its time; a browser's microphone does not wait for a machine that is late, and a word with a hole in it is not understood: each has the machine
 * for itself.
 */
const alone = ["start.e2e.ts", "sound.e2e.ts", "in-call.e2e.ts", "browser-phone.e2e.ts"];

/** Whole calls and a real browser, most of it waiting for speech: three files at a time, each with a house of its own. Then what must be alone. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    maxConcurrency: 5,
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 240_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "calls", include: ["**/*.e2e.ts"], exclude: alone, maxWorkers: 3, sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
