import { page } from "@earshot/contract/call";
import { ChangeUser, InvitedUser, InviteUser, PasswordLink, User } from "@earshot/contract/user";
import { z } from "zod";
import { inTransaction, type Sql } from "../db/pool.ts";
import { changeAccount, getAccount, inviteAccount, listAccounts } from "../people/accounts.ts";
import { type Actor, type Audit, recordAudit } from "../people/audits.ts";
import { makePasswordLink } from "../people/password-links.ts";
import { closeSessionsOf } from "../people/sessions.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import type { LiveFeed } from "./live-feed.ts";
import { ById } from "./parameters.ts";

/** The people of an installation: inviting, changing, locking out. Links are handed over by the administrator; nothing is mailed. */
export function userRoutes(door: Door, { pool, clock, publicUrl }: DoorParts, feed: LiveFeed): void {
  const access = { needs: "users.manage" } as const;
  const tags = ["people"];
  const audited = (sql: Sql, actor: Actor, action: Audit["action"], detail: NonNullable<Audit["detail"]>) =>
    recordAudit(sql, { at: clock.now(), actor, action, detail });
  const linkFor = async (sql: Sql, id: string): Promise<PasswordLink> => {
    const { path, expiresAt } = await makePasswordLink(sql, id, clock);
    return { url: `${publicUrl.replace(/\/$/, "")}${path}`, expires_at: expiresAt.toISOString() };
  };
  const endStreamsOf = (user: string) =>
    feed.endIf((credential) => credential.by === "session" && "session" in credential && credential.session.user.id === user);

  door.get("/api/users", { config: { access }, schema: { summary: "List people", tags, response: { 200: page(User) } } }, async () => ({
    items: await listAccounts(pool, clock),
    next: null,
  }));

  door.post(
    "/api/users",
    {
      config: { access },
      schema: {
        summary: "Invite somebody, by a one-time link to choose a password",
        tags,
        body: InviteUser,
        response: { 201: InvitedUser.describe("The only time the link is shown.") },
      },
    },
    async (request, reply) => {
      const { actor } = credentialIn(request);
      const invited = await inTransaction(pool, async (sql) => {
        const id = await inviteAccount(sql, request.body, clock);
        const link = await linkFor(sql, id);
        await audited(sql, actor, "user.invited", { user: id, role: request.body.role });
        return { ...(await getAccount(sql, id, clock)), link };
      });
      return reply.code(201).send(invited);
    },
  );

  door.patch(
    "/api/users/:id",
    {
      config: { access },
      schema: { summary: "Change a role, or disable and enable an account", tags, params: ById, body: ChangeUser, response: { 200: User } },
    },
    async (request) => {
      const { id } = request.params;
      const { actor } = credentialIn(request);
      const { role, disabled } = request.body;
      const changed = await inTransaction(pool, async (sql) => {
        const before = await getAccount(sql, id, clock);
        await changeAccount(sql, id, { ...(role && { role }), ...(disabled !== undefined && { disabled }) }, clock);
        const after = await getAccount(sql, id, clock);
        if (after.role !== before.role) await audited(sql, actor, "user.role_set", { user: id, from: before.role, to: after.role });
        const [was, is] = [before.state === "disabled", after.state === "disabled"];
        if (was !== is) await audited(sql, actor, is ? "user.disabled" : "user.enabled", { user: id });
        return after;
      });
      // A stream told its permissions when it began: what has changed since is asked for anew.
      endStreamsOf(id);
      return changed;
    },
  );

  door.post(
    "/api/users/:id/password-link",
    {
      config: { access },
      schema: {
        summary: "A one-time link to choose a new password; the one before ends",
        tags,
        params: ById,
        body: z.strictObject({}).nullish(),
        response: { 201: PasswordLink.describe("The only time it is shown.") },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const link = await inTransaction(pool, async (sql) => {
        const made = await linkFor(sql, id);
        await audited(sql, credentialIn(request).actor, "user.link_made", { user: id });
        return made;
      });
      return reply.code(201).send(link);
    },
  );

  door.delete(
    "/api/users/:id/sessions",
    {
      config: { access },
      schema: { summary: "Sign somebody out everywhere", tags, params: ById, response: { 204: z.null().describe("Signed out.") } },
    },
    async (request, reply) => {
      const { id } = request.params;
      await inTransaction(pool, async (sql) => {
        await getAccount(sql, id, clock);
        await closeSessionsOf(sql, id);
        await audited(sql, credentialIn(request).actor, "user.signed_out", { user: id });
      });
      endStreamsOf(id);
      return reply.code(204).send(null);
    },
  );
}
