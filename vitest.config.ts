import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Unit, database and wire tests, beside the files they speak of. The browser tests are in e2e/vitest.config.ts. */
export default defineConfig({
  test: {
    include: ["{contract,server,emulators,bench,dashboard,scripts}/**/*.test.{ts,tsx}"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/.*/**"],
    environment: "node",
    // Many of these wait for real sockets, processes and sound: more of them than cores.
    maxWorkers: Math.max(4, availableParallelism()),
    globalSetup: ["server/test/database-door.ts"],
    setupFiles: ["server/test/patience.ts"],
    // What hangs fails all the same; a machine with other work to do takes ten times as long for what is only slow.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 90_000,
    // The first file that asks for a database waits for Postgres to be installed, started and migrated: half a minute on a busy machine.
    hookTimeout: 120_000,
  },
});
