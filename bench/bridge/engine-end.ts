export const RATE = 48_000;
/** As reported of EVI: a short first chunk, then about 128 kB each (hume-evi §3.2). */
const FIRST_CHUNK_MS = 600;
const CHUNK_MS = 1_400;

/** What an agent answers with: noise under an envelope, so that nothing compresses or is zero, or a sine of so many Hz. */
export interface Speech {
  readonly ms: number;
  readonly sound: "noise" | number;
}
/** Of a sine's samples: far from clipping, loud enough that its false tones can be seen 80 dB below. */
export const TONE_AMPLITUDE = 16_000;

const names =
  "Admiration,Adoration,Aesthetic Appreciation,Amusement,Anger,Anxiety,Awe,Awkwardness,Boredom,Calmness,Concentration,Confusion,Contemplation,Contempt,Contentment,Craving,Desire,Determination,Disappointment,Disgust,Distress,Doubt,Ecstasy,Embarrassment,Empathic Pain,Entrancement,Envy,Excitement,Fear,Guilt,Horror,Interest,Joy,Love,Nostalgia,Pain,Pride,Realization,Relief,Romance,Sadness,Satisfaction,Shame,Surprise (negative),Surprise (positive),Sympathy,Tiredness,Triumph".split(
    ",",
  );
const scores = Object.fromEntries(names.map((name, i) => [name, ((i * 37) % 100) / 317]));

/** The sound of an answer, 48 kHz, as it was before it was cut into chunks. */
export function soundOf({ ms, sound }: Speech): Int16Array {
  const samples = new Int16Array((RATE * ms) / 1000);
  let seed = 1;
  for (let i = 0; i < samples.length; i++) {
    if (sound === "noise") {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      samples[i] = Math.round((seed / 0x8000_0000 - 0.5) * 8_000 * (1 + Math.sin(i / 4_000)));
    } else samples[i] = Math.round(TONE_AMPLITUDE * Math.sin((2 * Math.PI * sound * i) / RATE));
  }
  return samples;
}

/** A WAV of these samples in base64. */
function wavOf(samples: Int16Array): string {
  const wav = Buffer.alloc(44 + samples.length * 2);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples.length * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples.length * 2, 40);
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).copy(wav, 44);
  return wav.toString("base64");
}

/** Ready-made bytes, so that the generator costs little: only ids differ, and they are of one length. */
function templatesOf(speech: Speech): [Buffer, Buffer][] {
  const whole = soundOf(speech);
  const templates: [Buffer, Buffer][] = [];
  for (let from = 0, index = 0; from < whole.length; index++) {
    const samples = ((index === 0 ? FIRST_CHUNK_MS : CHUNK_MS) * RATE) / 1000;
    const sound = wavOf(whole.subarray(from, from + samples));
    templates.push([Buffer.from('{"type":"audio_output","id":"'), Buffer.from(`","index":${index},"data":"${sound}"}`)]);
    from += samples;
  }
  return templates;
}

/** Between two chunks: they come four to six times faster than they are spoken, as EVI's do. */
const BETWEEN_MS = 250;

/** Makes answers: of each the messages, in order, with the ms after its beginning at which each is sent. */
export function answersOf(speech: Speech): (id: string) => { afterMs: number; message: string | Buffer }[] {
  const templates = templatesOf(speech);
  const overMs = templates.length * BETWEEN_MS + 50;
  return (id) => [
    { afterMs: 0, message: sentence(id) },
    ...templates.map(([before, after], i) => ({ afterMs: i * BETWEEN_MS, message: Buffer.concat([before, Buffer.from(id), after]) })),
    { afterMs: overMs, message: JSON.stringify({ type: "assistant_prosody", id, models: { prosody: { scores } } }) },
    { afterMs: overMs + 10, message: '{"type":"assistant_end"}' },
  ];
}

export const sentence = (id: string): string =>
  JSON.stringify({
    type: "assistant_message",
    id,
    message: {
      role: "assistant",
      content: "Of course. I can offer you Thursday at two, or at half past three. Which one suits you better?",
    },
    models: {},
    from_text: false,
    is_quick_response: false,
  });

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
