import { page } from "@earshot/contract/call";
import { Session } from "@earshot/contract/session";
import { ChangePassword, ChoosePassword, OpenSession } from "@earshot/contract/user";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { inTransaction } from "../db/pool.ts";
import { getAccount, setPassword } from "../people/accounts.ts";
import { recordAudit } from "../people/audits.ts";
import { CurrentPasswordWrong, FollowsConfiguration, SignInRefused } from "../people/failures.ts";
import { redeemPasswordLink, refusePlain } from "../people/password-links.ts";
import { hashPassword } from "../people/passwords.ts";
import { closeOtherSessions, closeSessionById, type Session as OpenedSession, sessionsOf } from "../people/sessions.ts";
import type { SignIn } from "../people/sign-in.ts";
import type { User } from "../people/users.ts";
import type { Door, DoorParts } from "./door.ts";
import type { LiveFeed } from "./live-feed.ts";

interface Entering {
  readonly signIn: SignIn;
  /** Opens a session for whoever has shown who they are. */
  enter(request: FastifyRequest, reply: FastifyReply, user: User): Promise<Session>;
  sessionIn(request: FastifyRequest): OpenedSession;
}

/** One's own password and sessions. */
export function passwordRoutes(door: Door, { pool, clock }: DoorParts, feed: LiveFeed, { signIn, enter, sessionIn }: Entering): void {
  const tags = ["session"];

  door.post(
    "/api/session/password",
    {
      config: { access: { open: "choosing a password by a one-time link" } },
      schema: { summary: "Choose a password by a one-time link, and be signed in", tags, body: ChoosePassword, response: { 200: Session } },
    },
    async (request, reply) => {
      const { token, password } = request.body;
      const user = await inTransaction(pool, async (sql) => {
        const redeemed = await redeemPasswordLink(sql, token, password, clock);
        await recordAudit(sql, {
          at: clock.now(),
          actor: `user:${redeemed.id}`,
          action: "password.chosen",
          detail: { address: request.ip },
        });
        return redeemed;
      });
      feed.endIf((credential) => credential.by === "session" && "session" in credential && credential.session.user.id === user.id);
      return enter(request, reply, user);
    },
  );

  door.put(
    "/api/session/password",
    {
      config: { access: { session: true } },
      schema: {
        summary: "Change one's own password; everywhere else one is signed out",
        tags,
        body: ChangePassword,
        response: { 204: z.null().describe("Changed.") },
      },
    },
    async (request, reply) => {
      const { user, hash: here } = sessionIn(request);
      const { current, password } = request.body;
      if ((await getAccount(pool, user.id, clock)).from_environment) throw new FollowsConfiguration("password");
      // As at the door: counted, throttled, and written down when it is wrong.
      await signIn({ email: user.email, password: current, address: request.ip }).catch((error: unknown) => {
        throw error instanceof SignInRefused ? new CurrentPasswordWrong() : error;
      });
      refusePlain(password, user.email);
      const hash = await hashPassword(password);
      await inTransaction(pool, async (sql) => {
        await setPassword(sql, user.id, hash);
        await closeOtherSessions(sql, user.id, here);
        await recordAudit(sql, { at: clock.now(), actor: `user:${user.id}`, action: "password.changed", detail: { address: request.ip } });
      });
      feed.endIf(
        (credential) =>
          credential.by === "session" &&
          "session" in credential &&
          credential.session.user.id === user.id &&
          !credential.session.hash.equals(here),
      );
      return reply.code(204).send(null);
    },
  );

  door.get(
    "/api/sessions",
    {
      config: { access: { session: true } },
      schema: { summary: "Where one is signed in", tags, response: { 200: page(OpenSession) } },
    },
    async (request) => {
      const { user, hash } = sessionIn(request);
      return { items: await sessionsOf(pool, user.id, hash, clock), next: null };
    },
  );

  door.delete(
    "/api/sessions/:session",
    {
      config: { access: { session: true } },
      schema: {
        summary: "Sign out at one place",
        tags,
        params: z.object({ session: z.string().regex(/^[0-9a-f]{24}$/) }),
        response: { 204: z.null().describe("Signed out there.") },
      },
    },
    async (request, reply) => {
      const { user } = sessionIn(request);
      const closed = await closeSessionById(pool, user.id, request.params.session);
      feed.endIf((credential) => credential.by === "session" && "session" in credential && credential.session.hash.equals(closed));
      await recordAudit(pool, { at: clock.now(), actor: `user:${user.id}`, action: "session.closed", detail: { everywhere: false } });
      return reply.code(204).send(null);
    },
  );
}
