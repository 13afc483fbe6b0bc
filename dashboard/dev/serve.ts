/**
 * A stand-in for the server while the dashboard is worked on: made-up calls over the same API, and the built dashboard under
 * the policy it is meant to run with. `node dashboard/dev/serve.ts [--port 8790] [--story empty|one|many]`; `--port 0` picks one.
 * The app never imports anything from here.
 */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";
import { ApiKey, Call, type LiveChange, PlaceCall, Session } from "../src/ask/shapes.ts";
import * as desk from "./desk.ts";
import { peaks, samples, wav } from "./sound.ts";
import * as story from "./story.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8790" },
    story: { type: "string", default: "many" },
    role: { type: "string", default: "admin" },
  },
});
const dist = join(import.meta.dirname, "../dist");
const stories = { empty: () => [], one: () => [story.call({ agoMs: 200_000 })], many: () => [...story.running(), ...story.many(400)] };

const calls: Call[] = stories[values.story as keyof typeof stories]();
const agents = [...story.agents];
const keys = [...story.keys];
const said = new Map(
  calls.map((call) => [
    call.id,
    call.started_at === null ? [] : story.utterances(call.id, Math.max(1, Math.round((call.duration_ms ?? 0) / 56_000))),
  ]),
);
const streams = new Set<ServerResponse>();
const started = Date.now();
let signedIn = true;
const session = Session.parse({
  user: { id: story.id("user"), email: "desk@example.com", role: values.role },
  csrf: "c".repeat(32),
  emulated: true,
});

const tell = (change: LiveChange) => {
  for (const stream of streams) stream.write(`event: change\ndata: ${JSON.stringify(change)}\n\n`);
};
const change = (call: Call, what: LiveChange["what"], fields: Partial<Call>) => {
  Object.assign(call, Call.parse({ ...call, ...fields }));
  tell({ call_id: call.id, what });
};

/** What a running call has said by now: its lines appear as they are spoken. */
const heard = (call: Call) => {
  const all = said.get(call.id) ?? story.utterances(call.id);
  if (call.status === "ended" || call.started_at === null) return call.started_at === null ? [] : all;
  const since = Date.now() - Date.parse(call.started_at);
  return all.filter((utterance) => utterance.ended_ms < since);
};
setInterval(() => {
  for (const call of calls) if (call.status === "in_progress") tell({ call_id: call.id, what: "utterance" });
}, 1500).unref();

const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
};
const problem = (
  response: ServerResponse,
  status: number,
  code: string,
  title: string,
  remedy: string,
  errors?: { field: string; message: string }[],
) => json(response, status, { type: `urn:earshot:${code}`, title, status, code, remedy, ...(errors ? { errors } : {}) });

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || "{}");
}

function list(query: URLSearchParams) {
  const has = (name: string, test: (call: Call, value: string) => boolean) => (call: Call) => {
    const value = query.get(name);
    return value === null || test(call, value);
  };
  const tests = [
    has("status", (call, v) => (v === "live" ? call.status !== "ended" : call.status === v)),
    has("direction", (call, v) => call.direction === v),
    has("end_reason", (call, v) => call.end_reason === v),
    has("recording", (call, v) => call.recording.status === v),
    has("agent_id", (call, v) => call.agent?.id === v),
    has("number", (call, v) => `${call.from} ${call.to}`.replace(/[^\d ]/g, "").includes(v.replace(/\D/g, ""))),
    has("search", (call, v) => (call.customer_name ?? "").toLowerCase().includes(v.toLowerCase())),
    has("from", (call, v) => call.created_at >= v),
    has("to", (call, v) => call.created_at < v),
  ];
  const found = calls.filter((call) => tests.every((test) => test(call))).sort((a, b) => b.created_at.localeCompare(a.created_at));
  const from = Number(query.get("cursor") ?? 0);
  const to = from + Number(query.get("limit") ?? 50);
  return { items: found.slice(from, to), next: to < found.length ? String(to) : null };
}

const sounds = new Map<string, Int16Array>();
const soundOf = (call: Call) => {
  const found = sounds.get(call.id) ?? samples(said.get(call.id) ?? [], call.duration_ms ?? 0);
  sounds.set(call.id, found);
  return found;
};

function walk(call: Call) {
  const busy = call.to === "+12025550103";
  setTimeout(() => change(call, "call", { status: "ringing", ringing_at: new Date().toISOString() }), 1200);
  if (busy)
    setTimeout(
      () =>
        change(call, "call", {
          status: "ended",
          end_reason: "busy",
          ended_at: new Date().toISOString(),
          recording: story.recording(call.id, "none", null),
        }),
      2500,
    );
  else setTimeout(() => change(call, "call", { status: "in_progress", started_at: new Date().toISOString() }), 3200);
}

const link = () => ({
  url: "https://calls.example.com/welcome?token=Zk3nR8_made_up_token_0123456789abcdefghi",
  expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
});

const routes: [
  method: string,
  path: RegExp,
  act: (request: IncomingMessage, response: ServerResponse, parts: string[], query: URLSearchParams) => unknown,
][] = [
  [
    "GET",
    /^\/session$/,
    (_q, r) => (signedIn ? json(r, 200, session) : problem(r, 401, "SIGN_IN_NEEDED", "You are not signed in.", "Sign in again.")),
  ],
  [
    "POST",
    /^\/session$/,
    async (q, r) => {
      const body = await bodyOf(q);
      if (body.password === "wrong")
        return problem(
          r,
          401,
          "SIGN_IN_REFUSED",
          "E-mail and password do not fit together.",
          "Check both, or start Earshot again for a new sign-in link.",
        );
      signedIn = true;
      return json(r, 200, session);
    },
  ],
  [
    "POST",
    /^\/session\/link$/,
    async (q, r) => {
      if ((await bodyOf(q)).token === "used-used-used-used-used")
        return problem(r, 401, "LINK_USED", "This link was already used, or is too old.", "Start Earshot again for a new one.");
      signedIn = true;
      return json(r, 200, session);
    },
  ],
  [
    "DELETE",
    /^\/session$/,
    (_q, r) => {
      signedIn = false;
      json(r, 204, undefined);
    },
  ],
  ["GET", /^\/calls$/, (_q, r, _p, query) => json(r, 200, list(query))],
  [
    "POST",
    /^\/calls$/,
    async (q, r) => {
      const body = PlaceCall.parse(await bodyOf(q));
      if (!/^\+\d{8,15}$/.test(body.to.replace(/[^\d+]/g, "")))
        return problem(
          r,
          400,
          "NUMBER_INVALID",
          "The number to call is not valid.",
          "Write it with its country code, as +1 202 555 0143.",
          [{ field: "to", message: "This is not a whole telephone number." }],
        );
      const call = story.call({ status: "dialing", to: body.to.replace(/[^\d+]/g, ""), customer_name: body.customer_name ?? null });
      calls.unshift(call);
      said.set(call.id, story.utterances(call.id));
      walk(call);
      return json(r, 201, call);
    },
  ],
  [
    "GET",
    /^\/live$/,
    (_q, r) => {
      r.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      r.write("event: snapshot\ndata: {}\n\n");
      streams.add(r);
      r.on("close", () => streams.delete(r));
    },
  ],
  ["GET", /^\/agents$/, (_q, r) => json(r, 200, { items: agents, next: null })],
  [
    "POST",
    /^\/agents$/,
    async (q, r) => {
      const agent = {
        id: story.id(`agent ${Date.now()}`),
        version: 1,
        is_default: false,
        created_at: new Date().toISOString(),
        settings: (await bodyOf(q)) as never,
        notes: [],
      };
      agents.push(agent);
      json(r, 201, agent);
    },
  ],
  [
    "GET",
    /^\/agents\/([\w-]+)$/,
    (_q, r, [agentId]) => {
      const agent = agents.find((a) => a.id === agentId);
      return agent ? json(r, 200, agent) : problem(r, 404, "AGENT_UNKNOWN", "There is no such agent.", "Look at the list of agents.");
    },
  ],
  ["GET", /^\/agents\/([\w-]+)\/versions\/(\d+)$/, (_q, r, [agentId]) => json(r, 200, agents.find((a) => a.id === agentId)?.settings)],
  [
    "POST",
    /^\/agents\/([\w-]+)\/default$/,
    (_q, r, [agentId]) => {
      for (const a of agents) a.is_default = a.id === agentId;
      json(
        r,
        200,
        agents.find((a) => a.id === agentId),
      );
    },
  ],
  [
    "DELETE",
    /^\/agents\/([\w-]+)$/,
    (_q, r, [agentId]) => {
      agents.splice(
        agents.findIndex((a) => a.id === agentId),
        1,
      );
      json(r, 204, undefined);
    },
  ],
  [
    "PUT",
    /^\/agents\/([\w-]+)$/,
    async (q, r, [agentId]) => {
      const agent = agents.find((a) => a.id === agentId);
      if (!agent) return problem(r, 404, "AGENT_UNKNOWN", "There is no such agent.", "Look at the list of agents.");
      Object.assign(agent, { version: agent.version + 1, settings: await bodyOf(q) });
      return json(r, 200, agent);
    },
  ],
  ["GET", /^\/keys$/, (_q, r) => json(r, 200, { items: keys, next: null })],
  [
    "POST",
    /^\/keys$/,
    async (q, r) => {
      const body = await bodyOf(q);
      const key = ApiKey.parse({
        id: story.id(`key ${Date.now()}`),
        name: body.name,
        prefix: "ek_9c21",
        role: body.role ?? "member",
        from_environment: false,
        created_at: new Date().toISOString(),
        last_used_at: null,
        revoked_at: null,
      });
      keys.push(key);
      json(r, 201, { ...key, key: "es_9c21_example_key_shown_once_0123456789" });
    },
  ],
  [
    "DELETE",
    /^\/keys\/([\w-]+)$/,
    (_q, r, [keyId]) => {
      const key = keys.find((k) => k.id === keyId);
      if (!key) return problem(r, 404, "KEY_UNKNOWN", "There is no such key.", "Look at the list of keys.");
      key.revoked_at ??= new Date().toISOString();
      return json(r, 200, key);
    },
  ],
  ["GET", /^\/carrier$/, (_q, r) => json(r, 200, story.carrier)],
  ["GET", /^\/doctor$/, (_q, r) => json(r, 200, story.doctor())],
  [
    "POST",
    /^\/doctor\/webhooks$/,
    (_q, r) =>
      problem(r, 422, "API_SECRET_NEEDED", "The application's webhooks can be set only with the account's API secret.", "Send it."),
  ],
  ["GET", /^\/jobs$/, (_q, r) => json(r, 200, { items: story.jobs, next: null })],
  ["GET", /^\/settings\/calling-limits$/, (_q, r) => json(r, 200, desk.limits)],
  [
    "PUT",
    /^\/settings\/calling-limits$/,
    async (q, r) => {
      const body = await bodyOf(q);
      Object.assign(desk.limits, body);
      json(r, 200, body);
    },
  ],
  ["GET", /^\/engines$/, (_q, r) => json(r, 200, { items: desk.engines, next: null })],
  ["GET", /^\/users$/, (_q, r) => json(r, 200, { items: values.story === "empty" ? desk.users.slice(0, 1) : desk.users, next: null })],
  [
    "POST",
    /^\/users$/,
    async (q, r) => {
      const { email, role } = await bodyOf(q);
      if (desk.users.some((user) => user.email === email))
        return problem(r, 409, "EMAIL_TAKEN", "Somebody with this e-mail has an account already.", "Find it in the list.", [
          { field: "email", message: "has an account already" },
        ]);
      const user = {
        ...(desk.users[2] as (typeof desk.users)[number]),
        id: story.id(String(email)),
        email: String(email),
        role: role as "member",
      };
      desk.users.push(user);
      return json(r, 201, { ...user, link: link() });
    },
  ],
  ["POST", /^\/users\/[\w-]+\/password-link$/, (_q, r) => json(r, 201, link())],
  [
    "PATCH",
    /^\/users\/([\w-]+)$/,
    async (q, r, [userId]) => {
      const user = desk.users.find((one) => one.id === userId);
      const { disabled, ...change } = await bodyOf(q);
      Object.assign(user ?? {}, change, disabled === undefined ? {} : { state: disabled ? "disabled" : "active" });
      json(r, 200, user);
    },
  ],
  ["GET", /^\/sessions$/, (_q, r) => json(r, 200, { items: desk.sessions, next: null })],
  [
    "PUT",
    /^\/session\/password$/,
    (_q, r) =>
      problem(r, 422, "CURRENT_PASSWORD_WRONG", "This is not your current password.", "Type it again.", [
        { field: "current", message: "is not your password" },
      ]),
  ],
  ["GET", /^\/listeners$/, (_q, r) => json(r, 200, { items: values.story === "empty" ? [] : desk.listeners, next: null })],
  [
    "POST",
    /^\/listeners$/,
    async (q, r) => json(r, 201, { ...desk.listeners[0], ...(await bodyOf(q)), id: story.id("made"), secret: "whs_example_shown_once" }),
  ],
  [
    "PATCH",
    /^\/listeners\/([\w-]+)$/,
    async (q, r, [listenerId]) => {
      const listener = desk.listeners.find((one) => one.id === listenerId);
      const { paused } = await bodyOf(q);
      Object.assign(listener ?? {}, { paused_at: paused ? new Date().toISOString() : null });
      json(r, 200, listener);
    },
  ],
  ["GET", /^\/listeners\/[\w-]+\/tellings$/, (_q, r) => json(r, 200, { items: desk.tellings(calls[0]?.id ?? story.id(0)), next: null })],
  ["POST", /^\/tellings\/([\w-]+)\/again$/, (_q, r, [telling]) => json(r, 202, { id: telling })],
  [
    "GET",
    /^\/waiting$/,
    (_q, r) => json(r, 200, { items: values.story === "empty" ? [] : desk.waiting(calls[0]?.id ?? story.id(0)), next: null }),
  ],
  ["GET", /^\/keep-rules$/, (_q, r) => json(r, 200, { items: values.story === "empty" ? [] : desk.keepRules, next: null })],
  ["GET", /^\/carrier\/keeping$/, (_q, r) => json(r, 200, desk.lineKept)],
  [
    "GET",
    /^\/audits$/,
    (_q, r, _p, query) => {
      const about = query.get("about");
      const found = desk.audits.filter(({ action }) => about === null || action.startsWith(about));
      const from = Number(query.get("cursor") ?? 0);
      json(r, 200, { items: found.slice(from, from + 50), next: from + 50 < found.length ? String(from + 50) : null });
    },
  ],
  ["GET", /^\/emulated-numbers$/, (_q, r) => json(r, 200, { items: story.emulated, next: null })],
];

type OfCall = (call: Call, request: IncomingMessage, response: ServerResponse) => unknown;
const callRoutes: Record<string, OfCall> = {
  "GET ": (call, _q, r) => json(r, 200, call),
  "GET /utterances": (call, _q, r) => json(r, 200, { items: heard(call), next: null }),
  "GET /events": (call, _q, r) => json(r, 200, { items: story.events(call), next: null }),
  "GET /webhooks": (call, _q, r) => json(r, 200, { items: story.webhooks(call), next: null }),
  "GET /exchanges": (call, _q, r) => json(r, 200, { items: story.exchanges(call), next: null }),
  "POST /mute": (call, _q, r) => json(r, 202, call),
  "POST /unmute": (call, _q, r) => json(r, 202, call),
  "POST /dtmf": (call, _q, r) => json(r, 202, call),
  "POST /transfer": (_call, _q, r) =>
    problem(r, 422, "NUMBER_INVALID", "It is not a phone number.", "Write it with + and its country code."),
  "GET /keeping": (call, _q, r) => json(r, 200, desk.keeping(calls.indexOf(call))),
  "GET /recordings": (call, _q, r) =>
    json(r, 200, {
      items:
        call.recording.id === null
          ? []
          : [call.recording, ...(call.duration_ms ? [story.recording(call.id, "stored", call.duration_ms, "journal")] : [])],
      next: null,
    }),
  "GET /recording/peaks": (call, _q, r) => json(r, 200, peaks(soundOf(call), 4000)),
  "GET /recording": (call, request, response) => {
    const file = wav(soundOf(call));
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const [from, to] = range ? [Number(range[1]), range[2] ? Number(range[2]) : file.length - 1] : [0, file.length - 1];
    response.writeHead(range ? 206 : 200, {
      "content-type": "audio/wav",
      "accept-ranges": "bytes",
      "content-length": to - from + 1,
      ...(range ? { "content-range": `bytes ${from}-${to}/${file.length}` } : {}),
    });
    response.end(file.subarray(from, to + 1));
  },
  "POST /recording/link": (call, _q, r) =>
    json(r, 201, {
      url: `http://127.0.0.1/api/calls/${call.id}/recording?token=v1.example`,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    }),
  "POST /hangup": (call, _q, r) => {
    json(r, 202, call);
    setTimeout(
      () =>
        change(call, "call", {
          status: "ended",
          end_reason: "operator_hung_up",
          ended_at: new Date().toISOString(),
          duration_ms: call.started_at ? Date.now() - Date.parse(call.started_at) : null,
        }),
      700,
    );
  },
};

function api(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): unknown {
  const method = request.method ?? "GET";
  if (!signedIn && !path.startsWith("/session"))
    return problem(response, 401, "SIGN_IN_NEEDED", "You are not signed in.", "Sign in again.");
  for (const [verb, pattern, act] of routes) {
    const match = verb === method ? pattern.exec(path) : null;
    if (match) return act(request, response, match.slice(1), query);
  }
  const [, callId, rest = ""] = /^\/calls\/([\w-]+)(\/.*)?$/.exec(path) ?? [];
  const call = calls.find((c) => c.id === callId);
  if (callId && !call) return problem(response, 404, "CALL_UNKNOWN", "There is no such call.", "Look at the list of calls.");
  const act = callRoutes[`${method} ${rest}`];
  if (call && act) return act(call, request, response);
  return problem(response, 404, "ROUTE_UNKNOWN", "There is no such address.", "See /api/openapi.json.");
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** The policy the dashboard is meant to run under: nothing foreign, nothing inline. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

async function file(response: ServerResponse, path: string): Promise<void> {
  const name = extname(path) === "" ? "/index.html" : path;
  const found = await readFile(join(dist, name)).catch(() => null);
  response.writeHead(found ? 200 : 404, {
    "content-type": types[extname(name)] ?? "application/octet-stream",
    "content-security-policy": policy,
  });
  response.end(found ?? "");
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/dev/sign-out") signedIn = false;
  const answer = url.pathname.startsWith("/api/")
    ? api(request, response, url.pathname.slice(4), url.searchParams)
    : file(response, url.pathname);
  Promise.resolve(answer).catch((error: unknown) => problem(response, 500, "FIXTURE", String(error), "Mend dashboard/dev/serve.ts."));
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const address = server.address();
  console.log(
    JSON.stringify({
      ready: true,
      url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
      afterMs: Date.now() - started,
    }),
  );
});
