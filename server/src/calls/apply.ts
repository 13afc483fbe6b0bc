import type { CarrierEvent } from "../carrier/port.ts";
import type { Sql } from "../db/pool.ts";
import type { CallId, WebhookId } from "../ids.ts";
import { announceRecording, expectRecording } from "../recordings/announce.ts";
import { after, ENDING_S } from "./deadlines.ts";
import { recordEvent } from "./events.ts";
import { type Heard, hear, isLegWord } from "./hear.ts";
import type { Known } from "./known.ts";
import { receiveCall } from "./receive.ts";
import { findCall, lockCall, lookBy, saveCall } from "./store.ts";
import { noteTransferLeg } from "./transfers.ts";

/** What became of a carrier's word. `moved`: what others should act upon, after the commit. */
export interface Verdict {
  readonly verdict: "applied" | "kept" | "late" | "unknown_call";
  readonly because: string | null;
  readonly call: CallId | null;
  readonly moved: readonly Moved[];
}

/** `machine`: one answered, or its beep was heard. `transferred`: the caller speaks with a person now. `hang up`: someone asked for the end before the carrier had named a leg; now there is one. */
export type Moved = "ringing" | "answered" | "machine" | "transferred" | "ended" | "recorded" | "hang up";

/**
 * Applies one understood webhook to its call: legs, columns, events and notification in the caller's transaction. Safe to repeat: hearing the
 * same word again changes nothing (hear.ts). `now` is our receipt: deadlines count from it.
 */
export async function applyCarrierEvent(sql: Sql, event: CarrierEvent, webhook: WebhookId | null, now: Date): Promise<Verdict> {
  const found = await findCall(sql, event);
  if (found.contradicts) return unknown("Its URL names one call and its leg belongs to another.");
  if (event.happened === "recorded") return recorded(sql, event, found.call, now);
  const id = found.call ?? (await receivedBy(sql, event, now));
  const known = id === null ? null : await lockCall(sql, id);
  if (known === null) return unknown("No call of ours has this id, leg or conversation (yet).");
  const call = known.call.id;

  if (!isLegWord(event)) {
    await tell(sql, known, event, webhook);
    return { verdict: "kept", because: null, call, moved: [] };
  }
  const heard = hear(known, event, now);
  await saveCall(sql, known, heard.known);
  await tellOfLeg(sql, known, heard, event, webhook);
  const machine =
    event.happened === "machine" &&
    (known.call.answeredBy !== "machine" || (known.call.beepAt === null && heard.known.call.beepAt !== null));
  const transferred = await noteTransferLeg(sql, known, heard.known, event.leg);
  const named = known.call.phoneLeg === null && heard.known.call.phoneLeg !== null;
  return {
    verdict: heard.verdict,
    because: heard.verdict === "late" ? `The leg is ${heard.known.legs.find((leg) => leg.leg === event.leg)?.status} already.` : null,
    call,
    moved: [
      ...(heard.became.includes("ringing") ? (["ringing"] as const) : []),
      ...(heard.became.includes("in_progress") ? (["answered"] as const) : []),
      ...(machine ? (["machine"] as const) : []),
      ...(transferred ? (["transferred"] as const) : []),
      ...(heard.became.includes("ended") ? (["ended"] as const) : []),
      ...(named && known.call.hangupAskedAt !== null && heard.known.call.status !== "ended" ? (["hang up"] as const) : []),
    ],
  };
}

/**
 * Somebody called us and the carrier's question for instructions never came, or comes later: the call's row is made from what is told of it, so that
 * it is accounted for. Null when the word is not about such a call.
 */
async function receivedBy(sql: Sql, event: CarrierEvent, now: Date): Promise<CallId | null> {
  const { leg, conversation, from, to } = event;
  if (event.inbound !== true || event.call !== null || event.kind !== "phone" || leg === null || !isLegWord(event)) return null;
  return (await receiveCall(sql, { leg, conversation, from, to, regionUrl: null }, now)).call;
}

/** A recording is announced whether or not we know its call yet: the room of recordings keeps it by its conversation. */
async function recorded(sql: Sql, event: CarrierEvent & { happened: "recorded" }, call: CallId | null, now: Date): Promise<Verdict> {
  await announceRecording(sql, {
    call,
    conversation: event.conversation,
    recording: event.recording,
    url: event.url,
    sizeBytes: event.sizeBytes,
    startedAt: event.startedAt,
    endedAt: event.endedAt,
    at: event.at,
  });
  // It is announced when it is over, and that is mostly the call's end.
  if (call !== null) await lookBy(sql, call, after(now, ENDING_S));
  return {
    verdict: "applied",
    because: call === null ? "Its call is not known; the recording waits for it." : null,
    call,
    moved: ["recorded"],
  };
}

/** The timeline of words that move legs: what happened to the call, else what happened to its audio, else that a word came too late. */
export async function tellOfLeg(sql: Sql, before: Known, heard: Heard, event: CarrierEvent, webhook: WebhookId | null): Promise<void> {
  const { call } = heard.known;
  const base = { call: call.id, actor: "carrier", webhook } as const;
  await tellOfAnswer(sql, before, heard.known, "carrier", webhook);
  if (before.call.ringingAt === null && call.ringingAt !== null) {
    await recordEvent(sql, { ...base, at: call.ringingAt, kind: "call.ringing", said: "It rings.", once: "ringing" });
  }
  await tellOfEnd(sql, before, heard, webhook);
  const kind = heard.known.legs.find((leg) => leg.leg === event.leg)?.kind;
  if (kind === "socket") await tellOfAudio(sql, event, base);
  if (event.happened === "human" || event.happened === "machine") {
    const said =
      event.happened === "human" ? "The carrier thinks a human answered." : `The carrier thinks a machine answered${beeped(event.beep)}.`;
    await recordEvent(sql, { ...base, at: event.at, kind: `call.${event.happened}`, said, once: `${event.happened}:${event.beep ?? ""}` });
  }
  // Only what would have moved the call is worth a line; a late `started`, or a second word of the same fact, is in the webhooks' verdicts.
  if (heard.verdict === "late" && kind === "phone" && event.happened === "ringing") {
    const said = "A late word of the carrier, ringing, moved nothing.";
    await recordEvent(sql, {
      ...base,
      at: event.at,
      kind: "webhook.late",
      said,
      detail: { leg: event.leg },
      once: `late:${event.leg}:ringing`,
    });
  }
}

/** The answer becomes known: the timeline has it, and from now on the carrier's recording is expected, when the agent wants one. */
export async function tellOfAnswer(
  sql: Sql,
  before: Known,
  after: Known,
  actor: "carrier" | "us",
  webhook: WebhookId | null,
): Promise<void> {
  const { id: call, answeredAt: at, record } = after.call;
  if (before.call.answeredAt !== null || at === null) return;
  await recordEvent(sql, { call, at, kind: "call.answered", actor, said: "The call was answered.", webhook, once: "answered" });
  if (record) await expectRecording(sql, call, "carrier", at);
}

/** The end, or a more exact reason for it. */
export async function tellOfEnd(
  sql: Sql,
  before: Known,
  heard: Pick<Heard, "known" | "became" | "revised">,
  webhook: WebhookId | null,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { call } = heard.known;
  const base = { call: call.id, at: call.endedAt ?? new Date(0), actor: "carrier", webhook } as const;
  const reason = { end_reason: call.endReason, ...detail };
  if (heard.became.includes("ended")) {
    const actor = call.endReason === "lost" || call.endReason === "not_dialed" ? "us" : "carrier";
    await recordEvent(sql, {
      ...base,
      actor,
      kind: "call.ended",
      said: `The call ended. ${call.endDetail ?? ""}`.trim(),
      detail: reason,
      once: "ended",
    });
  } else if (heard.revised) {
    const was = { ...reason, was: before.call.endReason };
    const said = `Why the call ended is known better now. ${call.endDetail ?? ""}`.trim();
    await recordEvent(sql, { ...base, kind: "call.end_revised", said, detail: was, once: `ended:${call.endReason}` });
  }
}

async function tellOfAudio(
  sql: Sql,
  event: CarrierEvent,
  base: { call: CallId; actor: "carrier"; webhook: WebhookId | null },
): Promise<void> {
  const say = (kind: string, said: string) =>
    recordEvent(sql, { ...base, at: event.at, kind, said, detail: { leg: event.leg }, once: `${kind}:${event.leg}` });
  if (event.happened === "answered") await say("audio.connected", "The carrier connected the call's audio to us.");
  if (event.happened === "disconnected") await say("audio.lost", "The audio connection broke off; the carrier asked what to do.");
  if (event.happened === "ended" && event.end !== "completed")
    await say("audio.failed", `The carrier could not connect the audio (${event.status}).`);
}

/** Words that move nothing, kept on the timeline. */
async function tell(sql: Sql, known: Known, event: CarrierEvent, webhook: WebhookId | null): Promise<void> {
  const base = { call: known.call.id, at: event.at, webhook } as const;
  switch (event.happened) {
    case "input":
      if (event.digits === null) return;
      await recordEvent(sql, {
        ...base,
        actor: "caller",
        kind: "keys.pressed",
        said: `The caller pressed ${event.digits}.`,
        detail: { digits: event.digits },
      });
      return;
    case "moved":
      await sql.query("update calls set conversation = $2 where id = $1", [known.call.id, event.conversationTo]);
      await recordEvent(sql, {
        ...base,
        actor: "carrier",
        kind: "call.moved",
        said: "The call was moved to another conversation.",
        detail: { to: event.conversationTo },
      });
      return;
    case "troubled":
      await recordEvent(sql, {
        ...base,
        actor: "carrier",
        kind: "carrier.troubled",
        said: `The carrier reports a problem: ${event.reason}`,
      });
      return;
    case "other":
      await recordEvent(sql, {
        ...base,
        actor: "carrier",
        kind: "carrier.said",
        said: `The carrier says "${event.status}", which moves nothing.`,
      });
      return;
    case "started":
    case "ringing":
    case "answered":
    case "ended":
    case "disconnected":
    case "machine":
    case "human":
    case "recorded":
      return;
  }
}

function unknown(because: string): Verdict {
  return { verdict: "unknown_call", because, call: null, moved: [] };
}

function beeped(beep: "start" | "timeout" | null): string {
  if (beep === "start") return " and heard its beep";
  return beep === "timeout" ? " and heard no beep" : "";
}
