const RATE = 48_000;
/** As reported of EVI: a short first chunk, then about 128 kB each (hume-evi §3.2). */
const FIRST_CHUNK_MS = 600;
const CHUNK_MS = 1_400;
/** The answer of every turn. */
export const SPEECH_MS = 6_000;

const names =
  "Admiration,Adoration,Aesthetic Appreciation,Amusement,Anger,Anxiety,Awe,Awkwardness,Boredom,Calmness,Concentration,Confusion,Contemplation,Contempt,Contentment,Craving,Desire,Determination,Disappointment,Disgust,Distress,Doubt,Ecstasy,Embarrassment,Empathic Pain,Entrancement,Envy,Excitement,Fear,Guilt,Horror,Interest,Joy,Love,Nostalgia,Pain,Pride,Realization,Relief,Romance,Sadness,Satisfaction,Shame,Surprise (negative),Surprise (positive),Sympathy,Tiredness,Triumph".split(
    ",",
  );
const scores = Object.fromEntries(names.map((name, i) => [name, ((i * 37) % 100) / 317]));

/** A WAV of speech-like sound, 48 kHz, in base64: noise under an envelope, so that nothing compresses or is zero. */
function chunk(ms: number): string {
  const samples = (RATE * ms) / 1000;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples * 2, 40);
  let seed = 1;
  for (let i = 0; i < samples; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    wav.writeInt16LE(Math.round((seed / 0x8000_0000 - 0.5) * 8_000 * (1 + Math.sin(i / 4_000))), 44 + i * 2);
  }
  return wav.toString("base64");
}
const sounds = [FIRST_CHUNK_MS, CHUNK_MS, SPEECH_MS - FIRST_CHUNK_MS - 3 * CHUNK_MS].map(chunk);

/** Ready-made bytes, so that the generator costs little: only ids differ, and they are of one length. */
const template = (index: number, sound: string): [Buffer, Buffer] => [
  Buffer.from('{"type":"audio_output","id":"'),
  Buffer.from(`","index":${index},"data":"${sound}"}`),
];
const templates = [0, 1, 2, 3, 4].map((index) => template(index, sounds[index === 0 ? 0 : index === 4 ? 2 : 1] as string));

/** The messages of one answer, in order, with the ms after its beginning at which each is sent: faster than real time, as EVI does. */
export function answer(id: string): { afterMs: number; message: string | Buffer }[] {
  return [
    {
      afterMs: 0,
      message: JSON.stringify({
        type: "assistant_message",
        id,
        message: {
          role: "assistant",
          content: "Of course. I can offer you Thursday at two, or at half past three. Which one suits you better?",
        },
        models: {},
        from_text: false,
        is_quick_response: false,
      }),
    },
    ...templates.map(([before, after], i) => ({ afterMs: i * 250, message: Buffer.concat([before, Buffer.from(id), after]) })),
    { afterMs: 1_300, message: JSON.stringify({ type: "assistant_prosody", id, models: { prosody: { scores } } }) },
    { afterMs: 1_310, message: '{"type":"assistant_end"}' },
  ];
}

/** What EVI makes of four seconds of a caller's speech: interims, then the final words with their scores. */
export function callerWords(beginMs: number, turn: number): { afterMs: number; message: string }[] {
  const words = `Well, the appointment of turn ${turn} does not suit me any more, could we move it to another day please?`.split(" ");
  const message = (content: string, interim: boolean): string =>
    JSON.stringify({
      type: "user_message",
      message: { role: "user", content },
      models: interim ? {} : { prosody: { scores } },
      time: { begin: beginMs, end: beginMs + 3_000 },
      interim,
      from_text: false,
    });
  return [
    ...[3, 6, 9, 12, 15].map((count, i) => ({ afterMs: i * 500, message: message(words.slice(0, count).join(" "), true) })),
    { afterMs: 3_000, message: message(words.join(" "), false) },
  ];
}
