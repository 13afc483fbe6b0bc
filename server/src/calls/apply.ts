import type { CarrierEvent } from "../carrier/port.ts";
import type { Sql } from "../db/pool.ts";
import type { CallId, WebhookId } from "../ids.ts";
import { announceRecording, expectRecording } from "../recordings/announce.ts";
import { after, ENDING_S } from "./deadlines.ts";
import { type NewEvent, recordEvents } from "./events.ts";
import { type Heard, hear, isLegWord } from "./hear.ts";
import type { Known } from "./known.ts";
import { receiveCall } from "./receive.ts";
import { type Change, type Found, findCall, findCalls, lockCall, lockCalls, lookBy, saveCalls } from "./store.ts";
import { saidOfAnswer, saidOfLeg, saidOfRest } from "./tell.ts";
import { cancelTransfersOf, noteTransferLeg } from "./transfers.ts";

/** An understood word of the carrier, and the webhook that brought it. */
export interface Word {
  readonly event: CarrierEvent;
  readonly webhook: WebhookId | null;
}

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
 * Applies understood webhooks to their calls, in the order given: legs, columns, events and notifications in the caller's transaction. Safe to
 * repeat: hearing the same word again changes nothing (hear.ts). `now` is our receipt: deadlines count from it.
 *
 * What moves legs, and that is nearly everything a carrier says, is heard in memory and written for all calls together: a storm costs a few
 * statements instead of a dozen a word (bench/webhooks: 520 a second one by one). A call of which there is something else to say is done word by word.
 */
export async function applyCarrierEvents(sql: Sql, words: readonly Word[], now: Date): Promise<Verdict[]> {
  const found = await findCalls(
    sql,
    words.map(({ event }) => event),
  );
  const verdicts: (Verdict | undefined)[] = words.map(() => undefined);
  const isPlain = (i: number): boolean => isLegWord((words[i] as Word).event) && found[i]?.call !== null;
  const others = new Set(words.flatMap((_, i) => (isPlain(i) ? [] : [found[i]?.call, words[i]?.event.call])));
  const plain = words.flatMap((word, i) =>
    isPlain(i) && !others.has(found[i]?.call) ? [{ i, word, call: found[i]?.call as CallId }] : [],
  );
  const heard = await applyLegWords(sql, plain, now);
  plain.forEach(({ i }, nth) => {
    verdicts[i] = heard[nth];
  });
  for (const [i, word] of words.entries()) verdicts[i] ??= await applyOne(sql, word, now);
  return verdicts as Verdict[];
}

/** The same of a single word. */
export async function applyCarrierEvent(sql: Sql, event: CarrierEvent, webhook: WebhookId | null, now: Date): Promise<Verdict> {
  return (await applyCarrierEvents(sql, [{ event, webhook }], now))[0] as Verdict;
}

/** Words about legs of calls we have: each is heard upon what the one before left, and the last state of each call is written. */
async function applyLegWords(sql: Sql, words: readonly { readonly word: Word; readonly call: CallId }[], now: Date): Promise<Verdict[]> {
  if (words.length === 0) return [];
  const before = await lockCalls(sql, [...new Set(words.map(({ call }) => call))]);
  const known = new Map(before);
  const steps: { readonly had: Known; readonly heard: Heard; readonly word: Word; readonly transferred: boolean }[] = [];
  for (const { word, call } of words) {
    const had = known.get(call);
    if (had === undefined || !isLegWord(word.event)) throw new Error("A call that was just found is not there.");
    const heard = hear(had, word.event, now);
    known.set(call, heard.known);
    steps.push({ had, heard, word, transferred: await noteTransferLeg(sql, had, heard.known, word.event.leg) });
  }
  await saveCalls(
    sql,
    [...known].map(([call, last]): Change => ({ before: before.get(call) as Known, after: last })),
  );
  await recordEvents(
    sql,
    steps.flatMap(({ had, heard, word }) => saidOfLeg(had, heard, word.event, word.webhook)),
  );
  for (const { had, heard } of steps) await expectWhenAnswered(sql, had, heard.known);
  await cancelTransfersOf(
    sql,
    steps.flatMap(({ heard }) => (heard.became.includes("ended") ? [heard.known] : [])),
  );
  return steps.map(({ had, heard, word, transferred }) => verdictOf(had, heard, word.event, transferred));
}

function verdictOf(had: Known, heard: Heard, event: CarrierEvent, transferred: boolean): Verdict {
  const { call, legs } = heard.known;
  const machine = event.happened === "machine" && (had.call.answeredBy !== "machine" || (had.call.beepAt === null && call.beepAt !== null));
  const named = had.call.phoneLeg === null && call.phoneLeg !== null;
  const moved: readonly [Moved, boolean][] = [
    ["ringing", heard.became.includes("ringing")],
    ["answered", heard.became.includes("in_progress")],
    ["machine", machine],
    ["transferred", transferred],
    ["ended", heard.became.includes("ended")],
    ["hang up", named && had.call.hangupAskedAt !== null && call.status !== "ended"],
  ];
  return {
    verdict: heard.verdict,
    because: heard.verdict === "late" ? `The leg is ${legs.find((leg) => leg.leg === event.leg)?.status} already.` : null,
    call: call.id,
    moved: moved.flatMap(([what, did]) => (did ? [what] : [])),
  };
}

/** A word by itself, whatever it says. */
async function applyOne(sql: Sql, { event, webhook }: Word, now: Date): Promise<Verdict> {
  const found = await findCall(sql, event);
  if (found.contradicts) return unknown("Its URL names one call and its leg belongs to another.");
  if (event.happened === "recorded") return recorded(sql, event, found, now);
  const call = found.call ?? (await receivedBy(sql, event, now));
  if (call === null) return unknown("No call of ours has this id, leg or conversation (yet).");
  if (isLegWord(event)) return (await applyLegWords(sql, [{ word: { event, webhook }, call }], now))[0] as Verdict;
  const known = await lockCall(sql, call);
  if (known === null) throw new Error("A call that was just found is not there.");
  if (event.happened === "moved") await sql.query("update calls set conversation = $2 where id = $1", [call, event.conversationTo]);
  await recordEvents(sql, saidOfRest(known, event, webhook));
  return { verdict: "kept", because: null, call, moved: [] };
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
async function recorded(sql: Sql, event: CarrierEvent & { happened: "recorded" }, { call }: Found, now: Date): Promise<Verdict> {
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

/** The answer becomes known to us: the timeline has it, and from now on the carrier's recording is expected, when the agent wants one. */
export async function noteAnswer(sql: Sql, before: Known, after: Known): Promise<void> {
  const told: readonly NewEvent[] = saidOfAnswer(before, after, "us", null);
  await recordEvents(sql, told);
  await expectWhenAnswered(sql, before, after);
}

async function expectWhenAnswered(sql: Sql, before: Known, { call }: Known): Promise<void> {
  if (before.call.answeredAt === null && call.answeredAt !== null && call.record)
    await expectRecording(sql, call.id, "carrier", call.answeredAt);
}

function unknown(because: string): Verdict {
  return { verdict: "unknown_call", because, call: null, moved: [] };
}
