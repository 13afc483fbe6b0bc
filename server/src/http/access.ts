import { timingSafeEqual } from "node:crypto";
import { type Permission, roleMay } from "@earshot/contract/permission";
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import type pg from "pg";
import type { Clock } from "../clock.ts";
import { loopback } from "../web-address.ts";
import { tokenIn } from "./cookie.ts";
import { type Credential, credentialOf } from "./credential.ts";
import { CredentialMissing, CrossSite, NotAllowed, SessionNeeded, TooManyRequests } from "./failures.ts";
import { type Buckets, openBuckets, type Rate } from "./rate.ts";

/**
 * What a route asks of whoever comes. Every route says one: the door does not open with one that is silent.
 * `needs`: a credential whose role has the permission; `session`: a signed-in person, of any role.
 * `open`: nothing, for the reason given; `orLink`: a shared link's token in the query stands in for the credential (the route checks it);
 * `orLoopback`: so does asking from the machine itself, as long as the server has no address outside of it.
 */
export type Access =
  | { readonly needs: Permission; readonly orLink?: true; readonly orLoopback?: true }
  | { readonly session: true }
  | { readonly open: string; readonly uncounted?: true };

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyInstance {
    /** Every route behind the guard, for the test that walks them. */
    routeTable: readonly { readonly method: RouteOptions["method"]; readonly url: string }[];
  }
  interface FastifyRequest {
    /** Null where the route is open, or was entered by link or from the machine itself. */
    credential: Credential | null;
  }
}

export interface RateLimits {
  /** For one user or key. */
  readonly credential: Rate;
  /** For one address on the routes that are open. */
  readonly open: Rate;
  /** For one address: requests that were refused a credential. */
  readonly refused: Rate;
}

/** A page of the dashboard asks five things at once and again for every change it hears; a program lists page after page. */
export const usualLimits: RateLimits = {
  credential: { perSecond: 100, burst: 500 },
  open: { perSecond: 20, burst: 100 },
  refused: { perSecond: 5, burst: 50 },
};

export interface AccessParts {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly publicUrl: string;
  readonly limits: RateLimits;
}

/** Puts the door's guard in front of every route registered from now on. */
export function guardRoutes(app: FastifyInstance, parts: AccessParts): void {
  const buckets = openBuckets(parts.clock);
  // Who publishes a server has a proxy or a tunnel in front of it, and many pass a request on as their own.
  const atHome = loopback.test(new URL(parts.publicUrl).hostname);
  const table: RouteOptions[] = [];
  app.decorate("routeTable", table);
  app.decorateRequest("credential", null);
  app.addHook("onRoute", (route) => {
    table.push(route);
  });
  // Not earlier: a scope's own hooks speak for its routes after this one.
  app.addHook("onReady", async () => table.forEach(refuseSilentRoute));
  app.addHook("onRequest", async (request) => {
    const access = request.routeOptions.config.access;
    if (request.is404) return;
    if (access === undefined) throw new CredentialMissing();
    if ("open" in access) {
      if (!access.uncounted) count(buckets, `open ${request.ip}`, parts.limits.open);
      if (isChange(request)) refuseOtherSites(request, parts.publicUrl);
      return;
    }
    if ("needs" in access && access.orLink && linkToken(request) !== undefined) {
      count(buckets, `open ${request.ip}`, parts.limits.open);
      return;
    }
    if ("needs" in access && access.orLoopback && atHome && isFromThisMachine(request)) return;
    const credential = await identify(request, parts, buckets);
    count(buckets, credential.actor, parts.limits.credential);
    if (credential.by === "session" && isChange(request)) refuseForgery(request, credential, parts.publicUrl);
    if ("session" in access) {
      if (credential.by !== "session") throw new SessionNeeded();
    } else if (!roleMay(credential.role, access.needs)) throw new NotAllowed(credential.role, access.needs);
    request.credential = credential;
  });
}

/** The credential of a route that always has one. */
export function credentialIn(request: FastifyRequest): Credential {
  if (!request.credential) throw new Error("A route that needs a credential was entered without one.");
  return request.credential;
}

function refuseSilentRoute(route: RouteOptions): void {
  if (!route.config?.access) throw new Error(`The route ${String(route.method)} ${route.url} does not say who may use it (config.access).`);
}

async function identify(request: FastifyRequest, parts: AccessParts, buckets: Buckets): Promise<Credential> {
  const name = `refused ${request.ip}`;
  const waitMs = buckets.take(name, parts.limits.refused, 0);
  if (waitMs > 0) throw new TooManyRequests(Math.ceil(waitMs / 1000));
  try {
    return await credentialOf(parts.pool, { authorization: request.headers.authorization, token: tokenIn(request.cookies) }, parts.clock);
  } catch (error) {
    if ((error as { status?: unknown }).status === 401) buckets.take(name, parts.limits.refused);
    throw error;
  }
}

function count(buckets: Buckets, name: string, rate: Rate): void {
  const waitMs = buckets.take(name, rate);
  if (waitMs > 0) throw new TooManyRequests(Math.ceil(waitMs / 1000));
}

const isChange = (request: FastifyRequest): boolean => !["GET", "HEAD", "OPTIONS"].includes(request.method);

/** A token in the query, whatever else is wrong with the query: the route's own validation follows. */
const linkToken = (request: FastifyRequest): unknown => (request.query as { token?: unknown } | null)?.token;

/** A change made by cookie carries the session's own token, which no other site can read. */
function refuseForgery(request: FastifyRequest, credential: Credential & { by: "session" }, publicUrl: string): void {
  refuseOtherSites(request, publicUrl);
  const sent = Buffer.from(String(request.headers["x-csrf-token"] ?? ""));
  const expected = Buffer.from(credential.session.csrf);
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) throw new CrossSite("token");
}

/**
 * Refuses what a browser says comes from another site. Ours is PUBLIC_URL, or whatever host the browser itself addressed: on the machine
 * the dashboard is often opened by its loopback address. Programs send neither header.
 */
function refuseOtherSites(request: FastifyRequest, publicUrl: string): void {
  const site = request.headers["sec-fetch-site"];
  if (site === "cross-site") throw new CrossSite("origin");
  const { origin } = request.headers;
  if (origin === undefined) return;
  const from = URL.parse(origin);
  const ours = from !== null && (from.origin === new URL(publicUrl).origin || from.host === request.headers.host);
  if (!ours) throw new CrossSite("origin");
}

/**
 * Did a program on this machine ask, and not a proxy or tunnel for somebody else? Those arrive from loopback too: they name the outside
 * host, or say for whom they ask. (A page that rebinds its DNS name to loopback still names its own host.)
 */
function isFromThisMachine(request: FastifyRequest): boolean {
  const peer = request.socket.remoteAddress ?? "";
  const near = peer === "::1" || /^(::ffff:)?127\./.test(peer);
  const host = URL.parse(`http://${request.headers.host ?? ""}`)?.hostname ?? "";
  const named = loopback.test(host);
  const forwarded = ["x-forwarded-for", "x-forwarded-host", "forwarded", "via", "x-real-ip"].some(
    (name) => request.headers[name] !== undefined,
  );
  return near && named && !forwarded;
}
