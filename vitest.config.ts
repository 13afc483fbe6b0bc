import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Whole conversations in real time, with deadlines that callers set: whoever hangs behind for two seconds has lost the engine. */
const inRealTime = [
  "bench/engine-chaos/chaos.test.ts",
  "server/src/emotion/expression/expression.test.ts",
  "server/src/engine/behaviours.test.ts",
  "server/src/engine/openai/dialects.test.ts",
  "server/src/engine/third.test.ts",
  "server/test/bridge-walk.test.ts",
];

/**
 * Unit, database and wire tests, beside the files they speak of. The browser tests are in e2e/vitest.config.ts. Conversations in real time come
 * after all others, which take what processor there is.
 */
export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["server/test/database-door.ts"],
    setupFiles: ["server/test/patience.ts"],
    // What hangs fails all the same; a machine with other work to do takes thirty times as long for what is only slow.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 180_000,
    // The first file that asks for a database waits for Postgres to be installed, started and migrated: half a minute on a busy machine.
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: "rooms",
          include: ["{contract,server,emulators,bench,dashboard,scripts}/**/*.test.{ts,tsx}"],
          exclude: ["**/node_modules/**", "**/dist/**", "**/.*/**", ...inRealTime],
          // Many of these wait for real sockets, processes and sound: more of them than cores.
          maxWorkers: Math.max(5, availableParallelism()),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "in real time", include: inRealTime, maxWorkers: 3, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
