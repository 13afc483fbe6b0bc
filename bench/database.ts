import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../server/src/db/embedded.ts";
import { migrate } from "../server/src/db/migrate.ts";
import { openPool } from "../server/src/db/pool.ts";

/** A migrated Postgres of the run's own, thrown away afterwards. */
export async function openBenchDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "earshot-bench-db-"));
  const log = { info: (): void => {}, warn: (): void => {}, error: (): void => {}, debug: (): void => {} };
  const database = await startEmbedded({ dataDir: dir, log });
  const pool = openPool(database.url);
  await migrate(pool);
  await pool.end();
  return {
    url: database.url,
    async close() {
      await database.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
