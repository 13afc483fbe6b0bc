import { defineConfig } from "vitest/config";

/** Unit, database and wire tests, beside the files they speak of. The browser tests are in e2e/vitest.config.ts. */
export default defineConfig({
  test: {
    include: ["{contract,server,emulators,bench,dashboard,scripts}/**/*.test.{ts,tsx}"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/.*/**"],
    environment: "node",
    globalSetup: ["server/test/database-door.ts"],
    testTimeout: 15_000,
    hookTimeout: 30_000,
  },
});
