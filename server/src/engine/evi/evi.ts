import type { Socket } from "node:net";
import type pg from "pg";
import WebSocket from "ws";
import { Base64Messages } from "../../bridge/frame-writer.ts";
import type { Clock } from "../../clock.ts";
import { openResampler } from "../../sound/resampler.ts";
import { decodeBase64, mostBytes } from "../base64.ts";
import { EngineHasNot } from "../failures.ts";
import { watchLiveness } from "../liveness.ts";
import type { Engine, EngineAbilities, EngineConnection, EngineEvent, EngineSession, PreparedAgent, WireTap } from "../port.ts";
import { openRenewal } from "../renewal.ts";
import { checkAgent } from "./check.ts";
import { type Configured, untrueWithout } from "./config-body.ts";
import { openConfigs } from "./configs.ts";
import { type Ending, endingOf, endsTheChat, refusalOf, renewal, unreachable } from "./endings.ts";
import { historyOf } from "./history.ts";
import { lateConnection } from "./late.ts";
import { eviManner } from "./manner.ts";
import { humeRest } from "./rest.ts";
import { reconstructionsOf } from "./rest-audio.ts";
import { chatMs, chatUrl, ownConfig, sessionSettings } from "./settings.ts";
import { CHAT_MS, EviTalk } from "./talk.ts";
import { monoOf, soundOf } from "./wav.ts";
import { AUDIO_INPUT, audioInput, type EviAudio, hear } from "./wire.ts";

export const eviAbilities: EngineAbilities = {
  name: "evi",
  inRates: [16_000, 8_000, 24_000],
  outRates: [16_000, 8_000, 24_000, 48_000],
  turns: true,
  paced: false,
  verbatim: true,
  interim: true,
  emotions: "both",
  wantsPlayed: false,
  resume: true,
  maxMs: CHAT_MS,
};

/** From the first knock to `ready`. The vendor's own client gives up the handshake after 4 s (hume-evi §4.4). */
const READY_WITHIN_MS = 8_000;
/** After an error that ends the chat EVI closes; if it does not in this time, it never will. */
const FATAL_WITHIN_MS = 2_000;
/** After we closed, EVI's own close frame is awaited this long. */
const CLOSE_WITHIN_MS = 1_000;
/** 5 s of 16 kHz audio in base64. Beyond it EVI is not reading: new frames are dropped and counted rather than kept without bound. */
const MOST_UNSENT_BYTES = 220_000;

/** 2 ms at 16 kHz. Shorter pieces of audio, which no carrier sends, go the ordinary way. */
const LEAST_FRAME_BYTES = 72;

export interface EviParts {
  /** wss://api.hume.ai/v0/evi/chat, or the emulator's. */
  readonly url: string;
  readonly apiKey: string;
  readonly configId: string | null;
  readonly clock: Clock;
  /** Where it is remembered which Config is which agent's, and where Hume shall tell of chats; absent: agents have no Configs of their own. */
  readonly configs?: { readonly pool: pg.Pool; readonly webhooks: string | null };
}

/** An agent's Config is waited for so long while it rings; then the call goes without. */
const CONFIG_WITHIN_MS = 2_000;

/** Hume EVI as an engine: one WebSocket a session (hume-evi §1-4), read without the vendor's client for the reasons in its §0. */
export function createEviEngine(parts: EviParts): Engine {
  const rest = humeRest(parts);
  const configs = parts.configs === undefined ? null : openConfigs({ ...parts, ...parts.configs, rest });
  return {
    abilities: eviAbilities,
    manner: eviManner,
    reconstructions: reconstructionsOf(rest),
    history: (sessions, signal) => historyOf(rest, sessions, signal),
    check: (agent, signal) => checkAgent(rest, parts.configId, agent, signal),
    ...(configs !== null && {
      async prepare(agent: PreparedAgent) {
        await configs.ensure(agent);
      },
    }),
    open(session, listener, tap) {
      const { agent } = session;
      if (configs === null || agent === null)
        return openChat(parts, { session, config: ownConfig(parts.configId, session) }, listener, tap);
      const wanted = { agent, manners: session.manners, options: session.options, language: session.language };
      const known = configs.known(wanted);
      const forget = (): void => (known === null ? undefined : configs.forget(known));
      if (known !== null) return openChat(parts, { session, config: known, forget }, listener, tap);
      const late = lateConnection(eviAbilities, () => listener({ what: "ended", ...endingOf(1000, null, true) }));
      soonEnough(configs.ensure(wanted)).then(
        (config) => late.open(() => openChat(parts, { session, config, forget: () => configs.forget(config) }, listener, tap)),
        (error: Error) =>
          late.open(() => {
            listener(withoutConfig(wanted, error));
            // An own Config that is not there any more would end the chat before it began.
            const config = error instanceof EngineHasNot ? null : ownConfig(parts.configId, session);
            return openChat(parts, { session, config }, listener, tap);
          }),
      );
      return late.connection;
    },
  };
}

/** What is not true in this call, as an event of it. */
function withoutConfig(agent: Configured, { message }: Error): EngineEvent {
  const untrue = untrueWithout(agent);
  const what = untrue.length === 0 ? "its settings are EVI's own, which are the same" : `not true in this call: ${untrue.join(", ")}`;
  return { what: "trouble", code: "config_missing", text: `The agent's Config at Hume could not be had (${message}); ${what}.` };
}

async function soonEnough<T>(wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${CONFIG_WITHIN_MS} ms`)), CONFIG_WITHIN_MS);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The decoded file of the chunk in hand; grows to the largest seen. All of it is used up before the next message is read. */
let decoded = Buffer.alloc(262_144);
let mono = new Int16Array(131_072);

interface ChatParts {
  readonly session: EngineSession;
  readonly config: { readonly id: string; readonly version: number | null } | null;
  /** Told when Hume ends the chat before it began: perhaps it does not know the Config. */
  readonly forget?: () => void;
}

/**
 * One chat. States: connecting (until the handshake), open (settings sent; `ready` follows), over. Whoever closes first, `ended` is the
 * last event and comes once. Timers and listeners end with the socket.
 */
function openChat(parts: EviParts, chat: ChatParts, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection {
  const { session } = chat;
  const talk = new EviTalk(() => parts.clock.now(), chatMs(session));
  const resampler = { rate: 0, stream: openResampler(48_000, 48_000) };
  let asked = false;
  let over = false;
  let ready = false;
  let unsent = 0;
  let wire: { readonly raw: Socket; readonly frames: Base64Messages } | null = null;

  const socket = new WebSocket(chatUrl(parts.url, chat.config, session), {
    headers: { "X-Hume-Api-Key": parts.apiKey },
    perMessageDeflate: false,
    handshakeTimeout: READY_WITHIN_MS,
    maxPayload: 32 * 1024 * 1024,
  });
  const readyTimer = setTimeout(() => end(unreachable("no answer came in time"), true), READY_WITHIN_MS);
  const stopWatching = watchLiveness(socket);
  let closeTimer: NodeJS.Timeout | undefined;

  const end = (ending: Ending, terminate = false): void => {
    if (over) return;
    over = true;
    clearTimeout(readyTimer);
    stopWatching();
    clearTimeout(closeTimer);
    renewing.stop();
    resampler.stream.free();
    if (terminate) socket.terminate();
    listener({ what: "ended", ...ending });
  };
  const tell = (message: Record<string, unknown>): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const json = JSON.stringify(message);
    tap?.("told", json);
    socket.send(json);
  };
  const renewing = openRenewal({
    atRest: () => talk.atRest,
    renew() {
      finishSound(talk.restOfSound());
      socket.close(1000);
      setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
      end(renewal);
    },
  });
  /** Has EVI say words as they are. */
  const speak = (text: string): void => {
    talk.asked();
    tell({ type: "assistant_input", text });
  };
  const emit = (utterance: string, pcm: Int16Array): void => {
    if (pcm.length > 0) listener({ what: "agent audio", utterance, pcm });
  };

  let soundOfUtterance: string | null = null;
  /** The sentence's sound is over: what waited and what is left in the filter goes out. */
  const finishSound = (rest: readonly Int16Array[]): void => {
    if (soundOfUtterance === null) return;
    for (const pcm of rest) emit(soundOfUtterance, resampler.stream.push(pcm));
    emit(soundOfUtterance, resampler.stream.end());
    soundOfUtterance = null;
  };
  const hearSound = (audio: EviAudio): void => {
    const most = mostBytes(audio);
    if (decoded.length < most) decoded = Buffer.alloc(most * 2);
    const sound = soundOf(decoded.subarray(0, decodeBase64(audio, decoded)));
    if (sound === null) {
      for (const event of talk.strangeMessage("audio_output that is no 16-bit WAV", true)) listener(event);
      return;
    }
    const samples = sound.bytes.length >> 1;
    if (mono.length < samples) mono = new Int16Array(samples * 2);
    const { fresh, rest, chunks } = talk.hearSound(audio.id, audio.index, monoOf(sound, mono));
    if (fresh) finishSound(rest);
    if (chunks.length === 0) return;
    if (resampler.rate !== sound.rate) {
      finishSound([]);
      resampler.stream.free();
      resampler.stream = openResampler(sound.rate, session.outRate);
      resampler.rate = sound.rate;
    }
    soundOfUtterance = audio.id;
    for (const pcm of chunks) emit(audio.id, resampler.stream.push(pcm));
  };

  socket.on("upgrade", (response) => {
    wire = { raw: response.socket, frames: new Base64Messages(response.socket, ...AUDIO_INPUT) };
  });
  socket.on("open", () => tell(sessionSettings(session)));
  socket.on("message", (data: Buffer) => {
    if (over) return;
    try {
      hearMessage(data);
    } catch (error) {
      end(
        { why: "lost", code: "adapter_failed", text: `A message of EVI could not be taken: ${(error as Error).message}`, retry: true },
        true,
      );
    }
  });
  const hearMessage = (data: Buffer): void => {
    const heard = hear(data);
    if (heard.kind === "audio") {
      tap?.("heard", `{"type":"audio_output","id":${JSON.stringify(heard.audio.id)},"index":${heard.audio.index}}`);
      hearSound(heard.audio);
      return;
    }
    tap?.("heard", data.length > 65_536 ? `${data.toString("utf8", 0, 65_536)}…` : data.toString("utf8"));
    const events = heard.kind === "saying" ? talk.hear(heard.saying) : talk.strangeMessage(heard.type, heard.malformed);
    if (endsTheChat(talk.error?.code)) closeTimer ??= setTimeout(() => end(endingOf(1006, talk.error, asked), true), FATAL_WITHIN_MS);
    for (const event of events) {
      if (event.what === "cut in") {
        soundOfUtterance = null;
        resampler.stream.reset();
      }
      if ((event.what === "agent done" && event.how === "complete") || event.what === "tool") finishSound(talk.restOfSound());
      if (event.what === "ready") {
        if (ready) continue;
        ready = true;
        clearTimeout(readyTimer);
        renewing.plan(talk.lastsMs);
      }
      listener(event);
      if (event.what === "ready" && session.greeting !== null && session.resume === null && session.history.length === 0)
        speak(session.greeting);
    }
    renewing.look();
  };
  socket.on("unexpected-response", (request, response) => {
    request.destroy();
    end(asked ? endingOf(1000, null, true) : refusalOf(response.statusCode ?? 0));
  });
  // Always followed by `close`; before the handshake it is the only one with a cause.
  socket.on("error", (error: Error) => {
    if (socket.readyState === WebSocket.CONNECTING || !ready) end(asked ? endingOf(1000, null, true) : unreachable(error.message));
  });
  socket.on("close", (code) => {
    if (over) return;
    if (!ready && talk.error !== null) chat.forget?.();
    finishSound(talk.restOfSound());
    end(endingOf(code, talk.error, asked));
  });

  return {
    abilities: eviAbilities,
    audio(pcm) {
      if (socket.readyState !== WebSocket.OPEN || wire === null) return;
      if (wire.raw.writableLength > MOST_UNSENT_BYTES) {
        if (unsent++ === 0) listener({ what: "trouble", code: "not_reading", text: "EVI does not read: caller audio is being left out." });
        return;
      }
      unsent = 0;
      if (pcm.length >= LEAST_FRAME_BYTES) wire.frames.send(pcm);
      else socket.send(audioInput(pcm));
    },
    say: (text) => speak(text),
    context(text, answer) {
      if (answer) {
        talk.asked();
        tell({ type: "user_input", text });
      } else tell({ type: "session_settings", context: { type: "temporary", text } });
    },
    toolResult(id, { ok, text }) {
      talk.toolAnswered(id);
      if (ok) tell({ type: "tool_response", tool_call_id: id, content: text });
      else tell({ type: "tool_error", tool_call_id: id, error: text, content: text });
    },
    played() {},
    playing(on) {
      talk.tellPlaying(on);
      // Not within whatever the bridge is doing now.
      if (!on) setImmediate(renewing.look);
    },
    close() {
      if (asked || over) return;
      asked = true;
      if (socket.readyState !== WebSocket.OPEN) return end(endingOf(1000, null, true), true);
      socket.close(1000);
      clearTimeout(closeTimer);
      closeTimer = setTimeout(() => end(endingOf(1000, null, true), true), CLOSE_WITHIN_MS);
    },
  };
}
