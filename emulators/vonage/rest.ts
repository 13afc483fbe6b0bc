import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { callsPage, callView } from "./call-view.ts";
import { transfer } from "./flow.ts";
import { sendKeys } from "./keys.ts";
import type { Leg } from "./leg.ts";
import type { RollingSecond } from "./limits.ts";
import { type Ncco, readNcco } from "./ncco.ts";
import { create } from "./new-calls.ts";
import { refuse, refuseParameters } from "./problems.ts";
import { streamSound, talkSound } from "./sounds.ts";
import type { Switchboard } from "./switchboard.ts";
import type { TokenVerdict } from "./tokens.ts";
import { CreateCall, ListCalls, ListenDtmf, ModifyCall, SendDtmf, StartStream, StartTalk } from "./wire.ts";

export interface RestParts {
  readonly exchange: Switchboard;
  readonly requests: RollingSecond;
  checkToken(authorization: string | undefined): Promise<TokenVerdict>;
  /** Is this the host of another region than the usual one? */
  readonly elsewhere: boolean;
}

/** `/v1/calls` and below, as https://developer.vonage.com/en/api/voice documents it. */
export function rest(app: FastifyInstance, { exchange, requests, checkToken, elsewhere }: RestParts): void {
  const { settings, calls, directory } = exchange.parts;

  app.addHook("onRequest", async (request, reply) => {
    const verdict = await checkToken(request.headers.authorization);
    if (!verdict.good) return refuse(reply, 401, verdict.because);
    const creates = request.method === "POST" && /\/v1\/calls\/?$/.test(request.routeOptions.url ?? "");
    if (!(creates ? calls : requests).take()) return refuse(reply, 429);
  });

  app.post("/v1/calls", async (request, reply) => {
    const parsed = CreateCall.safeParse(request.body);
    if (!parsed.success) return refuseParameters(reply, parsed.error);
    let ncco: Ncco | null = null;
    if (parsed.data.ncco) {
      const reading = readNcco(parsed.data.ncco);
      if (!reading.good) return refuseParameters(reply, [{ name: "ncco", reason: reading.because }]);
      ncco = reading.ncco;
    }
    const [to] = parsed.data.to;
    const leg = create(exchange, parsed.data, ncco, elsewhere);
    const { createAnswer } = (to.type === "phone" ? directory.find(to.number) : null)?.faults ?? {};
    if (createAnswer === "cut") {
      leg.plan.ledger.note(leg.uuid, "the create-call request is cut instead of answered");
      reply.hijack();
      request.raw.socket.destroy();
      return reply;
    }
    if (createAnswer) await new Promise<void>((then) => exchange.parts.ticker.after(createAnswer.afterMs, then));
    if (leg.plan.ledger.faults.eventsFirst) await exchange.parts.webhooks.settled(leg.plan.ledger);
    leg.plan.ledger.note(leg.uuid, "the create-call request is answered");
    return reply.code(201).send({ uuid: leg.uuid, status: "started", direction: "outbound", conversation_uuid: leg.conversation.uuid });
  });

  app.get("/v1/calls", async (request, reply) => {
    const parsed = ListCalls.safeParse(request.query);
    if (!parsed.success) return refuseParameters(reply, parsed.error);
    return callsPage(
      exchange.legs.values().filter((leg) => isHere(leg)),
      parsed.data,
      request.query as Record<string, string>,
    );
  });

  app.get("/v1/calls/:uuid", async (request, reply) => {
    const leg = find(request);
    return leg ? callView(leg) : refuse(reply, 404);
  });

  app.put("/v1/calls/:uuid", async (request, reply) => {
    const asked = modify(request, reply, ModifyCall);
    if (!asked) return reply;
    const { leg, body } = asked;
    switch (body.action) {
      case "hangup":
        exchange.end(leg, "platform");
        break;
      case "mute":
      case "unmute":
        leg.muted = body.action === "mute";
        break;
      case "earmuff":
      case "unearmuff":
        leg.earmuffed = body.action === "earmuff";
        break;
      case "transfer": {
        const { destination } = body;
        if (!leg.answeredAt) return refuse(reply, 400, "the call has not been answered");
        if ("url" in destination) {
          void transfer(exchange, leg, { url: destination.url[0] });
          break;
        }
        const reading = readNcco(destination.ncco);
        if (!reading.good) return refuseParameters(reply, [{ name: "destination.ncco", reason: reading.because }]);
        void transfer(exchange, leg, { ncco: reading.ncco });
        break;
      }
    }
    return reply.code(204).send();
  });

  app.put("/v1/calls/:uuid/talk", async (request, reply) => {
    const asked = modify(request, reply, StartTalk);
    if (!asked) return reply;
    const { leg, body } = asked;
    const sound = await talkSound(body.text, body);
    leg.restTalk.stop();
    void leg.restTalk.play(sound, body.loop);
    return { message: "Talk started", uuid: leg.uuid };
  });

  app.delete("/v1/calls/:uuid/talk", async (request, reply) => {
    const leg = talking(request, reply);
    if (!leg) return reply;
    leg.restTalk.stop();
    return { message: "Talk stopped", uuid: leg.uuid };
  });

  app.put("/v1/calls/:uuid/stream", async (request, reply) => {
    const asked = modify(request, reply, StartStream);
    if (!asked) return reply;
    const { leg, body } = asked;
    leg.restStream.stop();
    void streamSound(body.stream_url[0], body.level)
      .then((sound) => leg.restStream.play(sound, body.loop))
      .catch((problem: Error) => exchange.trouble(leg, problem.message));
    return { message: "Stream started", uuid: leg.uuid };
  });

  app.delete("/v1/calls/:uuid/stream", async (request, reply) => {
    const leg = talking(request, reply);
    if (!leg) return reply;
    leg.restStream.stop();
    return { message: "Stream stopped", uuid: leg.uuid };
  });

  app.put("/v1/calls/:uuid/dtmf", async (request, reply) => {
    const asked = modify(request, reply, SendDtmf);
    if (!asked) return reply;
    const { leg, body } = asked;
    sendKeys(leg, body.digits);
    return { message: "DTMF sent", uuid: leg.uuid };
  });

  app.put("/v1/calls/:uuid/input/dtmf", async (request, reply) => {
    const asked = modify(request, reply, ListenDtmf);
    if (!asked) return reply;
    asked.leg.keysTo = { url: asked.body.event_url[0], method: "POST" };
    return {};
  });

  app.delete("/v1/calls/:uuid/input/dtmf", async (request, reply) => {
    const leg = talking(request, reply);
    if (!leg) return reply;
    leg.keysTo = null;
    return {};
  });

  function isHere(leg: Leg): boolean {
    return leg.plan.ledger.elsewhere === elsewhere;
  }

  function find(request: FastifyRequest): Leg | null {
    const leg = exchange.legs.get((request.params as { uuid: string }).uuid);
    return leg && isHere(leg) ? leg : null;
  }

  /** The leg, if it is old enough and not over; otherwise the reply has been sent. */
  function talking(request: FastifyRequest, reply: FastifyReply): Leg | null {
    const leg = find(request);
    if (!leg) void refuse(reply, 404);
    else if (leg.over) void refuse(reply, 400, "the call is over");
    else if (performance.now() - leg.createdMs < settings.tooEarlyMs) void refuse(reply, 400, "the call was created too short a time ago");
    else return leg;
    return null;
  }

  function modify<Body extends z.ZodType>(
    request: FastifyRequest,
    reply: FastifyReply,
    schema: Body,
  ): { readonly leg: Leg; readonly body: z.infer<Body> } | null {
    const parsed = schema.safeParse(request.body);
    if (!parsed.success) {
      void refuseParameters(reply, parsed.error);
      return null;
    }
    const leg = talking(request, reply);
    return leg ? { leg, body: parsed.data } : null;
  }
}
