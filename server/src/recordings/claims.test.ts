import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { Claims } from "./claims.ts";

let db: FreshDatabase;
let between: Server;
let claims: Claims;
const sockets = new Set<Socket>();
/** While it is true nothing of what is sent to the database arrives, and no connection is refused. */
let hangs = false;

beforeEach(async () => {
  db = await freshDatabase();
  const { port, hostname } = new URL(db.url);
  hangs = false;
  between = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => void (hangs || to.write(bytes)));
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((ready) => between.listen(0, "127.0.0.1", ready));
  const url = new URL(db.url);
  url.hostname = "127.0.0.1";
  url.port = String((between.address() as { port: number }).port);
  claims = new Claims(url.href, 3_000);
});
afterEach(async () => {
  await claims.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((closed) => between.close(closed));
  await db.drop();
});

it("a claim on a database that hangs is given up, and the next one goes by a connection that answers", async () => {
  const done: string[] = [];
  const work = (name: string) => async () => void done.push(name);
  expect(await claims.whileMine("first", work("first"))).toBe(true);
  hangs = true;
  await expect(claims.whileMine("second", work("second"))).rejects.toThrow("timeout");
  hangs = false;
  await vi.waitUntil(() => claims.whileMine("third", work("third")).catch(() => false), 30_000);
  expect(done).toEqual(["first", "third"]);
});
