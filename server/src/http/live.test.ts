import type { LiveChange } from "@earshot/contract/call";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { notify } from "../db/notify.ts";
import { inTransaction } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { openStream, openTestHouse, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse({ liveBeatMs: 20 });
});
afterAll(() => house.close());

const bearer = (role: "admin" | "member" | "viewer") => ({ authorization: `Bearer ${house.keys[role]}` });
const change = (what: LiveChange["what"] = "call"): LiveChange => ({ call_id: newId(), what });

describe("the live stream", () => {
  it("begins with a snapshot, lives on with beats, and says which call changed and no more", async () => {
    const stream = await openStream(house.app, "/api/live", { ...bearer("viewer"), "last-event-id": "anything at all" });
    expect(stream.response.statusCode).toBe(200);
    expect(stream.response.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-content-type-options": "nosniff",
    });
    await stream.until("event: snapshot\ndata: {}\n\n");
    await stream.until(": beat\n\n");
    const told = change("utterance");
    await notify(house.database.pool, told);
    await stream.until(`event: change\ndata: ${JSON.stringify(told)}\n\n`);
    stream.close();
  });

  it("tells what was committed, and nothing of what was not", async () => {
    const stream = await openStream(house.app, "/api/live", bearer("viewer"));
    await stream.until("snapshot");
    const [undone, done] = [change(), change()];
    await inTransaction(house.database.pool, async (sql) => {
      await notify(sql, undone);
      throw new Error("undone");
    }).catch(() => {});
    await inTransaction(house.database.pool, (sql) => notify(sql, done));
    await stream.until(done.call_id);
    expect(stream.text()).not.toContain(undone.call_id);
    stream.close();
  });

  it("is one database connection, however many listen", async () => {
    const streams = await Promise.all([1, 2, 3, 4, 5].map(() => openStream(house.app, "/api/live", bearer("viewer"))));
    const told = change();
    await notify(house.database.pool, told);
    await Promise.all(streams.map((stream) => stream.until(told.call_id)));
    const { rows } = await house.database.pool.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'earshot listen'",
    );
    expect(rows[0]).toEqual({ n: 1 });
    for (const stream of streams) stream.close();
  });

  it("says that something may have been missed when its database connection was lost", async () => {
    const stream = await openStream(house.app, "/api/live", bearer("viewer"));
    await stream.until("snapshot");
    await house.database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'earshot listen'",
    );
    await stream.until(/snapshot[\s\S]*snapshot/);
    const told = change();
    await notify(house.database.pool, told);
    await stream.until(told.call_id);
    stream.close();
  });

  it("ends when its key is revoked: here at once, elsewhere with the next beat", async () => {
    const made = (await house.ask("admin", { method: "POST", url: "/api/keys", payload: { name: "stream" } })).json();
    const stream = await openStream(house.app, "/api/live", { authorization: `Bearer ${made.key}` });
    await stream.until("snapshot");
    await house.ask("admin", { method: "DELETE", url: `/api/keys/${made.id}` });
    await stream.end();

    const other = (await house.ask("admin", { method: "POST", url: "/api/keys", payload: { name: "stream" } })).json();
    const elsewhere = await openStream(house.app, "/api/live", { authorization: `Bearer ${other.key}` });
    await elsewhere.until("snapshot");
    await house.database.pool.query("update api_keys set revoked_at = now() where id = $1", [other.id]);
    await elsewhere.end();
  });

  it("ends when its session expires", async () => {
    const { cookie } = await house.signIn("member");
    const stream = await openStream(house.app, "/api/live", { cookie });
    await stream.until("snapshot");
    house.clock.forward(100 * 24 * 60 * 60_000);
    await stream.end();
  });

  it("is refused without a credential, and to who already has thirty", async () => {
    expect((await openStream(house.app, "/api/live", {})).response.statusCode).toBe(401);
    const streams = await Promise.all(Array.from({ length: 30 }, () => openStream(house.app, "/api/live", bearer("admin"))));
    expect(new Set(streams.map(({ response }) => response.statusCode))).toEqual(new Set([200]));
    const more = await openStream(house.app, "/api/live", bearer("admin"));
    expect(more.response.statusCode).toBe(429);
    for (const stream of streams) stream.close();
  });

  it("ends when the house closes, and closing waits for nobody", async () => {
    const closing = await openTestHouse();
    const stream = await openStream(closing.app, "/api/live", { authorization: `Bearer ${closing.keys.viewer}` });
    await stream.until("snapshot");
    await closing.close();
    await stream.end();
  });
});
