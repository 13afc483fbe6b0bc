import { defineConfig } from "vitest/config";

/** `npm start` is timed and looks at the whole machine's processes and ports, and a call's sound is measured to the sample: each has the machine for itself. */
const alone = ["start.e2e.ts", "sound.e2e.ts"];
/** What is heard in a call is measured by its time, and a browser's microphone waits for nobody: the two run beside each other only. */
const heard = ["in-call.e2e.ts", "browser-phone.e2e.ts"];

/** Whole calls and a real browser, most of it waiting for speech: three files at a time, each with a house of its own. Then what wants a quieter machine. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    maxConcurrency: 5,
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 240_000,
    hookTimeout: 240_000,
    projects: [
      {
        extends: true,
        test: { name: "calls", include: ["**/*.e2e.ts"], exclude: [...alone, ...heard], maxWorkers: 3, sequence: { groupOrder: 0 } },
      },
      { extends: true, test: { name: "heard", include: heard, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
