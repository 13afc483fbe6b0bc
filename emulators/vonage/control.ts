import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { callView } from "./call-view.ts";
import type { Leg } from "./leg.ts";
import { personCallsIn } from "./new-calls.ts";
import { refuse, refuseParameters } from "./problems.ts";
import type { RefusedRequests } from "./refused-requests.ts";
import type { Switchboard } from "./switchboard.ts";

const number = z.string().regex(/^\+?[1-9]\d{6,14}$/, { message: "must be an E.164 number" });
const PlaceCall = z.strictObject({ from: number, to: number.optional() });

/** What hands and tests use, without a token: who is there, who calls whom, what happened. Not part of Vonage's API. */
export function control(app: FastifyInstance, exchange: Switchboard, refusals: RefusedRequests): void {
  const { directory, settings, ticker } = exchange.parts;

  app.get("/emulator/people", async () => ({
    ours: settings.number,
    people: directory.people.map(({ number, habit, voice, whenDialled, script }) => ({
      number,
      habit,
      voice,
      when_dialled: whenDialled,
      lines: script.flatMap((step) => ("say" in step ? [step.say.text ?? "(a recording)"] : [])),
    })),
  }));

  app.post("/emulator/calls", async (request, reply) => {
    const parsed = PlaceCall.safeParse(request.body);
    if (!parsed.success) return refuseParameters(reply, parsed.error);
    const { from, to = settings.number } = parsed.data;
    if (digits(to) !== digits(settings.number))
      return refuseParameters(reply, [{ name: "to", reason: `must be ${settings.number}: no other number is linked to the application` }]);
    const person = directory.find(from);
    if (!person) return refuseParameters(reply, [{ name: "from", reason: "is nobody's number; GET /emulator/people lists who is there" }]);
    return reply.code(201).send(legView(await personCallsIn(exchange, person)));
  });

  /** Every leg, oldest first (with `?last=N` only so many of the newest), and the latest requests that were refused. */
  app.get("/emulator/calls", async (request) => {
    const last = Number((request.query as { last?: string }).last ?? 0);
    const legs = [...exchange.legs.values()].slice(last > 0 ? -last : 0);
    return { worst_late_ms: Math.round(ticker.worstLateMs * 100) / 100, calls: legs.map(legView), refused: refusals.all };
  });

  /** With `?until=over` the answer waits for the end of the leg. */
  app.get("/emulator/calls/:uuid", async (request, reply) => {
    const leg = exchange.legs.get((request.params as { uuid: string }).uuid);
    if (!leg) return refuse(reply, 404);
    if ((request.query as { until?: string }).until === "over") {
      await new Promise<void>((over) => leg.whenOver(over));
      await exchange.parts.webhooks.settled(leg.plan.ledger);
    }
    const { ledger } = leg.plan;
    return { ...legView(leg), notes: ledger.notes, webhooks: ledger.exchanges };
  });

  /** The person at the phone hangs up, whatever the script says; a phone that still rings is declined. */
  app.post("/emulator/calls/:uuid/hangup", async (request, reply) => {
    const leg = exchange.legs.get((request.params as { uuid: string }).uuid);
    if (!leg) return refuse(reply, 404);
    exchange.hungUp(leg);
    return reply.code(204).send();
  });
}

/** A leg with what REST does not show: its place in its NCCO, its parent, the figures of its sound. */
export function legView(leg: Leg): Record<string, unknown> {
  return {
    ...callView(leg),
    kind: leg.plan.kind,
    over: leg.over,
    ended_by: leg.endedBy,
    call: rootOf(leg).uuid,
    parent: leg.plan.parent?.uuid ?? null,
    created_at: leg.createdAt.toISOString(),
    answered_at: leg.answeredAt?.toISOString() ?? null,
    ended_at: leg.endedAt?.toISOString() ?? null,
    ncco: leg.run ? { actions: leg.run.ncco.map((action) => action.action), at: leg.run.at } : null,
    audio: leg.socket,
  };
}

/** The leg that everything began with. */
function rootOf(leg: Leg): Leg {
  return leg.plan.parent ? rootOf(leg.plan.parent) : leg;
}

function digits(number: string): string {
  return number.replace(/^\+/, "");
}
