import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { migrate } from "./migrate.ts";
import { openPool } from "./pool.ts";

let database: FreshDatabase;
let empty: pg.Pool;
let folder: string;

beforeEach(async () => {
  database = await freshDatabase();
  await database.pool.query("create schema elsewhere");
  empty = openPool(`${database.url}?options=-c%20search_path%3Delsewhere`);
  folder = await mkdtemp(join(tmpdir(), "earshot-migrations-"));
});

afterEach(async () => {
  await empty.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const put = (file: string, sql: string): Promise<void> => writeFile(join(folder, file), sql);
const tables = async (): Promise<string[]> =>
  (await empty.query<{ t: string }>("select tablename as t from pg_tables where schemaname = 'elsewhere' order by 1")).rows.map(
    (row) => row.t,
  );

describe("migrations", () => {
  test("a database already up to date is left alone", async () => {
    expect(await migrate(database.pool)).toBe(0);
  });

  test("each file runs once, in order, and only the new ones later", async () => {
    await put("0001_pond.sql", "create table pond (id int)");
    expect(await migrate(empty, folder)).toBe(1);
    await put("0002_fish.sql", "alter table pond add column fish int; create table heron (id int)");
    expect(await migrate(empty, folder)).toBe(1);
    expect(await migrate(empty, folder)).toBe(0);
    expect(await tables()).toEqual(["heron", "pond", "schema_migrations"]);
  });

  test("servers starting together run each file once", async () => {
    await put("0001_pond.sql", "create table pond (id int)");
    const ran = await Promise.all([1, 2, 3, 4].map(() => migrate(empty, folder)));
    expect(ran.reduce((sum, count) => sum + count)).toBe(1);
  });

  test("a failing file leaves nothing behind, and the ones before it stay", async () => {
    await put("0001_pond.sql", "create table pond (id int)");
    await put("0002_broken.sql", "create table heron (id int); select no_such_thing()");
    await expect(migrate(empty, folder)).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringContaining("0002_broken.sql"),
    });
    expect(await tables()).toEqual(["pond", "schema_migrations"]);
  });

  test("a file edited after it ran is refused with its name", async () => {
    await put("0001_pond.sql", "create table pond (id int)");
    await migrate(empty, folder);
    await put("0001_pond.sql", "create table pond (id bigint)");
    await expect(migrate(empty, folder)).rejects.toMatchObject({
      code: "MIGRATION_EDITED",
      remedy: expect.stringContaining("0001_pond.sql"),
    });
  });

  test("line ends changed by a checkout on another system are no edit", async () => {
    await put("0001_pond.sql", "create table pond (\n id int)");
    await migrate(empty, folder);
    await put("0001_pond.sql", "create table pond (\r\n id int)");
    expect(await migrate(empty, folder)).toBe(0);
  });

  test("a database used by a newer version is refused", async () => {
    await put("0001_pond.sql", "create table pond (id int)");
    await put("0002_heron.sql", "create table heron (id int)");
    await migrate(empty, folder);
    await rm(join(folder, "0002_heron.sql"));
    await expect(migrate(empty, folder)).rejects.toMatchObject({ code: "MIGRATION_UNKNOWN" });
  });

  test.each([
    ["a gap", ["0001_a.sql", "0003_b.sql"]],
    ["a double", ["0001_a.sql", "0001_b.sql"]],
    ["a name without a number", ["pond.sql"]],
  ])("%s in the numbering is refused", async (_what, files) => {
    for (const file of files) await put(file, "select 1");
    await expect(migrate(empty, folder)).rejects.toMatchObject({ code: "MIGRATION_NAMES_WRONG" });
    expect(await tables()).toEqual([]);
  });

  test("a database that does not answer is named without its password", async () => {
    const nowhere = openPool("postgres://someone:secret@127.0.0.1:1/nowhere");
    const failure = await migrate(nowhere).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: "DATABASE_UNREACHABLE", message: expect.stringContaining("127.0.0.1:1/nowhere") });
    expect((failure as Error).message).not.toContain("secret");
    await nowhere.end();
  });

  test("a user who may not make tables is told what to do, without a stack", async () => {
    const name = `guest_${randomBytes(6).toString("hex")}`;
    await database.pool.query(`create role ${name} login password 'guest'`);
    const url = new URL(database.url);
    url.username = name;
    url.password = "guest";
    const guest = openPool(url.href);
    try {
      await database.pool.query("drop table schema_migrations");
      await expect(migrate(guest, folder)).rejects.toMatchObject({
        code: "DATABASE_FORBIDS",
        message: expect.stringContaining(`${url.host}${url.pathname} does not let its user make our tables: permission denied`),
        remedy: expect.stringContaining("alter database"),
      });
      await database.pool.query(`grant all on schema public to ${name}`);
      await put("0001_pond.sql", "create table pond (id int)");
      await expect(migrate(guest, folder)).rejects.toMatchObject({
        code: "DATABASE_FORBIDS",
        message: expect.stringContaining("no schema can be made in it"),
      });
      await database.pool.query(`grant create on database ${url.pathname.slice(1)} to ${name}`);
      expect(await migrate(guest, folder)).toBe(1);
    } finally {
      await guest.end();
      await database.pool.query(`drop owned by ${name}; drop role ${name}`);
    }
  });
});
