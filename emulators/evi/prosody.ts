/** The 48 dimensions of Hume's speech prosody model, spelled and ordered as on the wire. */
export const EMOTIONS = [
  "Admiration",
  "Adoration",
  "Aesthetic Appreciation",
  "Amusement",
  "Anger",
  "Anxiety",
  "Awe",
  "Awkwardness",
  "Boredom",
  "Calmness",
  "Concentration",
  "Confusion",
  "Contemplation",
  "Contempt",
  "Contentment",
  "Craving",
  "Desire",
  "Determination",
  "Disappointment",
  "Disgust",
  "Distress",
  "Doubt",
  "Ecstasy",
  "Embarrassment",
  "Empathic Pain",
  "Entrancement",
  "Envy",
  "Excitement",
  "Fear",
  "Guilt",
  "Horror",
  "Interest",
  "Joy",
  "Love",
  "Nostalgia",
  "Pain",
  "Pride",
  "Realization",
  "Relief",
  "Romance",
  "Sadness",
  "Satisfaction",
  "Shame",
  "Surprise (negative)",
  "Surprise (positive)",
  "Sympathy",
  "Tiredness",
  "Triumph",
] as const;

export type Emotion = (typeof EMOTIONS)[number];
export type Scores = Readonly<Record<string, number>>;

/** What words sound like. The first matching group of a text weighs most; all that match count. */
const colours: readonly (readonly [RegExp, Partial<Record<Emotion, number>>])[] = [
  [/\b(wonderful|perfect|great|lovely|excellent|delighted)\b/i, { Joy: 0.42, Satisfaction: 0.36, Excitement: 0.24, Contentment: 0.22 }],
  [/\b(thank|thanks|welcome|kind)\b/i, { Contentment: 0.3, Joy: 0.24, Admiration: 0.2, Calmness: 0.18 }],
  [/\b(sorry|apolog\w*|unfortunately|afraid)\b/i, { Sympathy: 0.34, "Empathic Pain": 0.22, Guilt: 0.16, Awkwardness: 0.14 }],
  [/\b(stop|wait|enough|no)\b/i, { Determination: 0.3, Distress: 0.22, Anger: 0.2, Doubt: 0.12 }],
  [
    /\b(not arrived|broken|wrong|late|lost|problem|still not|angry)\b/i,
    { Disappointment: 0.36, Distress: 0.24, Anger: 0.2, "Surprise (negative)": 0.16 },
  ],
  [/\b(oh|really|wow)\b/i, { "Surprise (positive)": 0.28, Realization: 0.24, Interest: 0.18 }],
  [/\b(think|maybe|perhaps|not sure|know)\b/i, { Contemplation: 0.3, Doubt: 0.22, Concentration: 0.18 }],
  [/\b(tired|long day|again and again)\b/i, { Tiredness: 0.4, Boredom: 0.2 }],
  [/\?/, { Interest: 0.32, Contemplation: 0.14, Confusion: 0.1 }],
  [/\b(goodbye|bye|good night)\b/i, { Calmness: 0.26, Contentment: 0.2 }],
  [/\b(please|could|would|can)\b/i, { Interest: 0.2, Desire: 0.14, Calmness: 0.12 }],
];

/** How loud a telephone voice is on average, dB below full scale. */
const USUAL_DB = -22;

/**
 * Scores for something said: the same words at the same level always feel the same. They are made up (words and loudness colour a
 * faint pattern that depends on the text), each dimension on its own between 0 and 1, as the real ones; they do not sum to 1.
 *
 * @param said its text, and its level in dB full scale (null when there was no sound to go by)
 */
export function scoresOf(said: { readonly text: string; readonly levelDb: number | null }): Scores {
  const scores = new Map<Emotion, number>(EMOTIONS.map((emotion) => [emotion, 0.004 + 0.05 * pattern(`${emotion}: ${said.text}`) ** 2]));
  const add = (emotion: Emotion, more: number): void => void scores.set(emotion, (scores.get(emotion) ?? 0) + more);
  let weight = 1;
  for (const [words, colour] of colours) {
    if (!words.test(said.text)) continue;
    for (const [emotion, strength] of Object.entries(colour) as [Emotion, number][]) add(emotion, weight * strength);
    weight *= 0.6;
  }
  if (weight === 1) {
    add("Calmness", 0.24);
    add("Concentration", 0.2);
    add("Interest", 0.16);
  }
  const louder = Math.max(-1, Math.min(1, ((said.levelDb ?? USUAL_DB) - USUAL_DB) / 12));
  if (louder > 0) {
    add("Excitement", 0.2 * louder);
    add("Determination", 0.12 * louder);
  } else {
    add("Calmness", -0.15 * louder);
    add("Tiredness", -0.1 * louder);
  }
  // the real ones are half-precision floats: long decimals
  return Object.fromEntries(EMOTIONS.map((emotion) => [emotion, Math.round(Math.min(0.98, scores.get(emotion) ?? 0) * 16_384) / 16_384]));
}

/** A number in [0, 1) that looks random and depends only on the text (FNV-1a). */
function pattern(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32;
}
