/** The list of calls, placing one, and the live stream. */

import { type Call, PlaceCall } from "../../src/ask/shapes.ts";
import { call as callOf } from "../story/calls.ts";
import { emulated } from "../story/door.ts";
import { recording } from "../story/recordings.ts";
import { utterances } from "../story/talk.ts";
import { bodyOf, json, problem, type Route } from "./answers.ts";
import type { World } from "./world.ts";

export const callsRoutes = (world: World): Route[] => [
  ["GET", /^\/calls$/, (_q, r, _p, query) => json(r, 200, list(world, query))],
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
      const call = callOf({ status: "dialing", to: body.to.replace(/[^\d+]/g, ""), customer_name: body.customer_name ?? null });
      world.calls.unshift(call);
      world.said.set(call.id, utterances(call.id));
      walk(world, call);
      return json(r, 201, call);
    },
  ],
  [
    "GET",
    /^\/live$/,
    (_q, r) => {
      r.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      r.write("event: snapshot\ndata: {}\n\n");
      world.streams.add(r);
      r.on("close", () => world.streams.delete(r));
    },
  ],
  ["GET", /^\/emulated-numbers$/, (_q, r) => json(r, 200, { items: emulated, next: null })],
];

/** A page of the calls that fit the filters, newest first. */
function list(world: World, query: URLSearchParams) {
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
  const found = world.calls.filter((call) => tests.every((test) => test(call))).sort((a, b) => b.created_at.localeCompare(a.created_at));
  const from = Number(query.get("cursor") ?? 0);
  const to = from + Number(query.get("limit") ?? 50);
  return { items: found.slice(from, to), next: to < found.length ? String(to) : null };
}

/** A call just placed goes its way: it rings, and is answered or busy. */
function walk(world: World, call: Call) {
  const busy = call.to === "+12025550103";
  setTimeout(() => world.change(call, "call", { status: "ringing", ringing_at: new Date().toISOString() }), 1200);
  if (busy)
    setTimeout(
      () =>
        world.change(call, "call", {
          status: "ended",
          end_reason: "busy",
          ended_at: new Date().toISOString(),
          recording: recording(call.id, "none", null),
        }),
      2500,
    );
  else setTimeout(() => world.change(call, "call", { status: "in_progress", started_at: new Date().toISOString() }), 3200);
}
