import { Audit } from "@earshot/contract/audit";
import { OpenSession, User } from "@earshot/contract/user";
import type { InjectOptions } from "fastify";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openStream, openTestHouse, PASSWORD, type TestHouse } from "./test-house.ts";

let house: TestHouse;
beforeAll(async () => {
  house = await openTestHouse();
});
afterAll(() => house.close());
beforeEach(() => house.clock.forward(20 * 60_000));

const DAY_MS = 24 * 60 * 60_000;
const NEW = "several words that do not belong together";
type Entry = { cookie: string; csrf: string };
const by = ({ cookie, csrf }: Entry, options: InjectOptions) => house.app.inject({ ...options, headers: { cookie, "x-csrf-token": csrf } });
const admin = (options: InjectOptions) => house.ask("admin", options);
const invite = (email: string, role = "member") => admin({ method: "POST", url: "/api/users", payload: { email, role } });
const change = (id: string, payload: object) => admin({ method: "PATCH", url: `/api/users/${id}`, payload });
const people = async (): Promise<User[]> => (await admin({ url: "/api/users" })).json().items.map((one: unknown) => User.parse(one));
const person = async (id: string) => (await people()).find((one) => one.id === id);
const tokenOf = (url: string) => new URL(url).searchParams.get("token") ?? "";
const choose = (token: string, password: string) =>
  house.app.inject({ method: "POST", url: "/api/session/password", payload: { token, password } });
const enter = (email: string, password: string) => house.app.inject({ method: "POST", url: "/api/session", payload: { email, password } });
const entry = (answer: Awaited<ReturnType<typeof enter>>): Entry => ({
  cookie: String(answer.headers["set-cookie"]).split(";")[0] ?? "",
  csrf: answer.json().csrf,
});
const actions = async () =>
  (await house.database.pool.query<{ action: string }>("select action from audits order by at, id")).rows.map(({ action }) => action);

describe("somebody invited", () => {
  it("chooses a password by a link that works once, is signed in, and is what the invitation said", async () => {
    const invited = await invite("New.Person@earshot.test", "viewer");
    expect(invited.statusCode).toBe(201);
    const { id, link, state, role } = invited.json();
    expect([state, role]).toEqual(["invited", "viewer"]);
    expect(link.url).toMatch(/^http:\/\/earshot\.test\/welcome\?token=[\w-]{43}$/);
    expect((await enter("new.person@earshot.test", NEW)).statusCode).toBe(401);
    const token = tokenOf(link.url);
    const chosen = await choose(token, NEW);
    expect(chosen.statusCode).toBe(200);
    expect(chosen.json().user).toMatchObject({ id, role: "viewer" });
    expect(await person(id)).toMatchObject({ state: "active", sessions: 1, link_expires_at: null });
    const again = await choose(token, `${NEW} again`);
    expect([again.statusCode, again.json().code]).toEqual([403, "PASSWORD_LINK_REFUSED"]);
    expect((await enter("NEW.person@earshot.test", NEW)).statusCode).toBe(200);
    expect((await actions()).slice(-5)).toEqual(["user.invited", "session.refused", "password.chosen", "session.opened", "session.opened"]);
  });

  it("is refused where the e-mail has an account already, whatever its letters' case", async () => {
    const answer = await invite("MEMBER@earshot.test");
    expect([answer.statusCode, answer.json().code, answer.json().errors[0].field]).toEqual([409, "EMAIL_TAKEN", "email"]);
  });

  it("may think it over for a week; then the link has ended, and a new one ends the one before", async () => {
    const { id, link } = (await invite("slow@earshot.test")).json();
    house.clock.forward(7 * DAY_MS + 1);
    expect((await choose(tokenOf(link.url), NEW)).statusCode).toBe(403);
    const first = (await admin({ method: "POST", url: `/api/users/${id}/password-link` })).json();
    const second = (await admin({ method: "POST", url: `/api/users/${id}/password-link` })).json();
    expect((await choose(tokenOf(first.url), NEW)).statusCode).toBe(403);
    expect((await choose(tokenOf(second.url), NEW)).statusCode).toBe(200);
  });

  it.each([
    ["short", "too short", 400, "password"],
    ["its own e-mail", "plain@earshot.test", 422, "password"],
    ["one letter again and again", "aaaaaaaaaaaaaaaa", 422, "password"],
  ])("with a password that is %s is told so, and keeps the link", async (_what, password, status, field) => {
    const email = `plain${status}${password.length}@earshot.test`;
    const { link } = (await invite(password.includes("@") ? password : email)).json();
    const answer = await choose(tokenOf(link.url), password);
    expect([answer.statusCode, answer.json().errors[0].field]).toEqual([status, field]);
    expect((await choose(tokenOf(link.url), NEW)).statusCode).toBe(200);
  });
});

describe("an account that is changed", () => {
  it("loses everything that is open when it is disabled, and comes back when it is enabled", async () => {
    const signedIn = await house.signIn("viewer");
    const stream = await openStream(house.app, "/api/live", { cookie: signedIn.cookie });
    await stream.until("snapshot");
    expect((await change(house.users.viewer, { disabled: true })).json()).toMatchObject({ state: "disabled", sessions: 0 });
    await stream.end();
    expect((await by(signedIn, { url: "/api/session" })).statusCode).toBe(401);
    expect((await enter("viewer@earshot.test", PASSWORD)).statusCode).toBe(401);
    const link = await admin({ method: "POST", url: `/api/users/${house.users.viewer}/password-link` });
    expect([link.statusCode, link.json().code]).toEqual([409, "ACCOUNT_DISABLED"]);
    expect((await change(house.users.viewer, { disabled: false })).json()).toMatchObject({ state: "active" });
    expect((await enter("viewer@earshot.test", PASSWORD)).statusCode).toBe(200);
  });

  it("has its new role at once, in the session that is open", async () => {
    const signedIn = await house.signIn("member");
    expect((await by(signedIn, { url: "/api/keys" })).statusCode).toBe(403);
    await change(house.users.member, { role: "admin" });
    expect((await by(signedIn, { url: "/api/keys" })).statusCode).toBe(200);
    await change(house.users.member, { role: "member" });
    expect((await by(signedIn, { url: "/api/keys" })).statusCode).toBe(403);
  });

  it("is never the last administrator, also when two are taken away at once", async () => {
    for (const payload of [{ role: "member" }, { disabled: true }]) {
      const answer = await change(house.users.admin, payload);
      expect([answer.statusCode, answer.json().code]).toEqual([409, "LAST_ADMIN"]);
      expect(answer.json().errors[0].field).toBe(Object.keys(payload)[0]);
    }
    // An administrator who was invited and has not come yet is none.
    await invite("later@earshot.test", "admin");
    expect((await change(house.users.admin, { role: "viewer" })).statusCode).toBe(409);
    await change(house.users.member, { role: "admin" });
    const both = await Promise.all([change(house.users.admin, { role: "viewer" }), change(house.users.member, { role: "viewer" })]);
    expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    await house.database.pool.query("update users set role = 'admin' where id = $1", [house.users.admin]);
    await house.database.pool.query("update users set role = 'member' where id = $1", [house.users.member]);
  });

  it("of the configuration follows the configuration", async () => {
    await house.database.pool.query("update users set from_environment = true where id = $1", [house.users.viewer]);
    for (const answer of [
      await change(house.users.viewer, { role: "admin" }),
      await change(house.users.viewer, { disabled: true }),
      await admin({ method: "POST", url: `/api/users/${house.users.viewer}/password-link` }),
    ])
      expect([answer.statusCode, answer.json().code]).toEqual([409, "FOLLOWS_CONFIGURATION"]);
    await house.database.pool.query("update users set from_environment = false where id = $1", [house.users.viewer]);
  });

  it("with a forgotten password gets a link for a day, and what was open with the old one ends", async () => {
    const before = await house.signIn("member");
    const { url } = (await admin({ method: "POST", url: `/api/users/${house.users.member}/password-link` })).json();
    expect((await by(before, { url: "/api/session" })).statusCode).toBe(200);
    expect((await choose(tokenOf(url), NEW)).statusCode).toBe(200);
    expect((await by(before, { url: "/api/session" })).statusCode).toBe(401);
    expect((await enter("member@earshot.test", PASSWORD)).statusCode).toBe(401);
    const late = (await admin({ method: "POST", url: `/api/users/${house.users.member}/password-link` })).json();
    house.clock.forward(DAY_MS + 1);
    expect((await choose(tokenOf(late.url), PASSWORD)).statusCode).toBe(403);
  });

  it.each([
    ["PATCH", "", { role: "viewer" }],
    ["POST", "/password-link", undefined],
    ["DELETE", "/sessions", undefined],
  ] as const)("that does not exist is not found (%s %s)", async (method, path, payload) => {
    const url = `/api/users/019a0000-0000-7000-8000-000000000000${path}`;
    const answer = await admin({ method, url, ...(payload && { payload }) });
    expect([answer.statusCode, answer.json().code]).toEqual([404, "USER_NOT_FOUND"]);
  });

  it("is an administrator's to change, and nothing at all is no change", async () => {
    expect((await house.ask("member", { url: "/api/users" })).statusCode).toBe(403);
    expect((await house.ask("member", { method: "POST", url: "/api/users", payload: { email: "a@b.test" } })).statusCode).toBe(403);
    expect((await change(house.users.member, {})).statusCode).toBe(400);
  });
});

describe("one's own", () => {
  const own = (signedIn: Entry, current: string, password: string) =>
    by(signedIn, { method: "PUT", url: "/api/session/password", payload: { current, password } });

  it("password is changed with the one before; the other places are signed out, this one stays", async () => {
    await house.database.pool.query("update users set password_hash = (select password_hash from users where id = $2) where id = $1", [
      house.users.member,
      house.users.admin,
    ]);
    const [here, there] = [await house.signIn("member"), await house.signIn("member")];
    const wrong = await own(here, "not this one", NEW);
    expect([wrong.statusCode, wrong.json().errors[0].field]).toEqual([422, "current"]);
    expect((await by(here, { url: "/api/session" })).statusCode).toBe(200);
    expect((await own(here, PASSWORD, NEW)).statusCode).toBe(204);
    expect((await by(here, { url: "/api/session" })).statusCode).toBe(200);
    expect((await by(there, { url: "/api/session" })).statusCode).toBe(401);
    expect((await enter("member@earshot.test", NEW)).statusCode).toBe(200);
    expect(await actions()).toContain("password.changed");
  });

  it("current password cannot be guessed by whoever found an open session", async () => {
    const found = entry(await enter("member@earshot.test", NEW));
    for (let i = 0; i < 5; i++) expect((await own(found, `guess ${i}`, NEW)).statusCode).toBe(422);
    expect((await own(found, NEW, `${NEW} too`)).statusCode).toBe(429);
  });

  it("sessions are listed with where they are, and ended one by one", async () => {
    const [here, there] = [await house.signIn("admin"), await house.signIn("admin")];
    const sessions: OpenSession[] = (await by(here, { url: "/api/sessions" })).json().items.map((one: unknown) => OpenSession.parse(one));
    expect(sessions.filter(({ here }) => here)).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ address: "127.0.0.1", program: "lightMyRequest" });
    // Of the two opened just now the other one is that of `there`.
    const other = sessions.filter(({ here }) => !here).at(0);
    expect((await by(here, { method: "DELETE", url: `/api/sessions/${other?.id}` })).statusCode).toBe(204);
    expect((await by(there, { url: "/api/session" })).statusCode).toBe(401);
    expect((await by(here, { method: "DELETE", url: `/api/sessions/${other?.id}` })).json().code).toBe("SESSION_NOT_FOUND");
    const viewer = await house.signIn("viewer");
    const [own] = (await by(viewer, { url: "/api/sessions" })).json().items;
    expect((await by(here, { method: "DELETE", url: `/api/sessions/${own.id}` })).statusCode).toBe(404);
    expect((await admin({ method: "DELETE", url: `/api/users/${house.users.viewer}/sessions` })).statusCode).toBe(204);
    expect((await by(viewer, { url: "/api/session" })).statusCode).toBe(401);
  });
});

describe("the audits", () => {
  const audits = async (query = "") => {
    const answer = await admin({ url: `/api/audits${query}` });
    expect(answer.statusCode).toBe(200);
    const { items, next } = answer.json();
    return { items: items.map((one: unknown) => Audit.parse(one)) as Audit[], next: next as string | null };
  };

  it("say who did what, the latest first, page by page, each once", async () => {
    const seen: Audit[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page = await audits(`?limit=7${next === "" ? "" : `&cursor=${next}`}`);
      seen.push(...page.items);
      next = page.next;
    }
    const { rows } = await house.database.pool.query<{ id: string }>("select id from audits order by at desc, id desc");
    expect(seen.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect(seen.find(({ action }) => action === "user.invited")?.who).toBe("a admin's");
    expect(seen.find(({ action }) => action === "password.changed")?.who).toBe("member@earshot.test");
  });

  it("are narrowed by what it was about and by whom", async () => {
    const about = await audits("?about=user");
    expect(new Set(about.items.map(({ action }) => action.split(".")[0]))).toEqual(new Set(["user"]));
    expect((await audits("?about=user.invited")).items.every(({ action }) => action === "user.invited")).toBe(true);
    const mine = await audits(`?by=user:${house.users.member}`);
    expect(mine.items.length).toBeGreaterThan(0);
    expect(mine.items.every(({ actor }) => actor === `user:${house.users.member}`)).toBe(true);
    expect((await audits(`?from=${house.clock.now().toISOString()}`)).items).toEqual([]);
  });

  it("hold no e-mail, password or token, and are an administrator's", async () => {
    const { rows } = await house.database.pool.query("select detail from audits");
    expect(JSON.stringify(rows)).not.toMatch(/@|token|password"/);
    expect((await house.ask("member", { url: "/api/audits" })).statusCode).toBe(403);
    expect((await admin({ url: "/api/audits?by=nobody" })).json().errors[0].field).toBe("by");
  });
});
