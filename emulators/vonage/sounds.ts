import { MPEGDecoder } from "mpg123-decoder";
import { resample } from "../speech/resample.ts";
import { speak } from "../speech/voice.ts";
import { channelOf, readWav } from "../speech/wav.ts";
import { atLevel, RATE } from "./mix.ts";
import { request } from "./request.ts";

/** The network's own announcements: one voice for even styles, another for odd ones. */
const voices = ["slt-bright", "rms-brisk"] as const;

/** The sound of a `talk`: SSML marks are left out, not obeyed. */
export async function talkSound(
  text: string,
  options: { readonly style?: number | undefined; readonly level: number },
): Promise<Int16Array> {
  const words = text.replace(/<[^>]*>/g, " ");
  return atLevel(await speak(words, voices[(options.style ?? 0) % 2]), options.level);
}

/**
 * The sound of a `stream`: an mp3 or a 16-bit WAV, of which the first channel is played.
 *
 * @throws Error when it cannot be fetched or is neither
 */
export async function streamSound(url: string, level: number): Promise<Int16Array> {
  const outcome = await request(new URL(url), { method: "GET", headers: { accept: "audio/*" } }, { connectMs: 1_000, answerMs: 10_000 });
  if (!outcome.ok) throw new Error(`${url} cannot be fetched: ${outcome.because}`);
  return atLevel(await decode(outcome.answered.body), level);
}

async function decode(bytes: Buffer): Promise<Int16Array> {
  if (bytes.toString("latin1", 0, 4) === "RIFF") {
    const wav = readWav(bytes);
    return resample(channelOf(wav, 0), wav.rate, RATE);
  }
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    const { channelData, sampleRate, samplesDecoded } = decoder.decode(bytes);
    const [first] = channelData;
    if (!first || samplesDecoded === 0) throw new Error("The sound is neither a 16-bit WAV nor an mp3.");
    const samples = Int16Array.from(first, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))));
    return resample(samples, sampleRate, RATE);
  } finally {
    decoder.free();
  }
}
