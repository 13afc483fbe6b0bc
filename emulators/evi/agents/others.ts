import type { Agent } from "./agent.ts";

/** Says back what it heard: shows what was recognised. */
export const parrot: Agent = {
  name: "parrot",
  habit: "Says back what it heard.",
  voice: "slt-low",
  greeting: "I will repeat whatever you say.",
  rules: [{ hears: /\b(goodbye|bye)\b/i, say: ["Goodbye."], hangUp: true }],
  otherwise: [["You said: {{heard}}"]],
  nudge: "I heard nothing.",
};

/** One very long answer, whatever is said: something to interrupt. */
export const storyteller: Agent = {
  name: "storyteller",
  habit: "Tells a story of about a minute, whatever is said: something to interrupt.",
  voice: "awb-slow",
  greeting: "Hello. Shall I tell you a story?",
  rules: [{ hears: /\b(goodbye|bye)\b/i, say: ["Another time, then. Goodbye."], hangUp: true }],
  otherwise: [
    [
      "Then listen. A long time ago, in a small town by the river, there was a clock that struck thirteen every night.",
      "Nobody knew who had built it, and nobody dared to repair it, because the bakers had grown used to the extra hour of sleep.",
      "One winter a traveller came through the town, a woman with a heavy bag full of tools, who said that she could mend anything that had wheels in it.",
      "The mayor offered her a room, a warm supper and ten silver coins, if only she would leave the clock exactly as it was.",
      "She laughed, took the supper, and went up the tower all the same, with a lamp in her hand and the whole town looking after her.",
      "In the morning the clock struck seven, as it should, and there was a letter on the table, which said only that one bell had been for the dead, and that they were now at rest.",
      "The bakers have risen an hour earlier ever since, and the bread of that town is said to be the best along the river.",
      "That is the end of the story.",
    ],
    ["There is another one, about the ferry that would not float, but it is even longer, and I can see that you have things to do today."],
  ],
  nudge: "Are you still listening?",
};

/** Calls the first tool it is given, at once, and says what came back. */
export const clerk: Agent = {
  name: "clerk",
  habit: "Calls the first tool of the session at every turn and says what came back.",
  voice: "slt",
  greeting: "What shall I look up?",
  rules: [
    { hears: /\b(goodbye|bye)\b/i, say: ["Goodbye."], hangUp: true },
    {
      hears: /./,
      say: ["I have no tool for that."],
      calls: {
        tool: /./,
        parameters: { query: "{{heard}}" },
        before: ["One moment."],
        answered: ["It says: {{result}}"],
        failed: ["That did not work. {{result}}"],
      },
    },
  ],
  otherwise: [["I have no tool for that."]],
  nudge: "Is there anything to look up?",
};

/** Says what it was told beside what the caller said: shows what of it arrived. */
export const reader: Agent = {
  name: "reader",
  habit: "Says what it was told beside the caller's words, and that this was all.",
  voice: "slt",
  greeting: "Hello.",
  rules: [{ hears: /\b(goodbye|bye)\b/i, say: ["Goodbye."], hangUp: true }],
  otherwise: [["{{context}} That is all I was told."]],
  nudge: "Hello?",
};

/** Ends the conversation at the first occasion. */
export const quitter: Agent = {
  name: "quitter",
  habit: "Says goodbye and hangs up after the first thing it hears.",
  voice: "rms",
  greeting: "Hello.",
  rules: [{ hears: /./, say: ["I have to go now. Goodbye."], hangUp: true }],
  otherwise: [["I have to go now. Goodbye."]],
  nudge: "Hello?",
};
