import { Person } from "./person.ts";

/** The agents' side of the table: the number that belongs to whoever runs the application. */
export const OUR_NUMBER = "+12025550100";

/** The phone in a browser, when the page is not told another number. */
export const BROWSER_NUMBER = "+12025550199";

const afterTheAgent = { silenceMs: 900, atMostMs: 8_000 };

/** Two sentences and goodbye: for numbers whose point is something else. */
const brief = {
  voice: "rms",
  script: [
    { after: afterTheAgent, say: { text: "Hello. I only wanted to see whether this works." } },
    { after: afterTheAgent, say: { text: "Very good, that is all. Goodbye." } },
    { after: { silenceMs: 700, atMostMs: 3_000 }, hangUp: true },
  ],
};

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

  // How a call can fail to come about.
  ...(
    [
      ["+12025550110", "Declines the call.", "rejected", "declined", 603],
      ["+12025550111", "An invalid number: rejected.", "rejected", "invalid_number", 404],
      ["+12025550112", "A number that may not be called: rejected as restricted.", "rejected", "restricted", 403],
      ["+12025550113", "A destination without a route: failed.", "failed", "cannot_route", 503],
      ["+12025550114", "Out of service: failed.", "failed", "number_out_of_service", 404],
      ["+12025550115", "An internal error of the network: failed.", "failed", "internal_error", 500],
      ["+12025550116", "Switched off: unanswered, unavailable.", "unanswered", "unavailable", 480],
      ["+12025550117", "The far carrier gives up ringing: unanswered.", "unanswered", "carrier_timeout", 480],
    ] as const
  ).map(([number, habit, refuses, detail, sipCode]) => ({
    number,
    habit,
    whenDialled: { refuses, detail, sipCode, rings: refuses === "unanswered" || detail === "declined" },
  })),

  // How people can be difficult.
  {
    number: "+12025550118",
    habit: "Answers and hangs up at once.",
    whenDialled: { answers: { afterMs: 800 } },
    script: [{ after: { ms: 100 }, hangUp: true }],
  },
  {
    number: "+12025550119",
    habit: "Answers and never says a word; hangs up after a minute.",
    script: [{ after: { ms: 60_000 }, hangUp: true }],
  },
  {
    number: "+12025550120",
    habit: "Lets it ring for twenty seconds, then talks briefly.",
    whenDialled: { answers: { afterMs: 20_000 } },
    ...brief,
  },
  {
    number: "+12025550121",
    habit: "Never comes to an end: talks and listens in turn until hung up on.",
    voice: "awb-slow",
    script: [
      { after: afterTheAgent, say: { text: "And then there is one more thing I wanted to ask." } },
      { after: afterTheAgent, say: { text: "I see. Let me tell you a little more about that." } },
    ],
    repeats: true,
  },
  {
    number: "+12025550122",
    habit: "Presses keys instead of talking: 1, then 2 0 2 6 #, then hangs up.",
    script: [
      { after: afterTheAgent, press: "1" },
      { after: afterTheAgent, press: "2026#" },
      { after: afterTheAgent, hangUp: true },
    ],
  },
  {
    number: "+12025550123",
    habit: "A voicemail box without a tone; records in silence for twenty seconds.",
    voice: "kal",
    detection: { is: "machine", afterMs: 3_000 },
    script: [
      { after: { ms: 400 }, say: { text: "We are not at home. Please call again later." } },
      { after: { ms: 20_000 }, hangUp: true },
    ],
  },
  {
    number: "+12025550124",
    habit: "A human whom machine detection takes for a machine.",
    detection: { is: "machine", afterMs: 2_500 },
    ...brief,
  },

  // How the network can misbehave. Everybody here talks briefly and hangs up.
  ...(
    [
      ["+12025550130", "The audio socket is cut after eight seconds; the call goes on.", { cutsSocketAfterMs: 8_000 }],
      ["+12025550131", "Every event webhook comes twice.", { doubles: true }],
      ["+12025550132", "Event webhooks come in the wrong order.", { reorders: true }],
      ["+12025550133", "`completed` is never sent.", { loses: ["completed"] }],
      ["+12025550134", "`answered` is never sent.", { loses: ["answered"] }],
      ["+12025550135", "Event webhooks come five seconds late.", { delaysMs: 5_000 }],
      ["+12025550136", "Webhooks are not signed.", { signs: "not" }],
      ["+12025550137", "Webhooks are signed with another secret.", { signs: "wrongly" }],
      ["+12025550138", "The first events come before the create-call request is answered.", { eventsFirst: true }],
      ["+12025550139", "The create-call request is answered after eight seconds.", { createAnswer: { afterMs: 8_000 } }],
      ["+12025550140", "The create-call request is cut instead of answered, but the phone rings.", { createAnswer: "cut" }],
      ["+12025550141", "The call lives in another region: only its `region_url` knows it.", { elsewhere: true }],
      ["+12025550142", "The audio socket cannot be reached.", { refusesSocket: true }],
      ["+12025550143", "The answer webhook is asked twice, although it was answered well.", { asksTwice: true }],
      ["+12025550150", "The record webhook is never sent.", { loses: ["record"] }],
      ["+12025550151", "The record webhook comes before any `completed`.", { record: "first" }],
      ["+12025550152", "The record webhook comes a minute late.", { record: { laterMs: 60_000 } }],
      ["+12025550153", "The recording is empty: no URL, size 0.", { file: "empty" }],
      ["+12025550154", "The recording is 404 twice, then there.", { file: "404 then 200" }],
      ["+12025550155", "The recording is 500 twice, then there.", { file: "500 then 200" }],
      ["+12025550156", "The recording's download breaks off in the middle.", { file: "truncated" }],
      ["+12025550157", "The recording is half as long as announced.", { file: "short" }],
      ["+12025550158", "The recording comes at 10 kB a second.", { file: "slow" }],
      ["+12025550159", "The recording is a web page.", { file: "not audio" }],
      ["+12025550160", "The recording is gone: 404 for ever.", { file: "gone" }],
      ["+12025550161", "The recording lies on a foreign host.", { file: "on a foreign host" }],
      ["+12025550162", "The record webhook comes twice.", { record: "twice" }],
    ] as const
  ).map(([number, habit, faults]) => ({ number, habit, faults, ...brief })),

  {
    number: BROWSER_NUMBER,
    habit: "You: the phone in your browser (the page /phone), which can also call in.",
    whenDialled: { browser: "phone" },
  },
].map((row) => Person.parse(row));
