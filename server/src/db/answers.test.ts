import { connect, createServer, type Server, type Socket } from "node:net";
import type pg from "pg";
import { afterEach, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { untilAnswers } from "./answers.ts";
import { openPool } from "./pool.ts";

const open: { end(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.end();
});

/** A door before a real database that turns the first `times` visitors away, as one does that is being restarted. */
async function door(
  database: FreshDatabase,
  times: number,
  refuse: (socket: Socket) => void,
): Promise<{ pool: pg.Pool; turned(): number }> {
  const { hostname, port } = new URL(database.url);
  let turned = 0;
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    if (turned < times) {
      turned++;
      return refuse(socket);
    }
    const behind = connect(Number(port), hostname);
    behind.on("error", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const url = new URL(database.url);
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const pool = openPool(url.href, 1);
  open.push({ end: () => new Promise((settle) => server.close(() => settle())) }, pool);
  return { pool, turned: () => turned };
}
/** ErrorResponse of the wire protocol: `57P03 the database system is starting up`. */
const starting = (socket: Socket): void =>
  void socket.once("data", () => {
    const fields = Buffer.from("SFATAL\0C57P03\0Mthe database system is starting up\0\0");
    const head = Buffer.from("E....");
    head.writeInt32BE(fields.length + 4, 1);
    socket.end(Buffer.concat([head, fields]));
  });

test.each([
  ["breaks connections off", (socket: Socket) => void socket.destroy()],
  ["says that it is starting up", starting],
])("a database that %s is waited for, with one word to the operator", async (_, refuse) => {
  const database = await freshDatabase();
  open.push({ end: () => database.drop() });
  const { pool, turned } = await door(database, 3, refuse);
  const said: string[] = [];
  await untilAnswers(pool, { warn: (text) => said.push(text) });
  expect(turned()).toBe(3);
  expect(said).toEqual([expect.stringMatching(/^the database at 127\.0\.0\.1:\d+\/\S+ does not answer yet \(.+\); waiting for it$/)]);
});

test("a database that does not come is given up, and one that does not exist is not waited for", async () => {
  const database = await freshDatabase();
  open.push({ end: () => database.drop() });
  const { pool } = await door(database, Number.POSITIVE_INFINITY, (socket) => void socket.destroy());
  await expect(untilAnswers(pool, { warn() {} }, { silentMs: 1, startingMs: 1 })).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
  const nowhere = openPool(`${database.url}_of_nobody`, 1);
  open.push(nowhere);
  const said: string[] = [];
  await expect(untilAnswers(nowhere, { warn: (text) => said.push(text) })).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
  expect(said).toEqual([]);
});
