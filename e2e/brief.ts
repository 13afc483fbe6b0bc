/** A person who says two things and lets the agent end the call: a whole conversation in about twenty seconds. */
export const briefNumber = "+12025550191";

export const briefPeople = {
  people: [
    {
      number: briefNumber,
      habit: "Says two things and leaves the end to the agent.",
      voice: "rms",
      whenDialled: { answers: { afterMs: 500 } },
      script: [
        { after: { silenceMs: 700, atMostMs: 8_000 }, say: { text: "Half past three would be perfect for me." } },
        { after: { silenceMs: 700, atMostMs: 8_000 }, say: { text: "Wonderful. Thank you very much for your help. Goodbye." } },
        { after: { silenceMs: 1_500, atMostMs: 15_000 }, hangUp: true },
      ],
    },
  ],
};
