import type { CarrierEvent } from "../carrier/port.ts";
import type { CallId, WebhookId } from "../ids.ts";
import type { NewEvent } from "./events.ts";
import type { Heard } from "./hear.ts";
import type { Known } from "./known.ts";

/** What the timeline says of the carrier's words. Pure: `events.ts` writes it. */

/** Of a word that moves a leg: what happened to the call, else what happened to its audio, else that a word came too late. */
export function saidOfLeg(before: Known, heard: Heard, event: CarrierEvent, webhook: WebhookId | null): NewEvent[] {
  const { call } = heard.known;
  const base = { call: call.id, actor: "carrier", webhook } as const;
  const kind = heard.known.legs.find((leg) => leg.leg === event.leg)?.kind;
  const told: NewEvent[] = [...saidOfAnswer(before, heard.known, "carrier", webhook)];
  if (before.call.ringingAt === null && call.ringingAt !== null)
    told.push({ ...base, at: call.ringingAt, kind: "call.ringing", said: "It rings.", once: "ringing" });
  told.push(...saidOfEnd(before, heard, webhook));
  if (kind === "socket") told.push(...saidOfAudio(event, base));
  if (event.happened === "human" || event.happened === "machine") {
    const said =
      event.happened === "human" ? "The carrier thinks a human answered." : `The carrier thinks a machine answered${beeped(event.beep)}.`;
    told.push({ ...base, at: event.at, kind: `call.${event.happened}`, said, once: `${event.happened}:${event.beep ?? ""}` });
  }
  // Only what would have moved the call is worth a line; a late `started`, or a second word of the same fact, is in the webhooks' verdicts.
  if (heard.verdict === "late" && kind === "phone" && event.happened === "ringing") {
    const said = "A late word of the carrier, ringing, moved nothing.";
    told.push({ ...base, at: event.at, kind: "webhook.late", said, detail: { leg: event.leg }, once: `late:${event.leg}:ringing` });
  }
  return told;
}

/** That the answer became known; empty when it was before, or is not. */
export function saidOfAnswer(before: Known, after: Known, actor: "carrier" | "us", webhook: WebhookId | null): NewEvent[] {
  const { id: call, answeredAt: at } = after.call;
  if (before.call.answeredAt !== null || at === null) return [];
  return [{ call, at, kind: "call.answered", actor, said: "The call was answered.", webhook, once: "answered" }];
}

/** The end, or a more exact reason for it. */
export function saidOfEnd(
  before: Known,
  heard: Pick<Heard, "known" | "became" | "revised">,
  webhook: WebhookId | null,
  detail: Readonly<Record<string, unknown>> = {},
): NewEvent[] {
  const { call } = heard.known;
  const base = { call: call.id, at: call.endedAt ?? new Date(0), actor: "carrier", webhook } as const;
  const reason = { end_reason: call.endReason, ...detail };
  if (heard.became.includes("ended")) {
    const actor = call.endReason === "lost" || call.endReason === "not_dialed" ? "us" : "carrier";
    const said = `The call ended. ${call.endDetail ?? ""}`.trim();
    return [{ ...base, actor, kind: "call.ended", said, detail: reason, once: "ended" }];
  }
  if (!heard.revised) return [];
  const was = { ...reason, was: before.call.endReason };
  const said = `Why the call ended is known better now. ${call.endDetail ?? ""}`.trim();
  return [{ ...base, kind: "call.end_revised", said, detail: was, once: `ended:${call.endReason}` }];
}

function saidOfAudio(event: CarrierEvent, base: { call: CallId; actor: "carrier"; webhook: WebhookId | null }): NewEvent[] {
  const say = (kind: string, said: string): NewEvent[] => [
    { ...base, at: event.at, kind, said, detail: { leg: event.leg }, once: `${kind}:${event.leg}` },
  ];
  if (event.happened === "answered") return say("audio.connected", "The carrier connected the call's audio to us.");
  if (event.happened === "disconnected") return say("audio.lost", "The audio connection broke off; the carrier asked what to do.");
  if (event.happened === "ended" && event.end !== "completed")
    return say("audio.failed", `The carrier could not connect the audio (${event.status}).`);
  return [];
}

/** Of a word that moves no leg. */
export function saidOfRest({ call }: Known, event: CarrierEvent, webhook: WebhookId | null): NewEvent[] {
  const base = { call: call.id, at: event.at, actor: "carrier", webhook } as const;
  switch (event.happened) {
    case "input":
      if (event.digits === null) return [];
      return [
        { ...base, actor: "caller", kind: "keys.pressed", said: `The caller pressed ${event.digits}.`, detail: { digits: event.digits } },
      ];
    case "moved":
      return [{ ...base, kind: "call.moved", said: "The call was moved to another conversation.", detail: { to: event.conversationTo } }];
    case "troubled":
      return [{ ...base, kind: "carrier.troubled", said: `The carrier reports a problem: ${event.reason}` }];
    case "other":
      return [{ ...base, kind: "carrier.said", said: `The carrier says "${event.status}", which moves nothing.` }];
    case "started":
    case "ringing":
    case "answered":
    case "ended":
    case "disconnected":
    case "machine":
    case "human":
    case "recorded":
      return [];
  }
}

function beeped(beep: "start" | "timeout" | null): string {
  if (beep === "start") return " and heard its beep";
  return beep === "timeout" ? " and heard no beep" : "";
}
