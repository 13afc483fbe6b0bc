import { z } from "zod";

/** Something a person says: words in a voice of `emulators/speech/voice.ts`, or a sound file (WAV, 16-bit, any rate, mono). */
export const Line = z.union([
  z.strictObject({ text: z.string().min(1), voice: z.string().optional() }),
  /** `text` is what the file says, for whoever reads along. A relative path is meant from the people file it stands in. */
  z.strictObject({ wav: z.string().min(1), text: z.string().optional() }),
]);
export type Line = z.infer<typeof Line>;

const ms = z.int().min(0).max(7_200_000);

/** When a step of the script is due. All times are of the sound the person hears, not of a wall clock. */
export const Moment = z.union([
  /** The other side has spoken since this person's last deed, and has now been silent so long; at the latest after `atMostMs` without speech. */
  z.strictObject({ silenceMs: ms, atMostMs: ms.default(10_000) }),
  /** The other side has been talking so long in one go (breaths of up to 600 ms count in); at the latest after `atMostMs` since the last deed. */
  z.strictObject({ speechMs: ms, atMostMs: ms.default(20_000) }),
  /** So long after the last deed ended, whatever is heard. */
  z.strictObject({ ms }),
]);
export type Moment = z.infer<typeof Moment>;

/** One step of a script: a moment and one deed. */
export const Step = z.union([
  z.strictObject({ after: Moment, say: Line }),
  /** A tone in the line, such as a voicemail box's. */
  z.strictObject({ after: Moment, beep: z.strictObject({ hz: z.number().min(100).max(4000), ms: z.int().min(40).max(5000) }) }),
  z.strictObject({ after: Moment, press: z.string().regex(/^[0-9*#]+$/) }),
  z.strictObject({ after: Moment, hangUp: z.literal(true) }),
]);
export type Step = z.infer<typeof Step>;

/** What happens when the number is dialled. Details and SIP codes are those of Vonage's event webhooks. */
export const WhenDialled = z.union([
  z.strictObject({ answers: z.strictObject({ afterMs: ms }) }),
  z.strictObject({ never: z.literal("answers") }),
  z.strictObject({
    refuses: z.enum(["busy", "rejected", "failed", "unanswered"]),
    afterMs: ms.default(400),
    detail: z.string().optional(),
    sipCode: z.int().optional(),
    /** Does it ring before it is refused? */
    rings: z.boolean().default(true),
  }),
  /** A human in a browser decides (the emulator's /phone page). Rings for ever if nobody has the page open. */
  z.strictObject({ browser: z.literal("phone") }),
]);
export type WhenDialled = z.infer<typeof WhenDialled>;

/** What machine detection finds, and when after the answer. Taken from the table, not from the sound: see the README. */
export const Detection = z.strictObject({
  is: z.enum(["human", "machine"]),
  afterMs: ms.default(2_500),
});

/** How the network itself misbehaves on this number's calls: the failures that are dialled. */
export const Faults = z.strictObject({
  /** Every event webhook is sent twice; what the second is answered with does not matter. */
  doubles: z.boolean().optional(),
  /** Every event webhook is held back until the next one of the call has been sent. */
  reorders: z.boolean().optional(),
  /** Event webhooks with these statuses are never sent (`record` names the recording's). */
  loses: z.array(z.string()).optional(),
  /** Event webhooks wait so long before they leave. */
  delaysMs: ms.optional(),
  /** Event webhooks carry no Authorization header, or a signature by another secret. */
  signs: z.enum(["not", "wrongly"]).optional(),
  /** The first events leave, and are answered, before the create-call request gets its 201. */
  eventsFirst: z.boolean().optional(),
  /** The create-call request is carried out but its connection is cut instead of answered; or it is answered late. */
  createAnswer: z.union([z.literal("cut"), z.strictObject({ afterMs: ms })]).optional(),
  /** The call lives in another region: its `region_url` works, the plain host says 404. */
  elsewhere: z.boolean().optional(),
  /** The network cuts the audio socket this long after it opened; the phone leg stays. */
  cutsSocketAfterMs: ms.optional(),
  /** The network finds nobody at the audio socket's address. */
  refusesSocket: z.boolean().optional(),
  /** A good answer to a question how to go on is lost on its way back: the question comes once more, and the second answer counts. */
  asksTwice: z.boolean().optional(),
  /** The record webhook comes before any `completed`, twice, or this much later than usual. */
  record: z.union([z.enum(["first", "twice"]), z.strictObject({ laterMs: ms })]).optional(),
  /** What is wrong with the recording's file. */
  file: z
    .enum(["empty", "404 then 200", "500 then 200", "truncated", "short", "slow", "not audio", "gone", "on a foreign host"])
    .optional(),
});
export type Faults = z.infer<typeof Faults>;

/** One emulated person: a number, a habit, a voice, and how they talk. */
export const Person = z.strictObject({
  /** E.164. */
  number: z.string().regex(/^\+[1-9]\d{6,14}$/),
  /** One sentence for the table of numbers. */
  habit: z.string().min(1),
  voice: z.string().default("rms"),
  whenDialled: WhenDialled.default({ answers: { afterMs: 1_500 } }),
  script: z.array(Step).default([]),
  /** Begin the script anew at its end, until someone hangs up. */
  repeats: z.boolean().default(false),
  /** Calls this number back so long after having refused or ended a call of it. */
  callsBackAfterMs: ms.optional(),
  detection: Detection.default({ is: "human", afterMs: 2_500 }),
  faults: Faults.default({}),
});
export type Person = z.infer<typeof Person>;

/** A people file: replaces or adds by number. */
export const PeopleFile = z.strictObject({ people: z.array(Person) });

/** Every text that can be heard from these people, with its voice: the phrase book a listener may recognise them by. */
export function linesSpoken(people: readonly Person[]): { readonly text: string; readonly voice: string }[] {
  const spoken = new Map<string, { text: string; voice: string }>();
  for (const person of people) {
    for (const step of person.script) {
      if (!("say" in step) || "wav" in step.say) continue;
      const line = { text: step.say.text, voice: step.say.voice ?? person.voice };
      spoken.set(`${line.voice}: ${line.text}`, line);
    }
  }
  return [...spoken.values()];
}
