import type { Socket } from "node:net";
import WebSocket from "ws";
import { Base64Messages } from "../../bridge/frame-writer.ts";
import type { Clock } from "../../clock.ts";
import { readRefusal } from "../../refusal-words.ts";
import { openResampler } from "../../sound/resampler.ts";
import { decodeBase64, mostBytes } from "../base64.ts";
import { watchLiveness } from "../liveness.ts";
import type { EngineAbilities, EngineConnection, EngineEvent, EngineSession, WireTap } from "../port.ts";
import { openRenewal } from "../renewal.ts";
import { mostUnsentBytes } from "../unsent.ts";
import { cutInMs } from "./config-body.ts";
import { ChatContext, toldAgain } from "./context.ts";
import { type Ending, endingOf, endsTheChat, namesUnknown, refusalOf, renewal, unreachable } from "./endings.ts";
import { lateConnection } from "./late.ts";
import { chatMs, chatUrl, hangsUp, lastingContext, sessionSettings } from "./settings.ts";
import { EviTalk } from "./talk.ts";
import { monoOf, soundOf } from "./wav.ts";
import { AUDIO_INPUT, audioInput, type EviAudio, hear } from "./wire.ts";

/** From the first knock to `ready`. The vendor's own client gives up the handshake after 4 s (hume-evi §4.4). */
const READY_WITHIN_MS = 8_000;
/** After an error that ends the chat EVI closes; if it does not in this time, it never will. */
const FATAL_WITHIN_MS = 2_000;
/** After we closed, EVI's own close frame is awaited this long. */
const CLOSE_WITHIN_MS = 1_000;
/** 2 ms at 16 kHz. Shorter pieces of audio, which no carrier sends, go the ordinary way. */
const LEAST_FRAME_BYTES = 72;

/** The decoded file of the chunk in hand; grows to the largest seen. All of it is used up before the next message is read. */
let decoded = Buffer.alloc(262_144);
let mono = new Int16Array(131_072);

export interface ChatParts {
  readonly session: EngineSession;
  readonly config: { readonly id: string; readonly version: number | null } | null;
  /** Told when Hume ends the chat before it began: perhaps it does not know the Config. */
  readonly forget?: () => void;
  /** Told instead of the listener when the chat ended before it began because it would not go on with the chat group it was to. */
  readonly notResumed?: (why: string) => void;
}

/** What all chats of an engine share. */
export interface Chats {
  readonly url: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly abilities: EngineAbilities;
  /** Takes what was left of a call. */
  unreadOf(call: string): readonly string[];
  leaveUnread(call: string, told: readonly string[]): void;
}

/**
 * A chat that goes on with an earlier one, where there is one. If Hume refuses that (it keeps no data, or has lost it), the same settings are tried at once
 * without it, and the chat is told what was said.
 */
export function openResumed(parts: Chats, chat: ChatParts, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection {
  const { session } = chat;
  if (session.resume === null) return openChat(parts, chat, listener, tap);
  const either = lateConnection(parts.abilities, () => undefined);
  const notResumed = (why: string): void => {
    listener({ what: "trouble", code: "not_resumed", text: `EVI does not go on with the chat before (${why}); it is told what was said.` });
    either.open(() => openChat(parts, { ...chat, session: { ...session, resume: null, greeting: null } }, listener, tap));
  };
  either.open(() => openChat(parts, { ...chat, notResumed }, listener, tap));
  return either.connection;
}

/**
 * One chat. States: connecting (until the handshake), open (settings sent; `ready` follows), over. Whoever closes first, `ended` is the
 * last event and comes once. Timers and listeners end with the socket.
 */
function openChat(parts: Chats, chat: ChatParts, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection {
  const { session } = chat;
  const mostUnsent = mostUnsentBytes(session.inRate);
  const talk = new EviTalk(() => parts.clock.now(), chatMs(session), hangsUp(session), cutInMs(session));
  const context = new ChatContext(lastingContext(session), parts.unreadOf(session.callId));
  const resampler = { rate: 0, stream: openResampler(48_000, 48_000) };
  let asked = false;
  let over = false;
  let ready = false;
  let toldUnread = false;
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
    if (stop(ending.retry, terminate)) listener({ what: "ended", ...ending });
  };
  /** The socket is of no more use. False when it has not been for some time. */
  const stop = (goesOn: boolean, terminate: boolean): boolean => {
    if (over) return false;
    over = true;
    if (goesOn && context.unread.length > 0) parts.leaveUnread(session.callId, context.unread);
    clearTimeout(readyTimer);
    stopWatching();
    clearTimeout(closeTimer);
    renewing.stop();
    resampler.stream.free();
    if (terminate) socket.terminate();
    return true;
  };
  /** It is not to begin as it was asked. True where another takes its place. */
  const refused = (why: string): boolean => {
    if (ready || asked || chat.notResumed === undefined) return false;
    if (stop(true, true)) chat.notResumed(why);
    return true;
  };
  const tell = (message: Readonly<Record<string, unknown>>): void => {
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
  /** Settings, with what there is to be read; a ping behind them, whose answer says that they arrived. */
  const tellSettings = (settings: Readonly<Record<string, unknown>>): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    tell({ ...settings, ...context.settings });
    if (context.unread.length > 0) socket.ping(context.ping);
  };
  const tellContext = (): void => tellSettings({ type: "session_settings" });
  socket.on("open", () => tellSettings(sessionSettings(session)));
  socket.on("pong", (said: Buffer) => context.pong(said.toString()));
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
    tap?.("heard", data.length > 65_536 ? `${data.toString("utf8", 0, 65_536)}…` : data);
    const events = heard.kind === "saying" ? talk.hear(heard.saying) : talk.strangeMessage(heard.type, heard.malformed);
    // `chat_metadata` is always first (hume-evi §2.3): an error before it speaks of what was asked for.
    if (talk.error !== null && !endsTheChat(talk.error.code) && refused(talk.error.text)) return;
    if (endsTheChat(talk.error?.code)) closeTimer ??= setTimeout(() => end(endingOf(1006, talk.error, asked), true), FATAL_WITHIN_MS);
    for (const event of events) {
      if (event.what === "cut in") {
        soundOfUtterance = null;
        resampler.stream.reset();
      }
      if ((event.what === "agent done" && event.how === "complete") || event.what === "tool") finishSound(talk.restOfSound());
      if (event.what === "ready") {
        // Its first word may have been under way when we closed.
        if (ready || asked) continue;
        ready = true;
        clearTimeout(readyTimer);
        renewing.plan(talk.lastsMs);
        if (session.resume !== null && event.resume !== null && event.resume !== session.resume) startedAnew();
      }
      if (event.what === "caller text" && event.final && context.read()) tellContext();
      listener(event);
      if (event.what === "ready" && session.greeting !== null && session.resume === null && session.history.length === 0)
        speak(session.greeting);
    }
    renewing.look();
  };
  /** Asked to go on with a chat group, it has begun another without a word. */
  const startedAnew = (): void => {
    listener({
      what: "trouble",
      code: "not_resumed",
      text: "EVI began a new chat instead of going on with the one before; it is told what was said.",
    });
    for (const text of toldAgain(session.history)) context.keep(text);
    tellContext();
  };
  socket.on("unexpected-response", (_request, response) =>
    readRefusal(response, parts.apiKey, (refusal) => {
      const status = response.statusCode ?? 0;
      const ending = asked ? endingOf(1000, null, true) : refusalOf(status, refusal);
      if (!namesUnknown(status)) return end(ending);
      if (refused(ending.text)) return;
      chat.forget?.();
      // A Config of ours that is gone is made again with the next attempt.
      end(chat.forget === undefined || asked ? ending : { ...ending, retry: true });
    }),
  );
  // Always followed by `close`; before the handshake it is the only one with a cause.
  socket.on("error", (error: Error) => {
    if (socket.readyState === WebSocket.CONNECTING || !ready) end(asked ? endingOf(1000, null, true) : unreachable(error.message));
  });
  socket.on("close", (code) => {
    if (over) return;
    if (talk.error === null && code === 1000 && refused("it was closed before it began")) return;
    if (!ready && talk.error !== null) chat.forget?.();
    finishSound(talk.restOfSound());
    end(endingOf(code, talk.error, asked, talk.hungUp));
  });

  return {
    abilities: parts.abilities,
    audio(pcm) {
      if (socket.readyState !== WebSocket.OPEN || wire === null) return;
      if (wire.raw.writableLength > mostUnsent) {
        // Told once: a way out that is only just too narrow comes and goes many times a minute.
        if (!toldUnread) listener({ what: "trouble", code: "not_reading", text: "EVI does not read: caller audio is being left out." });
        toldUnread = true;
        return;
      }
      if (pcm.length >= LEAST_FRAME_BYTES) wire.frames.send(pcm);
      else socket.send(audioInput(pcm));
    },
    say: (text) => speak(text),
    context(text, answer) {
      if (answer) {
        talk.asked();
        tell({ type: "user_input", text });
      } else {
        context.add(text);
        tellContext();
      }
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
