import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { apiKeyOf, ensureFirstApiKey, listApiKeys, revokeApiKey } from "./api-keys.ts";
import { isPassword } from "./passwords.ts";
import { openSession, sessionOf } from "./sessions.ts";
import { ensureAdmin, userToSignIn } from "./users.ts";

let database: FreshDatabase | null = null;
beforeEach(async () => {
  await database?.drop();
  database = await freshDatabase();
});
afterAll(() => database?.drop());

const pool = () => (database as FreshDatabase).pool;
const start = (admin: { email: string; password: string } | null) => inTransaction(pool(), (sql) => ensureAdmin(sql, admin));
const startWithKey = (key: string) => inTransaction(pool(), (sql) => ensureFirstApiKey(sql, key, systemClock));
const opens = async (email: string, password: string) => {
  const user = await userToSignIn(pool(), email);
  return user !== null && (await isPassword(password, user.passwordHash));
};
const people = async () =>
  (await pool().query("select email, role, disabled_at is not null as disabled from users order by created_at, id")).rows;

describe("the first administrator", () => {
  it("is made once, also by several servers starting at once", async () => {
    const ids = await Promise.all([1, 2, 3].map(() => start({ email: "desk@earshot.test", password: "one" })));
    expect(new Set(ids).size).toBe(1);
    expect(await people()).toEqual([{ email: "desk@earshot.test", role: "admin", disabled: false }]);
    expect(await opens("DESK@earshot.test", "one")).toBe(true);
  });

  it("follows the configuration: a new password ends sessions, the same one does not, a new e-mail renames", async () => {
    const id = await start({ email: "desk@earshot.test", password: "one" });
    const user = { id, email: "desk@earshot.test", role: "admin" as const };
    const { token } = await openSession(pool(), user, systemClock);
    await start({ email: "desk@earshot.test", password: "one" });
    expect(await sessionOf(pool(), token, systemClock)).not.toBeNull();
    expect(await start({ email: "front@earshot.test", password: "one" })).toBe(id);
    expect(await sessionOf(pool(), token, systemClock)).not.toBeNull();
    await start({ email: "front@earshot.test", password: "two" });
    expect(await sessionOf(pool(), token, systemClock)).toBeNull();
    expect(await opens("front@earshot.test", "one")).toBe(false);
    expect(await opens("front@earshot.test", "two")).toBe(true);
    expect(await people()).toEqual([{ email: "front@earshot.test", role: "admin", disabled: false }]);
  });

  it("named as somebody who is there already is that person; the one before it is out", async () => {
    await start({ email: "desk@earshot.test", password: "one" });
    await pool().query(
      "insert into users (id, email, password_hash, role) values (gen_random_uuid(), 'other@earshot.test', 'x', 'viewer')",
    );
    await start({ email: "Other@earshot.test", password: "two" });
    expect(await people()).toEqual([
      { email: "desk@earshot.test", role: "admin", disabled: true },
      { email: "Other@earshot.test", role: "admin", disabled: false },
    ]);
    expect(await opens("desk@earshot.test", "one")).toBe(false);
  });

  it("is an account for sign-in links where none is configured, and nobody new where there is one", async () => {
    const id = await start(null);
    expect(await people()).toEqual([{ email: "operator@earshot.local", role: "admin", disabled: false }]);
    expect(await start(null)).toBe(id);
    expect(await people()).toHaveLength(1);
  });
});

describe("the configuration's API key", () => {
  it("opens, is replaced by another, and its first characters tell little", async () => {
    await Promise.all([startWithKey("first-key-of-this-house"), startWithKey("first-key-of-this-house")]);
    expect((await apiKeyOf(pool(), "first-key-of-this-house", systemClock))?.role).toBe("admin");
    await startWithKey("another-key-of-this-house");
    expect(await apiKeyOf(pool(), "first-key-of-this-house", systemClock)).toBeNull();
    expect(await apiKeyOf(pool(), "another-key-of-this-house", systemClock)).not.toBeNull();
    const keys = await listApiKeys(pool());
    expect(keys.map(({ prefix, from_environment }) => [prefix, from_environment])).toEqual([
      ["anothe", true],
      ["first", true],
    ]);
  });

  it("revoked by hand stays revoked after a restart", async () => {
    await startWithKey("first-key-of-this-house");
    const [key] = await listApiKeys(pool());
    await revokeApiKey(pool(), key?.id as string, systemClock);
    await startWithKey("first-key-of-this-house");
    expect(await apiKeyOf(pool(), "first-key-of-this-house", systemClock)).toBeNull();
  });
});
