/** The line, its limits, other systems, keeping, and who did what. */

import * as desk from "../story/desk.ts";
import { carrier, doctor, jobs } from "../story/line.ts";
import { id } from "../story/made.ts";
import { bodyOf, json, problem, type Route } from "./answers.ts";
import type { World } from "./world.ts";

export const settingsRoutes = (world: World): Route[] => [
  ["GET", /^\/carrier$/, (_q, r) => json(r, 200, carrier)],
  ["GET", /^\/doctor$/, (_q, r) => json(r, 200, doctor())],
  [
    "POST",
    /^\/doctor\/webhooks$/,
    (_q, r) =>
      problem(r, 422, "API_SECRET_NEEDED", "The application's webhooks can be set only with the account's API secret.", "Send it."),
  ],
  ["GET", /^\/jobs$/, (_q, r) => json(r, 200, { items: jobs, next: null })],
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
  ["GET", /^\/listeners$/, (_q, r) => json(r, 200, { items: world.empty ? [] : desk.listeners, next: null })],
  [
    "POST",
    /^\/listeners$/,
    async (q, r) => json(r, 201, { ...desk.listeners[0], ...(await bodyOf(q)), id: id("made"), secret: "whs_example_shown_once" }),
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
  ["GET", /^\/listeners\/[\w-]+\/tellings$/, (_q, r) => json(r, 200, { items: desk.tellings(world.calls[0]?.id ?? id(0)), next: null })],
  ["POST", /^\/tellings\/([\w-]+)\/again$/, (_q, r, [telling]) => json(r, 202, { id: telling })],
  ["GET", /^\/waiting$/, (_q, r) => json(r, 200, { items: world.empty ? [] : desk.waiting(world.calls[0]?.id ?? id(0)), next: null })],
  ["GET", /^\/keep-rules$/, (_q, r) => json(r, 200, { items: world.empty ? [] : desk.keepRules, next: null })],
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
];
