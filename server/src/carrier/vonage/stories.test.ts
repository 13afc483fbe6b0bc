import { type EndReason, endReasonNames } from "@earshot/contract/status";
import { describe, expect, it } from "vitest";
import { hear, isLegWord, settle } from "../../calls/hear.ts";
import type { CallKnown, Known } from "../../calls/known.ts";
import { judge } from "../../calls/watchdog.ts";
import type { CallId, LegId } from "../../ids.ts";
import { statuses } from "./statuses.ts";
import { chance, INBOUND_PHONE, jumbled, type Story, stories, type Told } from "./test-stories.ts";
import { marksOf, readJson, readWebhook } from "./wire.ts";

const CALL = "0199a0b1-7d1f-7000-8000-000000000001" as CallId;
const DIALED = new Date("2026-03-04T10:00:00.000Z");
const LATER = new Date("2026-03-04T10:05:00.000Z");
const MUCH_LATER = new Date("2026-03-04T14:00:00.000Z");

function beginning(story: Story): Known {
  const call: CallKnown = {
    id: CALL,
    direction: story.direction,
    status: story.direction === "outbound" ? "dialing" : "ringing",
    endReason: null,
    endDetail: null,
    createdAt: DIALED,
    dialedAt: story.direction === "outbound" ? DIALED : null,
    ringingAt: story.direction === "outbound" ? null : DIALED,
    answeredAt: null,
    endedAt: null,
    deadlineAt: LATER,
    askedAt: null,
    hangupAskedAt: story.hangupAskedBy ? new Date("2026-03-04T10:00:04.000Z") : null,
    hangupAskedBy: story.hangupAskedBy ?? null,
    hangupBecause: null,
    answeredBy: null,
    beepAt: null,
    messageAt: story.messageLeft ? new Date("2026-03-04T10:00:20.000Z") : null,
    closedAt: story.closed ? DIALED : null,
    phoneLeg: story.direction === "outbound" ? null : (INBOUND_PHONE as LegId),
    socketLeg: null,
    handedOver: story.webhooks.some(({ marks }) => marks?.endsWith("transfer")),
    conversation: null,
    socketStartedAt: null,
    maxMinutes: story.maxMinutes ?? 30,
    record: true,
  };
  return { call, legs: [] };
}

/** Hears literal webhooks one after the other, as the server would. */
function after(story: Story, webhooks: readonly Told[]): Known {
  let known = beginning(story);
  for (const { marks, body } of webhooks) {
    const reading = readWebhook(
      readJson(Buffer.from(body)),
      marksOf(`/webhooks/vonage/event${(marks ?? "").replace("CALL", CALL)}`),
      LATER,
      "digest",
    );
    if (!reading.understood) throw new Error(`${reading.because} ${body}`);
    if (!isLegWord(reading.event)) continue;
    const heard = hear(known, reading.event, LATER);
    expect(statusRank(heard.known), "a status never goes back").toBeGreaterThanOrEqual(statusRank(known));
    known = heard.known;
  }
  return known;
}

/** The same of another connection of our audio. */
const another = ({ marks, body }: Told): Told => ({
  marks,
  body: body.replace("0a1b2c3d-0000-4111-8222-333344445555", "0a1b2c3d-0000-4111-8222-333344446666"),
});

const statusRank = ({ call }: Known): number => ["queued", "dialing", "ringing", "in_progress", "ended"].indexOf(call.status);

/** What order must not change. */
function result({ call, legs }: Known) {
  const { deadlineAt, ...facts } = call;
  return { ...facts, legs: legs.toSorted((a, b) => (a.leg < b.leg ? -1 : 1)) };
}

describe("a call told by its webhooks", () => {
  it.each(stories)("$title: ends as $ends", (story) => {
    const { call } = after(story, story.webhooks);
    expect(call.status).toBe("ended");
    expect(call.endReason).toBe(story.ends);
    expect(call.endDetail).toMatch(/^[A-Z].*\.$/);
    expect(call.answeredAt === null ? null : (call.endedAt?.getTime() ?? 0) - call.answeredAt.getTime()).toBe(story.talkMs);
    expect(call.deadlineAt).toBeNull();
  });

  it.each(stories)("$title: ends the same in every order and with every doubling", (story) => {
    const right = result(after(story, story.webhooks));
    for (let seed = 1; seed <= 300; seed++)
      expect(result(after(story, jumbled(story.webhooks, chance(seed)))), `seed ${seed}`).toEqual(right);
  });

  it.each(stories)("$title: ends the same or as lost when webhooks are lost", (story) => {
    for (let seed = 1; seed <= 300; seed++) {
      const heard = after(story, jumbled(story.webhooks, chance(seed), 0.4));
      const { call } = heard.call.status === "ended" ? heard : lookedAt(heard);
      expect(call.status, `seed ${seed}`).toBe("ended");
      expect([story.ends, "lost"], `seed ${seed}`).toContain(call.endReason);
      if (call.endReason === "lost") expect(call.endDetail).toMatch(/No word of its end|never why|no word of what became/);
    }
  });

  it("is not ended by its socket leg, whatever becomes of that", () => {
    const story = stories[0] as Story;
    const { call } = after(
      story,
      story.webhooks.filter(({ body, marks }) => marks === "?call=CALL&leg=ws" || !body.includes('"completed"')),
    );
    expect(call.status).toBe("in_progress");
  });

  it("keeps busy when completed follows, and takes the price from it", () => {
    const story = stories.find(({ ends }) => ends === "busy") as Story;
    const { call, legs } = after(story, story.webhooks);
    expect(call.endReason).toBe("busy");
    expect(legs[0]).toMatchObject({ status: "busy", endedAs: "busy", sipCode: 486, price: "0.00", durationS: 0 });
  });

  it("tells a more exact reason when the failure comes after an end that was given up as lost", () => {
    const story = stories.find(({ ends }) => ends === "no_answer") as Story;
    const lost = lookedAt(after(story, story.webhooks.slice(0, 2)));
    expect(lost.call.endReason).toBe("lost");
    const word = readWebhook(readJson(Buffer.from((story.webhooks[2] as Told).body)), marksOf(""), LATER, "");
    if (!word.understood || !isLegWord(word.event)) throw new Error("not understood");
    const heard = hear(lost, word.event, LATER);
    expect(heard).toMatchObject({ revised: true, became: [], verdict: "applied" });
    expect(heard.known.call).toMatchObject({ status: "ended", endReason: "no_answer" });
  });

  it("is the carrier's failure when that comes while people speak", () => {
    const story = stories[0] as Story;
    const { body } = story.webhooks[1] as Told;
    const failed = body.replace('"ringing"', '"failed","detail":"internal_error"').replace("10:00:02.120Z", "10:01:19.300Z");
    for (const order of [1, -1]) {
      const { call } = after(
        story,
        [...story.webhooks, { marks: "?call=CALL", body: failed } as const].sort(() => order),
      );
      expect(call.endReason).toBe("carrier_failed");
      expect(call.endDetail).toContain("internal_error");
    }
  });

  it("is lost audio when somebody hangs up who was never connected to it, in every order; not when they had heard us, or left at once", () => {
    const broken = stories.find(({ title }) => title === "the audio socket cannot be opened") as Story;
    const by = (body: string, time: string) =>
      body.replace('"disconnected_by":"platform"', '"disconnected_by":"user"').replace("00:14.000", time);
    const gaveUp = (time = "00:14.000") => broken.webhooks.map(({ marks, body }) => ({ marks, body: by(body, time) }));
    for (let seed = 1; seed <= 300; seed++) {
      const { call } = after(broken, jumbled(gaveUp(), chance(seed)));
      expect(call.endReason, `seed ${seed}`).toBe("media_failed");
      expect(call.endDetail).toBe(
        "The carrier could not open the audio connection (unanswered); the person on the phone gave up after 7 s.",
      );
    }
    expect(after(broken, gaveUp("00:09.400")).call.endReason).toBe("caller_hung_up");
    const talk = (stories[0] as Story).webhooks;
    const mended = [...talk.slice(0, 3), ...broken.webhooks.slice(3, 5), ...talk.slice(3).map(another)];
    expect(after(broken, mended).call.endReason).toBe("caller_hung_up");
  });

  it("says of a late ringing that it is late, and moves nothing", () => {
    const story = stories[0] as Story;
    const known = after(story, [story.webhooks[0] as Told, story.webhooks[2] as Told]);
    const word = readWebhook(readJson(Buffer.from((story.webhooks[1] as Told).body)), marksOf(""), LATER, "");
    if (!word.understood || !isLegWord(word.event)) throw new Error("not understood");
    const heard = hear(known, word.event, LATER);
    expect(heard).toMatchObject({ verdict: "late", became: [] });
    expect(heard.known.call.status).toBe("in_progress");
  });
});

describe("what Vonage documents", () => {
  /** Written down again, from the documents (vonage-voice §2.4, §6.2): a word that goes missing in statuses.ts is missed here. */
  const documented: readonly (readonly [status: string, ...details: string[]])[] = [
    ["started"],
    ["ringing"],
    ["answered"],
    ["human"],
    ["machine"],
    ["disconnected"],
    ["busy"],
    ["cancelled"],
    ["timeout"],
    ["unanswered", "unavailable", "timeout", "carrier_timeout"],
    ["rejected", "invalid_number", "restricted", "declined"],
    ["failed", "cannot_route", "number_out_of_service", "internal_error"],
    ["completed"],
  ];
  /** Every status and detail of the phone leg, as the literal bodies of whole calls have them. */
  const told = stories.flatMap(({ webhooks, ends }) =>
    webhooks.flatMap(({ marks, body }) => {
      const { status, detail, call_uuid, uuid } = readJson(Buffer.from(body)) as Record<string, string | undefined>;
      return status === undefined || (call_uuid ?? uuid) === undefined
        ? []
        : [{ status, detail: detail ?? null, socket: marks?.endsWith("ws"), ends }];
    }),
  );
  const words = documented.flatMap(([status, ...details]) => [null, ...details].map((detail) => ({ status, detail })));

  it.each(words)("$status with detail $detail is in the literal webhooks of a whole call, which ends", ({ status, detail }) => {
    const found = told.filter((one) => one.status === status && one.detail === detail);
    expect(found.length).toBeGreaterThan(0);
    const meaning = statuses[status];
    if (meaning?.happened !== "ended" || status === "completed") return;
    // Of the phone leg, and it gives the call its end.
    expect(found.some(({ socket, ends }) => !socket && !["caller_hung_up", "lost"].includes(ends))).toBe(true);
  });

  it("is all that is understood: status by status, detail by detail", () => {
    const understood = Object.entries(statuses).map(([status, meaning]) => [
      status,
      ...(meaning.happened === "ended" ? Object.keys(meaning.details) : []),
    ]);
    const sorted = (list: readonly (readonly string[])[]) => list.map(([status, ...details]) => [status, ...details.toSorted()]).toSorted();
    expect(sorted(understood)).toEqual(sorted(documented));
  });

  it.each(["dtmf", "speech", "payload", "reason", "recording_url", "conversation_uuid_from", "transcription_url", "sub_state"])(
    "%s is in a whole call's webhooks too",
    (field) => {
      expect(stories.some(({ webhooks }) => webhooks.some(({ body }) => body.includes(`"${field}":`)))).toBe(true);
    },
  );

  it("leads to every end there is, but for those no webhook tells", () => {
    // The answer to our request (place.test.ts), a limit of ours (place.test.ts), the watchdog's last resort (watchdog.test.ts and above).
    const byOthers: readonly EndReason[] = ["carrier_refused", "not_dialed", "lost"];
    const ends = new Set<EndReason>([...stories.map((story) => story.ends), ...byOthers]);
    expect(endReasonNames.filter((reason) => !ends.has(reason))).toEqual([]);
  });
});

/** The watchdog comes, and the carrier knows nothing of the leg, twice. */
function lookedAt(known: Known): Known {
  const told = known.call.phoneLeg === null ? ({ told: "no leg" } as const) : ({ told: "not known" } as const);
  let now = known;
  for (let looks = 0; looks < 2 && now.call.status !== "ended"; looks++) {
    const judged = judge(now, told, false, MUCH_LATER);
    now = settle({ ...now, call: { ...now.call, ...judged.set } }, MUCH_LATER, judged.ending).known;
  }
  return now;
}
