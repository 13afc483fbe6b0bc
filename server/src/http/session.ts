import { Session, type Session as SessionJson, SignIn, SignInByLink, SignOut } from "@earshot/contract/session";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { recordAudit } from "../people/audits.ts";
import { sha256 } from "../people/secrets.ts";
import { closeSession, closeSessionsOf, type Session as OpenSession, openSession } from "../people/sessions.ts";
import { openSignIn } from "../people/sign-in.ts";
import { redeemSignInLink } from "../people/sign-in-links.ts";
import type { User } from "../people/users.ts";
import { credentialIn } from "./access.ts";
import { dropToken, keepToken, tokenIn } from "./cookie.ts";
import type { Door, DoorParts } from "./door.ts";
import { SessionNeeded } from "./failures.ts";
import type { LiveFeed } from "./live-feed.ts";
import { passwordRoutes } from "./passwords.ts";

/** Signing in and out. */
export function sessionRoutes(door: Door, parts: DoorParts, feed: LiveFeed): void {
  const { pool, clock } = parts;
  const signIn = openSignIn(parts);
  const asJson = ({ user, csrf }: OpenSession): SessionJson => ({ user, csrf, emulated: parts.emulatedNumbers !== null });
  const isSecure = (request: FastifyRequest) => request.protocol === "https" || addressedAs(request, parts.publicUrl);

  const enter = async (request: FastifyRequest, reply: FastifyReply, user: User): Promise<SessionJson> => {
    const before = tokenIn(request.cookies);
    if (before !== null) await closeSession(pool, sha256(before));
    const program = request.headers["user-agent"]?.replaceAll(/[^\x20-\x7e]/g, "") ?? null;
    const { token, session } = await openSession(pool, user, clock, { address: request.ip, program });
    await recordAudit(pool, { at: clock.now(), actor: `user:${user.id}`, action: "session.opened", detail: { address: request.ip } });
    reply.header("set-cookie", keepToken(token, session.expiresAt, isSecure(request)));
    return asJson(session);
  };

  door.post(
    "/api/session",
    {
      config: { access: { open: "signing in" } },
      schema: { summary: "Sign in", tags: ["session"], body: SignIn, response: { 200: Session } },
    },
    async (request, reply) => enter(request, reply, await signIn({ ...request.body, address: request.ip })),
  );

  door.post(
    "/api/session/link",
    {
      config: { access: { open: "signing in by a one-time link" } },
      schema: { summary: "Sign in by a one-time link", tags: ["session"], body: SignInByLink, response: { 200: Session } },
    },
    async (request, reply) => enter(request, reply, await redeemSignInLink(pool, request.body.token, clock)),
  );

  door.get(
    "/api/session",
    { config: { access: { session: true } }, schema: { summary: "Who is signed in", tags: ["session"], response: { 200: Session } } },
    async (request, reply) => {
      const session = sessionIn(request);
      const token = tokenIn(request.cookies);
      // The row's end moves on with use; the cookie follows here, where every page of the dashboard begins.
      if (token !== null) reply.header("set-cookie", keepToken(token, session.expiresAt, isSecure(request)));
      return asJson(session);
    },
  );

  door.delete(
    "/api/session",
    {
      config: { access: { session: true } },
      schema: {
        summary: "Sign out, here or everywhere",
        tags: ["session"],
        querystring: SignOut,
        response: { 204: z.null().describe("Signed out.") },
      },
    },
    async (request, reply) => {
      const session = sessionIn(request);
      const everywhere = request.query.everywhere === "1";
      if (everywhere) await closeSessionsOf(pool, session.user.id);
      else await closeSession(pool, session.hash);
      feed.endIf(({ by, ...credential }) =>
        by === "session" && "session" in credential
          ? everywhere
            ? credential.session.user.id === session.user.id
            : credential.session.hash.equals(session.hash)
          : false,
      );
      await recordAudit(pool, { at: clock.now(), actor: `user:${session.user.id}`, action: "session.closed", detail: { everywhere } });
      return reply.header("set-cookie", dropToken()).code(204).send(null);
    },
  );

  passwordRoutes(door, parts, feed, { signIn, enter, sessionIn });
}

function sessionIn(request: FastifyRequest): OpenSession {
  const credential = credentialIn(request);
  if (credential.by !== "session") throw new SessionNeeded();
  return credential.session;
}

/** Did the browser address PUBLIC_URL, and is that https? A proxy that ends TLS may not say so. */
const addressedAs = (request: FastifyRequest, publicUrl: string): boolean => {
  const { protocol, host } = new URL(publicUrl);
  return protocol === "https:" && request.headers.host === host;
};
