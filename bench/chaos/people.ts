/**
 * The people of the chaos run: each call is a whole conversation of about 25 seconds. They speak again when they hear nothing for a while, as
 * people do whose line went dead for a moment, so that a call that lives can go on.
 */
export const callee = { ours: "+12025550100", brief: "+12025550192", patient: "+12025550193" } as const;

const person = (number: string, habit: string, voice: string, atMostMs: number, lines: readonly string[]) => ({
  number,
  habit,
  voice,
  whenDialled: { answers: { afterMs: 600 } },
  script: [
    ...lines.map((text) => ({ after: { silenceMs: 700, atMostMs }, say: { text } })),
    { after: { silenceMs: 1_500, atMostMs: 15_000 }, hangUp: true },
  ],
});

export const people = {
  people: [
    person(callee.brief, "Says two things and leaves the end to the agent.", "rms", 8_000, [
      "Half past three would be perfect for me.",
      "Wonderful. Thank you very much for your help. Goodbye.",
    ]),
    person(callee.patient, "Says three things, and waits longer for an answer.", "slt", 12_000, [
      "Can you tell me how much a first appointment costs?",
      "Half past three would be perfect for me.",
      "Wonderful. Thank you very much for your help. Goodbye.",
    ]),
  ],
};
