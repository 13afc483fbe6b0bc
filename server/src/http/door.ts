import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Agent, AgentNote } from "@earshot/contract/agent";
import type { PlaceCall } from "@earshot/contract/call";
import type { EmulatedNumber } from "@earshot/contract/session";
import cookie from "@fastify/cookie";
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginCallback,
  type FastifyReply,
  LogController,
  type RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type pg from "pg";
import type { EngineSide } from "../agents/examine.ts";
import type { PlacedBy } from "../calls/place.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/port.ts";
import { type CallId, newId } from "../ids.ts";
import type { Actor } from "../people/audits.ts";
import type { WavSound } from "../recordings/as-wav.ts";
import type { AudioFormat } from "../recordings/audio/sound.ts";
import type { Storage } from "../recordings/storage.ts";
import { guardRoutes, type RateLimits, usualLimits } from "./access.ts";
import { agentRoutes } from "./agents.ts";
import { auditRoutes } from "./audits.ts";
import { callingLimitRoutes } from "./calling-limits.ts";
import { callRoutes } from "./calls.ts";
import { carrierRoutes, type Line } from "./carrier.ts";
import { dashboardFiles } from "./dashboard-files.ts";
import { emulatedNumberRoutes } from "./emulated-numbers.ts";
import { eventRoutes } from "./events.ts";
import { evidenceRoutes } from "./evidence.ts";
import { exchangeRoutes } from "./exchanges.ts";
import { MethodNotAllowed, NoSuchRoute, UnreadableUrl } from "./failures.ts";
import { healthRoutes, type ReadyCheck } from "./health.ts";
import { type InCall, inCallRoutes } from "./in-call.ts";
import { checkInput } from "./input.ts";
import { type BackgroundJobs, jobRoutes } from "./jobs.ts";
import { keepingRoutes } from "./keeping.ts";
import { keyRoutes } from "./keys.ts";
import { listenerRoutes, type Tellings } from "./listeners.ts";
import { liveRoutes } from "./live.ts";
import { openLiveFeed } from "./live-feed.ts";
import { metricsRoutes, type RoomMetrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { foreseen, logOf, problemOf } from "./problem.ts";
import { recordingRoutes } from "./recording.ts";
import { securityHeaders } from "./security-headers.ts";
import { sessionRoutes } from "./session.ts";
import { takeTurns } from "./turnstile.ts";
import { userRoutes } from "./users.ts";
import { utteranceRoutes } from "./utterances.ts";
import { webhookRoutes } from "./webhooks.ts";

/** What the door needs of the house. */
export interface DoorParts {
  readonly pool: pg.Pool;
  /** For the one connection that hears which call changed. */
  readonly databaseUrl: string;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** The address people open: roots shared links, and says whether cookies must be https. */
  readonly publicUrl: string;
  /** Addresses and ranges, beside loopback, that are believed when they say for whom they ask. */
  readonly trustedProxies?: readonly string[];
  readonly storage: Storage;
  /** Where the built dashboard lies; it may not exist (yet). */
  readonly dashboardDir: string;
  /** Null when a real carrier is configured. */
  readonly emulatedNumbers: readonly EmulatedNumber[] | null;
  /** The engines that are configured, by name: an agent can have no other. */
  readonly engines: Readonly<Record<string, EngineSide & Pick<Engine, "abilities">>>;
  /** Every engine there can be (engine/kinds.ts). */
  readonly engineKinds: readonly { readonly name: string; readonly title: string; readonly needs: readonly string[] }[];
  /** Seals what agents' tools keep secret, 32 bytes; null: the house has no key. */
  readonly secretsKey: Buffer | null;
  /** Told of every saved agent, for engines that keep settings of their own. Gives what of them they did not keep. */
  readonly agentSaved?: (agent: Agent) => Promise<readonly AgentNote[]>;
  /** calls/place.ts. The same idempotency key with the same request answers with the call it placed the first time. */
  placeCall(request: PlaceCall, by: PlacedBy): Promise<CallId>;
  /** calls/hang-up.ts. Resolves when it is asked for; the end itself follows. */
  hangUp(call: CallId, by: Actor): Promise<void>;
  readonly inCall: InCall;
  /** Null while no carrier is configured. */
  readonly line: Line | null;
  readonly jobs: BackgroundJobs;
  /** recordings/as-wav.ts: a stored file, decoded. */
  asWav(file: { readonly key: string; readonly format: AudioFormat }): Promise<WavSound>;
  readonly tellings: Tellings;
  /** Further conditions of /readyz, beside the database and its migrations. */
  readonly ready?: readonly ReadyCheck[];
  /** What other rooms count, shown by /metrics beside what the database says. */
  readonly metrics?: readonly RoomMetrics[];
  /** Doors of carriers: their requests prove themselves by signature. */
  readonly carrierDoors?: readonly FastifyPluginCallback[];
  /** The same of engines. */
  readonly engineDoors?: readonly FastifyPluginCallback[];
  /** Which requests for another protocol are meant: their `upgrade` is somebody else's. All others are answered as if they had not asked for one. */
  readonly mayUpgrade?: (request: IncomingMessage) => boolean;
  readonly limits?: RateLimits;
  /** How often a live stream says that it lives and checks that its credential still holds. */
  readonly liveBeatMs?: number;
}

/** The server as this room's files know it. */
export type Door = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** The largest body is an agent's settings: a prompt of 20,000 characters and its options. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** Part of a path that may be an id. */
const LONGEST_PARAMETER = 200;
/** Receiving a whole request. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Answering one; reads give up before (reading.ts). */
const HANDLER_TIMEOUT_MS = 30_000;
/** A connection on which nothing moves. Players pause: they come back with a range. */
const IDLE_TIMEOUT_MS = 10 * 60_000;

/**
 * Builds the door for people and programs: routes, credentials, live stream, the dashboard's files. It does not listen yet.
 * Whatever goes wrong behind it leaves as problem+json. Closing it ends live streams and its database connection, not the pool.
 */
export async function openDoor(parts: DoorParts): Promise<FastifyInstance> {
  const headers = securityHeaders(parts.publicUrl.startsWith("https:"));
  const app = fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(),
    http: { shouldUpgradeCallback: parts.mayUpgrade ?? (() => false) },
    trustProxy: ["loopback", ...(parts.trustedProxies ?? [])],
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    // A webhook that comes on a kept connection while we close is still stored; the answer says that the connection closes.
    return503OnClosing: false,
    handlerTimeout: HANDLER_TIMEOUT_MS,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, request, reply) => {
      const answer = problemOf(foreseen(error), request.id);
      (reply as FastifyReply)
        .code(answer.status)
        .headers({ ...headers, ...answer.headers })
        .send(JSON.stringify(answer.body));
    },
  });

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers).header("x-request-id", request.id);
    if (request.url.startsWith("/api/")) reply.header("cache-control", "no-store");
  });
  logRequests(app);
  takeTurns(app);
  answerFailures(app);
  const methodsAt = rememberMethods(app);
  const dashboard: { page: Awaited<ReturnType<typeof dashboardFiles>> } = { page: () => null };
  app.setNotFoundHandler((request, reply) => {
    const allow = methodsAt(request.url);
    if (allow.length > 0) throw new MethodNotAllowed(allow);
    const page = dashboard.page(request, reply);
    if (page === null) throw new NoSuchRoute();
    return page;
  });
  app.setValidatorCompiler(checkInput);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));

  await app.register(cookie);
  guardRoutes(app, { pool: parts.pool, clock: parts.clock, publicUrl: parts.publicUrl, limits: parts.limits ?? usualLimits });

  const feed = await openLiveFeed(parts);
  app.addHook("preClose", feed.close);

  await openApi(app);
  await app.register(async (scope) => {
    acceptJsonOnly(scope);
    const door = scope.withTypeProvider<ZodTypeProvider>();
    sessionRoutes(door, parts, feed);
    callRoutes(door, parts);
    callingLimitRoutes(door, parts);
    inCallRoutes(door, parts);
    utteranceRoutes(door, parts);
    eventRoutes(door, parts);
    webhookRoutes(door, parts);
    exchangeRoutes(door, parts);
    carrierRoutes(door, parts);
    recordingRoutes(door, parts);
    evidenceRoutes(door, parts);
    keepingRoutes(door, parts);
    jobRoutes(door, parts);
    listenerRoutes(door, parts);
    liveRoutes(door, feed);
    agentRoutes(door, parts);
    keyRoutes(door, parts, feed);
    userRoutes(door, parts, feed);
    auditRoutes(door, parts);
    emulatedNumberRoutes(door, parts);
    healthRoutes(door, parts);
    metricsRoutes(door, parts);
  });
  const vendorsDoors = [
    ...(parts.carrierDoors ?? []).map((vendorsDoor) => ({ vendorsDoor, open: "the carrier signs its requests" })),
    ...(parts.engineDoors ?? []).map((vendorsDoor) => ({ vendorsDoor, open: "the engine's vendor signs its requests" })),
  ];
  for (const { vendorsDoor, open } of vendorsDoors) {
    await app.register(async (scope) => {
      scope.addHook("onRoute", (route) => {
        route.config = { ...route.config, access: { open, uncounted: true } };
        route.schema = { ...route.schema, hide: true };
      });
      await scope.register(vendorsDoor);
    });
  }
  dashboard.page = await dashboardFiles(app, parts.dashboardDir);
  await app.ready();
  return app as unknown as FastifyInstance;
}

/** JSON in, or nothing at all; an empty body with a JSON header is nothing (browsers and SDKs send that with a POST without body). */
function acceptJsonOnly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser("error", "error");
  scope.removeContentTypeParser(["text/plain", "application/json"]);
  scope.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else parse(request, body as string, done);
  });
}

function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = foreseen(error);
    request.failure = failure;
    const answer = problemOf(failure, request.id);
    return reply.code(answer.status).headers(answer.headers).send(JSON.stringify(answer.body));
  });
}

declare module "fastify" {
  interface FastifyRequest {
    /** What made this request fail; for the log. */
    failure: ReturnType<typeof foreseen> | null;
  }
  interface FastifyContextConfig {
    /** Asked all the time by machines: logged only when it fails. */
    quiet?: true;
  }
}

/** One line a request: ids, the route's pattern, how it ended. No body, no query, no number, no word of a call. */
function logRequests(app: FastifyInstance): void {
  app.decorateRequest("failure", null);
  app.addHook("onResponse", async (request, reply) => {
    const { failure } = request;
    const line = {
      request: request.id,
      method: request.method,
      route: request.is404 ? "none" : request.routeOptions.url,
      ...(idIn(request.params) ?? {}),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(request.credential ? { actor: request.credential.actor } : {}),
      ...(failure ? { code: failure.code } : {}),
    };
    if (failure?.blame === "us") request.log.error({ ...line, cause: logOf(failure.cause) }, failure.message);
    else if (failure) request.log.warn(line, "refused");
    else if (request.routeOptions.config.quiet) request.log.debug(line, "answered");
    else request.log.info(line, "answered");
  });
}

const idIn = (params: unknown): { id: string } | null => {
  const id = (params as { id?: unknown } | null)?.id;
  return typeof id === "string" && /^[0-9a-f-]{36}$/i.test(id) ? { id } : null;
};

/** Which methods an address takes, for 405; wildcard routes aside, which take everything. */
function rememberMethods(app: FastifyInstance): (url: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("*")) return;
    const pattern = new RegExp(`^${url.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/:\w+/g, `[^/]{1,${LONGEST_PARAMETER}}`)}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  return (url) => {
    const path = url.split("?", 1)[0] ?? "";
    return [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].sort();
  };
}

/** Bytes that are no HTTP, or headers too large or too slow: there is no request yet, so the answer is written by hand. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return;
  const [status, reason] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? [431, "Request Header Fields Too Large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? [408, "Request Timeout"]
        : [400, "Bad Request"];
  const { body } = problemOf(new UnreadableUrl(), newId());
  const text = JSON.stringify({
    ...body,
    status,
    code: "UNREADABLE_REQUEST",
    title: "The request is not readable HTTP/1.1.",
    remedy: "Send a well-formed request with less than 16 kB of headers.",
  });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
