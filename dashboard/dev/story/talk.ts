/** What is said in every made-up call: two voices, two languages, one who cuts in. */
import { Utterance } from "../../src/ask/shapes.ts";
import { id } from "./made.ts";

type Line = [
  speaker: "caller" | "agent",
  text: string,
  seconds: number,
  pause: number,
  feelings: Record<string, number>,
  more?: { cut?: true; language?: string; heard?: number },
];

export const talk: Line[] = [
  [
    "agent",
    "Hello, this is the parcel desk. I am an automated voice, and this call is recorded.",
    5.2,
    0.4,
    { Interest: 0.41, Calmness: 0.33, Joy: 0.12 },
  ],
  [
    "caller",
    "Oh, hello. Is it about the parcel from yesterday?",
    2.9,
    0.7,
    { "Surprise (positive)": 0.52, Interest: 0.47, Curiosity: 0.31, Awkwardness: 0.08 },
  ],
  [
    "agent",
    "Yes. We rang at your door at ten past four and nobody was in. I can offer you tomorrow between nine and twelve, or Thursday afternoon, or you pick it up yourself at the station, which is open until",
    10.4,
    0.6,
    { Calmness: 0.38, Determination: 0.22 },
    { cut: true, heard: 9800 },
  ],
  [
    "caller",
    "Sorry, wait. Nobody rang. I was here all day.",
    3.1,
    -0.5,
    {
      Anger: 0.44,
      Annoyance: 0.58,
      Confusion: 0.36,
      Disappointment: 0.3,
      Determination: 0.22,
      Contempt: 0.12,
      Doubt: 0.11,
      Distress: 0.1,
      Tiredness: 0.05,
    },
  ],
  [
    "agent",
    "I am sorry about that. The driver's note says ten past four, but I believe you. I will write it down.",
    5.6,
    0.9,
    { "Empathic Pain": 0.34, Sympathy: 0.51, Calmness: 0.2 },
  ],
  ["caller", "Fine. Thursday afternoon, then.", 1.9, 0.5, { Calmness: 0.22, Tiredness: 0.27, Realization: 0.18 }],
  ["caller", "After three, if that is possible.", 1.7, 1.1, { Interest: 0.19, Calmness: 0.18 }],
  ["agent", "Thursday after three. Shall the driver call you before?", 3.2, 0.8, { Interest: 0.36 }],
  ["caller", "جی ہاں، پہلے فون کر دیں، گھنٹی خراب ہے۔", 2.8, 2.6, { Calmness: 0.31, Amusement: 0.26 }, { language: "ur" }],
  [
    "agent",
    "ٹھیک ہے، ڈرائیور پہلے فون کرے گا۔ جمعرات، تین بجے کے بعد۔",
    4.1,
    0.9,
    { Satisfaction: 0.3, Calmness: 0.44 },
    { language: "ur" },
  ],
  ["caller", "Perfect. Thank you, that was quick.", 2.2, 0.6, { Gratitude: 0.63, Relief: 0.55, Satisfaction: 0.49, Joy: 0.4 }],
  ["agent", "Thank you. Goodbye.", 1.6, 0.5, { Joy: 0.33, Calmness: 0.3 }],
  ["caller", "Bye.", 0.6, 0.3, { Contentment: 0.29 }],
];

/** What was said in a call, `times` over for long ones. */
export function utterances(call: string, times = 1): Utterance[] {
  let clock = 0;
  return Array.from({ length: times }, () => talk)
    .flat()
    .map(([speaker, text, seconds, pause, feelings, more], i) => {
      const started = Math.round(clock + pause * 1000);
      clock = started + seconds * 1000;
      return Utterance.parse({
        id: id(`${call} utterance ${i}`),
        speaker,
        text,
        started_ms: started,
        ended_ms: Math.round(clock),
        emotions: Object.fromEntries(Object.entries(feelings).sort((a, b) => b[1] - a[1])),
        emotion_set: "evi-prosody-48",
        cut: more?.cut ?? false,
        heard_ms: more?.heard ?? null,
        language: more?.language ?? "en",
        source: "heard",
      });
    });
}
