import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { TellingKind } from "@earshot/contract/listener";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { recordEvent } from "../calls/events.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { newId } from "../ids.ts";
import { signatureHolds } from "../outgoing/sign.ts";
import { type Outgoing, startOutgoing } from "../outgoing/work.ts";
import { openTestHouse, seedCall, type TestHouse } from "./test-house.ts";

let house: TestHouse;
let outgoing: Outgoing;
let listener: Server;
let url: string;
const heard: { headers: IncomingMessage["headers"]; body: string }[] = [];

beforeAll(async () => {
  listener = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      heard.push({ headers: request.headers, body });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook`;
  house = await openTestHouse((pool, _clock, log) => {
    outgoing = startOutgoing({ pool, clock: systemClock, log, publicUrl: "http://earshot.test", local: true, pollMs: 3_600_000 });
    return { tellings: { local: true, wake: () => outgoing.wake() } };
  });
});
afterAll(async () => {
  await outgoing.close();
  await house.close();
  listener.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
});

const as = (role: "admin" | "member", method: "GET" | "POST" | "PATCH" | "DELETE", path: string, payload?: object) =>
  house.ask(role, { method, url: path, ...(payload === undefined ? {} : { payload }) });
const ends = async () => {
  const call = await seedCall(house);
  await inTransaction(house.database.pool, (sql) =>
    recordEvent(sql, { call, at: house.clock.now(), kind: "call.ended", actor: "carrier", said: "The call ended." }),
  );
  return call;
};

describe("another system", () => {
  it("is told what happens, signed with the secret it was shown once; and told again by hand under the same id", async () => {
    const made = await as("admin", "POST", "/api/listeners", { url, kinds: ["call.ended"], said: "The ledger." });
    expect(made.statusCode, made.body).toBe(201);
    const { id, secret } = made.json();
    const call = await ends();
    await outgoing.tellDue();
    expect(heard).toHaveLength(1);
    expect(heard[0]?.body).toContain(call);
    expect(signatureHolds(secret, String(heard[0]?.headers["earshot-signature"]), heard[0]?.body ?? "", new Date())).toBe(true);

    const listed = await as("admin", "GET", "/api/listeners");
    expect(listed.json().items).toMatchObject([{ id, said: "The ledger.", told: 1, waiting: 0, dead: 0, paused_at: null }]);
    expect(listed.body).not.toContain(secret);
    const [telling] = (await as("admin", "GET", `/api/listeners/${id}/tellings`)).json().items;
    expect(telling).toMatchObject({ kind: "call.ended", call_id: call, status: "told", answer: 200 });

    const again = () => as("admin", "POST", `/api/tellings/${telling.id}/again`);
    expect((await again()).statusCode).toBe(202);
    await vi.waitFor(() => expect(heard).toHaveLength(2), 20_000);
    // Pressed twice.
    expect((await again()).statusCode).toBe(202);
    await outgoing.tellDue();
    expect(heard).toHaveLength(2);
    expect(heard[1]?.headers["earshot-telling"]).toBe(heard[0]?.headers["earshot-telling"]);
    const { rows } = await house.database.pool.query(
      "select action, detail from audits where action like 'listener.%' or action like 'telling.%'",
    );
    expect(rows.map(({ action }) => action)).toEqual(["listener.made", "telling.repeated"]);
    expect(JSON.stringify(rows)).not.toContain("whs_");
  });

  it("that is paused hears nothing and misses nothing; that is removed hears nothing more", async () => {
    const { id } = (await as("admin", "GET", "/api/listeners")).json().items[0];
    heard.length = 0;
    expect((await as("admin", "PATCH", `/api/listeners/${id}`, { paused: true })).json().paused_at).not.toBeNull();
    await ends();
    await outgoing.tellDue();
    expect(heard).toHaveLength(0);
    await as("admin", "PATCH", `/api/listeners/${id}`, { paused: false });
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    expect((await as("admin", "DELETE", `/api/listeners/${id}`)).json()).toEqual({ removed: true });
    await ends();
    await outgoing.tellDue();
    expect(heard).toHaveLength(1);
    expect((await as("admin", "GET", "/api/listeners")).json().items).toEqual([]);
  });

  it("may ask to be told of everything there is, as the dashboard proposes", async () => {
    const kinds = TellingKind.options;
    const made = await as("admin", "POST", "/api/listeners", { url, kinds });
    expect(made.statusCode, made.body).toBe(201);
    expect(made.json().kinds).toEqual(kinds);
    expect((await as("admin", "DELETE", `/api/listeners/${made.json().id}`)).statusCode).toBe(200);
  });

  it("is an administrator's matter, with an address the world may know", async () => {
    for (const role of ["member", "viewer"] as const) {
      expect((await house.ask(role, { url: "/api/listeners" })).statusCode).toBe(403);
    }
    for (const bad of ["http://example.com/hook", "https://10.0.0.1/hook", "https://user:pass@example.com/", "nonsense"]) {
      const refused = await as("admin", "POST", "/api/listeners", { url: bad, kinds: ["call.ended"] });
      expect(refused.json(), bad).toMatchObject({ code: "LISTENER_URL_REFUSED", errors: [{ field: "url" }] });
    }
    expect((await as("admin", "POST", "/api/listeners", { url, kinds: ["call.invented"] })).statusCode).toBe(400);
    for (const [method, path] of [
      ["PATCH", `/api/listeners/${newId()}`],
      ["DELETE", `/api/listeners/${newId()}`],
      ["GET", `/api/listeners/${newId()}/tellings`],
      ["POST", `/api/tellings/${newId()}/again`],
    ] as const) {
      expect((await as("admin", method, path, method === "PATCH" ? { paused: true } : undefined)).statusCode, path).toBe(404);
    }
  });
});
