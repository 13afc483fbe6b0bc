import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PgBoss } from "pg-boss";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { inTransaction, openPool } from "../db/pool.ts";
import { type Jobs, startJobs } from "./jobs.ts";
import { enqueue, queue } from "./queue.ts";

let database: FreshDatabase;
let jobs: Jobs;
const log = { warn: () => {}, error: () => {} };
const greet = queue<{ name: string }>("test.greet", { concurrency: 3 });
const slow = queue<{ name: string }>("test.slow", { concurrency: 2 });
const flaky = queue<{ name: string }>("test.flaky", { tries: 3, firstPauseSeconds: 1 });
const later = queue<{ name: string }>("test.later");

/** Collects what was handled, and waits until it is `n`. */
function collector() {
  const heard: string[] = [];
  const waiting: { n: number; resolve(): void }[] = [];
  return {
    heard,
    tell(what: string) {
      heard.push(what);
      for (const { n, resolve } of waiting) if (heard.length >= n) resolve();
    },
    until: (n: number) => new Promise<void>((resolve) => (heard.length >= n ? resolve() : waiting.push({ n, resolve }))),
  };
}

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await jobs?.close(1000);
  await database.drop();
});

describe("jobs", () => {
  const greeted = collector();

  it("are not missed before the queues exist: nothing is added and nothing fails", async () => {
    await enqueue(database.pool, greet, "a", { name: "too early" });
    jobs = await startJobs({ pool: database.pool, log, pollSeconds: 0.5 });
    await jobs.work(greet, async ({ name }) => greeted.tell(name));
    expect(await jobs.states()).toMatchObject([{ queue: "test.greet", waiting: 0, running: 0 }]);
  });

  it("exist when the transaction that adds them is committed, and not when it is rolled back", async () => {
    await inTransaction(database.pool, async (sql) => {
      await enqueue(sql, greet, "x", { name: "rolled back" });
      throw new Error("no");
    }).catch(() => {});
    await inTransaction(database.pool, (sql) => enqueue(sql, greet, "y", { name: "committed" }));
    jobs.wake();
    await greeted.until(1);
    expect(greeted.heard).toEqual(["committed"]);
  });

  it("run many at once, but never more than the queue allows, and without waiting for the next poll", async () => {
    const done = collector();
    let running = 0;
    let most = 0;
    const hourly = await startJobs({ pool: database.pool, log, pollSeconds: 3_600 });
    await hourly.work(slow, async ({ name }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.tell(name);
    });
    await inTransaction(database.pool, async (sql) => {
      for (let i = 0; i < 40; i++) await enqueue(sql, slow, `k${i}`, { name: `${i}` });
    });
    hourly.wake();
    await done.until(40);
    expect(most).toBeLessThanOrEqual(2);
    expect(new Set(done.heard).size).toBe(40);
    await hourly.close(1_000);
  });

  it("wait only once under a key, and a nudge brings the waiting one forward", async () => {
    const done = collector();
    await jobs.work(later, async ({ name }) => done.tell(name));
    for (let i = 0; i < 5; i++) await enqueue(database.pool, later, "same", { name: `${i}` }, 3_600_000);
    expect((await jobs.states()).find((state) => state.queue === "test.later")).toMatchObject({ waiting: 1, due: 0 });
    await enqueue(database.pool, later, "same", { name: "now" });
    expect((await jobs.states()).find((state) => state.queue === "test.later")).toMatchObject({ waiting: 1, due: 1 });
    jobs.wake();
    await done.until(1);
    expect(done.heard).toEqual(["0"]);
  });

  it("that throw are tried again", async () => {
    const done = collector();
    await jobs.work(flaky, async ({ name }) => {
      done.tell(name);
      jobs.wake();
      if (done.heard.length < 2) throw new Error("not yet");
    });
    await enqueue(database.pool, flaky, "f", { name: "f" });
    jobs.wake();
    await done.until(2);
    expect(done.heard).toEqual(["f", "f"]);
  });

  it("tell an outage of the database once, not with every poll, and its end once", async () => {
    // A way to the database that can be cut: what a restart of Postgres looks like from here.
    const { hostname, port } = new URL(database.url);
    const pipes = new Set<Socket>();
    let isCut = false;
    const way = createServer((near) => {
      if (isCut) return void near.destroy();
      const far = connect(Number(port), hostname);
      for (const pipe of [near, far]) {
        pipes.add(pipe);
        pipe.on("error", () => {}).on("close", () => [near, far].map((end) => end.destroy()));
      }
      near.pipe(far).pipe(near);
    }).listen(0, "127.0.0.1");
    await once(way, "listening");
    const url = new URL(database.url);
    url.port = String((way.address() as AddressInfo).port);
    const pool = openPool(url.href, 5);
    const said: string[] = [];
    const note = (_: unknown, text: string): void => void said.push(text);
    let polls = 0;
    const counted = new Proxy(pool, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name === "query") polls++;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const there = await startJobs({ pool: counted, log: { warn: note, error: note } as never, pollSeconds: 0.5 });
    try {
      for (const name of ["one", "two", "three"]) await there.work(queue(`test.away.${name}`), async () => {});
      isCut = true;
      for (const pipe of pipes) pipe.destroy();
      const before = polls;
      await expect.poll(() => polls - before).toBeGreaterThan(8);
      expect(said).toEqual(["The job queues do not reach the database; they go on when it is back."]);
      isCut = false;
      await expect.poll(() => said.length).toBe(2);
      expect(said[1]).toBe("The database is back; the job queues go on.");
    } finally {
      isCut = false;
      await there.close(1_000);
      await pool.end();
      way.close();
    }
  });

  it("added by us look like jobs added by pg-boss itself", async () => {
    const boss = new PgBoss({
      schema: "jobs",
      db: { executeSql: (text, values) => database.pool.query(text, values) },
      supervise: false,
      schedule: false,
    });
    await boss.start();
    try {
      await enqueue(database.pool, later, "ours", { name: "ours" }, 1000);
      await boss.send("test.later", { name: "theirs" }, { singletonKey: "theirs", startAfter: 1 });
      const { rows } = await database.pool.query(
        `select to_jsonb(j) - '{id, data, singleton_key, start_after, created_on, keep_until}'::text[] as job,
                extract(epoch from start_after - created_on)::int as delay, extract(epoch from keep_until - start_after)::int as kept
           from jobs.job_common j where singleton_key in ('ours', 'theirs')`,
      );
      expect(rows).toHaveLength(2);
      expect(rows[0]).toEqual(rows[1]);
    } finally {
      await boss.stop({ close: false, graceful: false });
    }
  });
});
