import { Call } from "@earshot/contract/call";
import { SendKeys, TransferCall, Whisper } from "@earshot/contract/in-call";
import type { Permission } from "@earshot/contract/permission";
import { type CallAction, may } from "@earshot/contract/status";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { CallUnknown, NotInProgress } from "../calls/failures.ts";
import { readCall, readCallBriefly } from "../calls/read.ts";
import type { CallId } from "../ids.ts";
import { type Actor, type AuditAction, recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";

/** What the door asks of a running call; each resolves when the carrier has taken it, and its effect follows on the timeline. */
export interface InCall {
  /** calls/in-call.ts */
  transfer(call: CallId, to: { readonly number: string; readonly announcement: string | null }, by: Actor): Promise<void>;
  pressKeys(call: CallId, keys: string, by: Actor): Promise<void>;
  mute(call: CallId, on: boolean, by: Actor): Promise<void>;
  /** calls/asks.ts */
  whisper(call: CallId, whisper: Whisper, by: Actor): Promise<void>;
}

const Nothing = z.strictObject({}).nullish();

/** Handing over, pressing keys and muting while a call runs. */
export function inCallRoutes(door: Door, { pool, clock, inCall }: DoorParts): void {
  /** Checks the call against the table of actions, does it, writes down who did, and answers with the call. */
  const act = async (
    request: FastifyRequest<{ Params: z.output<typeof OfCall> }>,
    action: CallAction,
    audited: AuditAction,
    deed: (call: CallId, by: Actor) => Promise<void>,
  ): Promise<Call> => {
    const { id } = request.params;
    const { actor } = credentialIn(request);
    const brief = await readCallBriefly(pool, id);
    if (!brief) throw new CallUnknown(id);
    if (!may(action, brief.status)) throw new NotInProgress(id, brief.status);
    await deed(id, actor);
    await recordAudit(pool, { at: clock.now(), actor, action: audited, call: id });
    const after = await readCall(pool, id);
    if (!after) throw new CallUnknown(id);
    return after;
  };
  const schema = { tags: ["calls"], params: OfCall };
  const access = (needs: Permission) => ({ config: { access: { needs } } });

  door.post(
    "/api/calls/:id/transfer",
    {
      ...access("calls.transfer"),
      schema: {
        ...schema,
        summary: "Hand the caller to a person",
        body: TransferCall,
        response: { 202: Call.describe("The person's phone rings soon; what became of it is on the timeline (transfer.*).") },
      },
    },
    async (request, reply) => {
      const { to, announcement } = request.body;
      const transfer = (call: CallId, by: Actor) => inCall.transfer(call, { number: to, announcement }, by);
      return reply.code(202).send(await act(request, "transfer", "call.transferred", transfer));
    },
  );

  door.post(
    "/api/calls/:id/dtmf",
    {
      ...access("calls.send_keys"),
      schema: { ...schema, summary: "Send keys to the party on the phone", body: SendKeys, response: { 202: Call } },
    },
    async (request, reply) => {
      const { digits } = request.body;
      return reply.code(202).send(await act(request, "send_keys", "call.keys_sent", (call, by) => inCall.pressKeys(call, digits, by)));
    },
  );

  door.post(
    "/api/calls/:id/whisper",
    {
      ...access("calls.whisper"),
      schema: {
        ...schema,
        summary: "Whisper to the agent, or have it say something",
        body: Whisper,
        response: {
          202: Call.describe(
            "The agent is told within a second; what became of it is on the timeline (operator.whispered, whisper.failed).",
          ),
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      return reply.code(202).send(await act(request, "whisper", "call.whispered", (call, by) => inCall.whisper(call, body, by)));
    },
  );

  for (const [path, on, summary] of [
    ["mute", true, "Let nobody hear the party on the phone"],
    ["unmute", false, "Let the party on the phone be heard again"],
  ] as const) {
    door.post(
      `/api/calls/:id/${path}`,
      { ...access("calls.mute"), schema: { ...schema, summary, body: Nothing, response: { 202: Call } } },
      async (request, reply) =>
        reply.code(202).send(await act(request, "mute", on ? "call.muted" : "call.unmuted", (call, by) => inCall.mute(call, on, by))),
    );
  }
}
