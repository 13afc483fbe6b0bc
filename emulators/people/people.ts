import { Person } from "./person.ts";

/** The agents' side of the table: the number that belongs to whoever runs the application. */
export const OUR_NUMBER = "+12025550100";

const afterTheAgent = { silenceMs: 900, atMostMs: 8_000 };

/**
 * The table of emulated people. Numbers are fictitious (555-01xx is reserved for that). Adding a number is adding a row here; the README's
 * table is checked against it.
 */
export const people: readonly Person[] = [
  {
    number: "+12025550101",
    habit: "The polite caller: answers after two rings, listens, asks three things in turn, thanks and hangs up.",
    voice: "rms",
    script: [
      { after: afterTheAgent, say: { text: "Hello, yes, this is a good moment. How can I help you?" } },
      { after: afterTheAgent, say: { text: "Oh, that is right. Could we move my appointment to Thursday afternoon, please?" } },
      { after: afterTheAgent, say: { text: "Half past three would be perfect for me." } },
      { after: afterTheAgent, say: { text: "Wonderful. Thank you very much for your help. Goodbye." } },
      { after: { silenceMs: 700, atMostMs: 4_000 }, hangUp: true },
    ],
  },
  {
    number: "+12025550102",
    habit: "The interrupter: starts speaking in the middle of a longer answer, goes on, and hangs up.",
    voice: "awb",
    script: [
      { after: afterTheAgent, say: { text: "Hi. Tell me everything you can do for me." } },
      { after: { speechMs: 1_800, atMostMs: 10_000 }, say: { text: "Sorry, stop. I only want to know what it costs." } },
      { after: { speechMs: 1_200, atMostMs: 10_000 }, say: { text: "No, wait. I have to think about it first." } },
      { after: afterTheAgent, say: { text: "I will call you back tomorrow. Bye." } },
      { after: { silenceMs: 500, atMostMs: 3_000 }, hangUp: true },
    ],
  },
  { number: "+12025550103", habit: "Always busy.", whenDialled: { refuses: "busy" } },
  { number: "+12025550104", habit: "Never answers: it rings until the caller gives up.", whenDialled: { never: "answers" } },
  {
    number: "+12025550105",
    habit: "A voicemail box: greeting, tone, then it records in silence and hangs up after twenty seconds.",
    voice: "kal",
    detection: { is: "machine", afterMs: 3_000 },
    script: [
      {
        after: { ms: 400 },
        say: { text: "You have reached the voice mailbox of this number. Please leave a message after the tone." },
      },
      { after: { ms: 300 }, beep: { hz: 1_000, ms: 500 } },
      { after: { ms: 20_000 }, hangUp: true },
    ],
  },
  {
    number: "+12025550106",
    habit: "The inbound caller: calls us about an order. When dialled, declines and calls back two seconds later.",
    voice: "rms-brisk",
    whenDialled: { refuses: "rejected", detail: "declined", sipCode: 603, afterMs: 1_500 },
    callsBackAfterMs: 2_000,
    script: [
      { after: afterTheAgent, say: { text: "Good morning. I am calling about my order. It has not arrived yet." } },
      { after: afterTheAgent, say: { text: "The order number is four seven one one." } },
      { after: afterTheAgent, say: { text: "All right, then I will wait until Friday. Thank you, goodbye." } },
      { after: { silenceMs: 700, atMostMs: 4_000 }, hangUp: true },
    ],
  },
].map((row) => Person.parse(row));
