import { decodeBase64, mostBytes } from "../../server/src/engine/base64.ts";
import { EviTalk } from "../../server/src/engine/evi/talk.ts";
import { monoOf, soundOf } from "../../server/src/engine/evi/wav.ts";
import { hear as hearEvi } from "../../server/src/engine/evi/wire.ts";
import { dialectOf } from "../../server/src/engine/openai/dialects.ts";
import { DeltaSound } from "../../server/src/engine/openai/sound.ts";
import { RealtimeTalk } from "../../server/src/engine/openai/talk.ts";
import { hear as hearRealtime } from "../../server/src/engine/openai/wire.ts";
import { plainManners } from "../../server/src/engine/port.ts";
import { openResampler } from "../../server/src/sound/resampler.ts";

/** Takes one message; made anew for every conversation. Gives something of it, so that nothing can be left out as unused. */
export type Side = (bytes: Buffer) => number;

/** The measure: `JSON.parse` of the bytes, and the base64 of its sound decoded. */
export function floor(field: "data" | "delta"): Side {
  return (bytes) => {
    const json = JSON.parse(bytes.toString("utf8")) as { type: string; data?: string; delta?: string };
    const isSound = json.type === "audio_output" || json.type === "response.output_audio.delta";
    return isSound ? Buffer.from(json[field] ?? "", "base64").length : json.type.length;
  };
}

/** Where the journal of a call overhears the wire, as the bridge wires it: bytes of a text as they came, of sound that it came. */
export type Tap = (message: string | Uint8Array) => void;

/** What the EVI adapter does with a message but for the resampling: bytes to events, sound to samples. `rate`: and the resampling, to that many Hz. */
export function evi(rate: number | null, tap: Tap | null = null): Side {
  const talk = new EviTalk(() => new Date(0));
  const resampler = rate === null ? null : openResampler(48_000, rate);
  let decoded = Buffer.alloc(262_144);
  const mono = new Int16Array(131_072);
  return (bytes) => {
    const heard = hearEvi(bytes);
    if (heard.kind === "audio") tap?.(`{"type":"audio_output","id":${JSON.stringify(heard.audio.id)},"index":${heard.audio.index}}`);
    else tap?.(bytes);
    if (heard.kind !== "audio")
      return (heard.kind === "saying" ? talk.hear(heard.saying) : talk.strangeMessage(heard.type, heard.malformed)).length;
    if (decoded.length < mostBytes(heard.audio)) decoded = Buffer.alloc(mostBytes(heard.audio) * 2);
    const sound = soundOf(decoded.subarray(0, decodeBase64(heard.audio, decoded)));
    if (sound === null) return 0;
    let samples = 0;
    for (const pcm of talk.hearSound(heard.audio.id, heard.audio.index, monoOf(sound, mono)).chunks)
      samples += resampler === null ? pcm.length : resampler.push(pcm).length;
    return samples;
  };
}

/** The same of the OpenAI Realtime adapter, at 24 kHz; `rate`: and the resampling, to that many Hz. */
export function realtime(rate: number | null, tap: Tap | null = null): Side {
  let events = 0;
  const talk = new RealtimeTalk({
    dialect: dialectOf("openai"),
    session: {
      callId: "call",
      prompt: "",
      variables: {},
      greeting: null,
      voice: null,
      language: "en",
      tools: [],
      agent: null,
      manners: plainManners,
      inRate: 24_000,
      outRate: 24_000,
      resume: null,
      history: [],
      options: {},
    },
    before: "at rest",
    emit: () => void events++,
    tell: () => void events++,
    later: () => void events++,
    end: () => void events++,
    soundOver: () => {},
    soundCut: () => {},
  });
  const sound = new DeltaSound();
  const resampler = rate === null ? null : openResampler(24_000, rate);
  return (bytes) => {
    const heard = hearRealtime(bytes);
    if (heard.kind !== "audio") tap?.(bytes);
    if (heard.kind === "audio") {
      const { item, from, to } = heard.audio;
      tap?.(`{"type":"response.output_audio.delta","item_id":${JSON.stringify(item)},"base64":${to - from}}`);
      const pcm = sound.decode(heard.audio);
      talk.hearSound(heard.audio.item, heard.audio.response, pcm.length / 24);
      return resampler === null ? pcm.length : resampler.push(pcm).length;
    }
    if (heard.kind === "saying") talk.hear(heard.saying);
    else if (heard.kind === "unknown") talk.strangeMessage(heard.type, heard.malformed);
    return events;
  };
}
