/** The bridge as the server runs it: audio door with tokens, EVI adapter, journal, transcript into a real Postgres. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { receptionist } from "../../server/src/agents/first.ts";
import { createAgent } from "../../server/src/agents/store.ts";
import { createBridges } from "../../server/src/bridge/bridges.ts";
import { makeSocketToken } from "../../server/src/calls/socket-token.ts";
import { acceptAudio } from "../../server/src/carrier/vonage/audio-socket.ts";
import { systemClock } from "../../server/src/clock.ts";
import { inTransaction, openPool } from "../../server/src/db/pool.ts";
import { createEviEngine } from "../../server/src/engine/evi/evi.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import type { FromServer, ToServer } from "./protocol.ts";
import { usage } from "./usage.ts";

const [engineUrl = "", databaseUrl = ""] = process.argv.slice(2);
const send = (message: FromServer): void => void process.send?.(message);
const pool = openPool(databaseUrl, 10);
const log = {
  info: (): void => {},
  warn: (detail: object, text: string): void => console.error(text, detail),
  error: (detail: object, text: string): void => console.error(text, detail),
};
const journalDir = mkdtempSync(join(tmpdir(), "earshot-bench-"));
const bridges = createBridges({
  pool,
  engines: { evi: createEviEngine({ url: engineUrl, apiKey: "bench", configId: null, clock: systemClock }) },
  journalDir,
  clock: systemClock,
  log,
  owner: "bench",
  onAgentHangUp: () => {},
  onEngineLost: (call, detail) => console.error("engine lost", call, detail),
});
const http = createServer();
acceptAudio(http, { pool, bridges, owner: "bench", keys: null, clock: systemClock, log });
await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
const origin = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
const agent = await inTransaction(pool, (sql) => createAgent(sql, { ...receptionist, greeting: null }, false));
const greeter = await inTransaction(pool, (sql) => createAgent(sql, { ...receptionist, name: "Greeter", greeting: "Hello." }, false));
let calls: CallId[] = [];

async function newCalls(count: number, greets: boolean): Promise<{ urls: string[]; ids: CallId[] }> {
  const urls: string[] = [];
  const ids: CallId[] = [];
  for (let i = 0; i < count; i++) {
    const call = newId<CallId>();
    calls.push(call);
    ids.push(call);
    await pool.query(
      `insert into calls (id, direction, status, agent_id, agent_version, answered_at, deadline_at)
       values ($1, 'outbound', 'in_progress', $2, 1, now(), now() + interval '1 hour')`,
      [call, (greets ? greeter : agent).id],
    );
    bridges.prepare(call);
    urls.push(`${origin}/media/vonage/${await makeSocketToken(pool, call)}`);
  }
  return { urls, ids };
}

send({ tell: "listening", origin });
process.on("message", (message: ToServer) => {
  switch (message.ask) {
    case "calls":
      void newCalls(message.count, message.greets === true).then((made) => send({ tell: "calls", ...made }));
      return;
    case "usage":
      send(usage(message.collect, [http, pool]));
      return;
    case "end calls":
      void Promise.all(calls.map((call) => bridges.end(call))).then(() => {
        if (message.forget) for (const call of calls) rmSync(join(journalDir, `${call}.journal`), { force: true });
        calls = [];
        send({ tell: "calls ended" });
      });
      return;
    case "stop":
      void bridges.close().then(() => {
        rmSync(journalDir, { recursive: true, force: true });
        process.exit(0);
      });
  }
});
