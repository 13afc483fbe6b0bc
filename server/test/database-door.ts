import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { type Embedded, startEmbedded } from "../src/db/embedded.ts";
import { migrate, migrationsFolder, readMigrations } from "../src/db/migrate.ts";
import { openPool } from "../src/db/pool.ts";
import { readPostmaster, servesFolder } from "../src/db/postmaster.ts";

/**
 * One Postgres for the whole run, started when the first test file asks for a database (TEST_DATABASE_URL: that one instead).
 * Test files are processes of their own, so they ask over loopback; the answer is the server's URL and the migrated template.
 */
declare module "vitest" {
  interface ProvidedContext {
    databaseDoor: string;
  }
}

export interface TestServer {
  readonly url: string;
  readonly template: string;
}

const PREFIX = "earshot-test-";
const TEMPLATE_LOCK = 4_327_003;
const log = { info: () => {}, warn: () => {}, error: (text: string) => process.stderr.write(`${text}\n`) };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<TestServer> | null = null;
  let embedded: Embedded | null = null;
  let folder: string | null = null;

  const start = async (): Promise<TestServer> => {
    let url = process.env.TEST_DATABASE_URL;
    if (!url) {
      await stopForgotten();
      folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
      await chmod(folder, 0o755); // as root, Postgres runs as another account
      // Nobody pulls the plug in a test, and a fresh database without fsync is made three times as fast.
      embedded = await startEmbedded({ dataDir: folder, log, settings: { fsync: "off", max_connections: "300" } });
      url = embedded.url;
    }
    return { url, template: await makeTemplate(url) };
  };

  const door = createServer((_request, response) => {
    started ??= start();
    started.then(
      (ready) => response.end(JSON.stringify(ready)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((listening) => door.listen(0, "127.0.0.1", listening));
  const address = door.address();
  if (typeof address !== "object" || address === null) throw new Error("no loopback port is free");
  project.provide("databaseDoor", `http://127.0.0.1:${address.port}`);

  return async () => {
    door.close();
    door.closeAllConnections();
    await started?.catch(() => {});
    await embedded?.stop();
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  };
}

/** Migrates a database once for every state of the migrations; each test file then copies it. Returns its name. */
async function makeTemplate(url: string): Promise<string> {
  const migrations = await readMigrations(migrationsFolder);
  const state = createHash("sha256")
    .update(migrations.map((migration) => migration.checksum).join())
    .digest("hex");
  const template = `earshot_template_${state.slice(0, 16)}`;
  const unfinished = `${template}_unfinished`;
  const server = new pg.Client({ connectionString: url });
  await server.connect();
  try {
    await server.query("select pg_advisory_lock($1)", [TEMPLATE_LOCK]); // another run on the same TEST_DATABASE_URL
    const { rowCount } = await server.query("select from pg_database where datname = $1", [template]);
    if (rowCount) return template;
    await server.query(`drop database if exists ${unfinished}`);
    await server.query(`create database ${unfinished}`);
    const pool = openPool(databaseUrl(url, unfinished), 1);
    try {
      await migrate(pool);
    } finally {
      await pool.end();
    }
    await server.query(`alter database ${unfinished} rename to ${template}`);
    return template;
  } finally {
    await server.end();
  }
}

export function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** A run that was killed leaves its Postgres behind: stop those whose run is gone. */
async function stopForgotten(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const run = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (!run || isAlive(run)) continue;
    const folder = join(tmpdir(), name);
    const data = join(folder, "postgres/data");
    const left = await readPostmaster(data);
    if (left !== null && (await servesFolder(left.pid, data))) process.kill(left.pid, "SIGQUIT");
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
