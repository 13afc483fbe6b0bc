import type { Socket } from "node:net";
import WebSocket from "ws";
import { Base64Messages } from "../../bridge/frame-writer.ts";
import type { Clock } from "../../clock.ts";
import { readRefusal } from "../../refusal-words.ts";
import { openResampler } from "../../sound/resampler.ts";
import { checkByOpening } from "../check-by-opening.ts";
import { watchLiveness } from "../liveness.ts";
import type { Engine, EngineAbilities, EngineConnection, EngineEvent, EngineSession, WireTap } from "../port.ts";
import { lastsMs, openRenewal } from "../renewal.ts";
import { mostUnsentBytes } from "../unsent.ts";
import { type Dialect, type DialectName, dialectOf } from "./dialects.ts";
import { type Ending, endingOf, notReady, refusalOf, renewal, unreachable, weClosed } from "./endings.ts";
import { mannerOf } from "./manner.ts";
import { modelOf, sessionUrl, transcriptionModel, wireRates } from "./settings.ts";
import { DeltaSound } from "./sound.ts";
import { type Before, RealtimeTalk } from "./talk.ts";
import { APPEND, append, hear, type RealtimeAudio } from "./wire.ts";

export interface OpenAiParts {
  /** wss://api.openai.com/v1/realtime, or another server of the protocol. */
  readonly url: string;
  readonly apiKey: string;
  /** Unless the agent names one. */
  readonly model: string;
  readonly dialect: DialectName;
  readonly clock: Clock;
}

/** From the first knock to `session.updated`. */
const READY_WITHIN_MS = 8_000;
/** After we closed, the server's own close frame is awaited this long. */
const CLOSE_WITHIN_MS = 1_000;
/** 2 ms at 16 kHz. Shorter pieces of audio, which no carrier sends, go the ordinary way. */
const LEAST_FRAME_BYTES = 72;
/** The longest piece of sound sent in one frame of ours. */
const MOST_FRAME_BYTES = 40_000;
/** Calls whose last session broke off, remembered until they go on. */
const MOST_REMEMBERED = 1_000;

const rates = [24_000, 16_000, 8_000, 48_000];

const abilitiesOf = (dialect: Dialect): EngineAbilities => {
  const all = [...dialect.rates, ...rates.filter((rate) => !dialect.rates.includes(rate))];
  return {
    name: "openai",
    inRates: all.filter((rate) => rate <= 24_000),
    outRates: all,
    turns: true,
    paced: false,
    verbatim: dialect.verbatim,
    interim: true,
    emotions: "none",
    wantsPlayed: true,
    resume: false,
    maxMs: dialect.maxMs,
  };
};

/** OpenAI Realtime, and whoever else speaks its protocol, as an engine: one WebSocket a session (openai-realtime §1-10). */
export function createOpenAiEngine(parts: OpenAiParts): Engine {
  const dialect = dialectOf(parts.dialect);
  const abilities = abilitiesOf(dialect);
  /** The protocol cannot resume: how a call's last session ended is remembered here until the next one, which is told the words again. */
  const brokenOff = new Map<string, BrokenOff>();
  const engine: Engine = {
    abilities,
    manner: mannerOf(dialect),
    check: (agent, signal) => checkByOpening(engine, agent, signal),
    open(session, listener, tap) {
      // Words without a session of ours: another process has died over this call, nobody knows where.
      const elsewhere: Before = session.history.length > 0 ? "caller waits" : "at rest";
      const { before, beside } = brokenOff.get(session.callId) ?? { before: elsewhere, beside: [] };
      brokenOff.delete(session.callId);
      const remember = (how: BrokenOff): void => {
        brokenOff.set(session.callId, how);
        if (brokenOff.size > MOST_REMEMBERED) brokenOff.delete(brokenOff.keys().next().value as string);
      };
      return openSession({ ...parts, dialect, abilities, before, beside, remember }, session, listener, tap);
    },
  };
  return engine;
}

/** How the session before broke off, and what it was told beside the conversation. */
interface BrokenOff {
  readonly before: Before;
  readonly beside: readonly string[];
}

interface SessionParts extends Omit<OpenAiParts, "dialect">, BrokenOff {
  readonly dialect: Dialect;
  readonly abilities: EngineAbilities;
  readonly remember: (how: BrokenOff) => void;
}

/**
 * One session. States: connecting (until the handshake), opening (settings sent), ready, over. Whoever closes first, `ended` is the last event
 * and comes once. Timers and listeners end with the socket.
 */
function openSession(parts: SessionParts, session: EngineSession, listener: (event: EngineEvent) => void, tap?: WireTap): EngineConnection {
  const { dialect, clock } = parts;
  const wireRate = wireRates(dialect, session);
  const toEngine = openResampler(session.inRate, wireRate.in);
  const toCaller = openResampler(wireRate.out, session.outRate);
  const mostUnsent = mostUnsentBytes(wireRate.in);
  let asked = false;
  let over = false;
  let toldUnread = false;
  let wire: { readonly raw: Socket; readonly frames: Base64Messages } | null = null;
  /** Whose sound is in the resampler. */
  let sounding: string | null = null;
  const sound = new DeltaSound();

  const socket = new WebSocket(sessionUrl(parts.url, parts.model, session), {
    headers: dialect.headers(parts.apiKey),
    perMessageDeflate: false,
    handshakeTimeout: READY_WITHIN_MS,
    maxPayload: 64 * 1024 * 1024,
  });
  const readyTimer = setTimeout(() => end(notReady(talk.error)), READY_WITHIN_MS);
  const stopWatching = watchLiveness(socket);
  let closeTimer: NodeJS.Timeout | undefined;
  let laterTimer: NodeJS.Timeout | undefined;

  /** Over, whoever began it. The socket is closed politely if it is still open. */
  const end = (ending: Ending): void => {
    if (over) return;
    over = true;
    for (const timer of [readyTimer, closeTimer, laterTimer]) clearTimeout(timer);
    stopWatching();
    renewing.stop();
    // A renewal comes in a pause, if there is one in time.
    if (ending.retry) parts.remember({ before: talk.ready ? talk.brokenOff : parts.before, beside: talk.beside });
    finishSound();
    talk.over();
    toEngine.free();
    toCaller.free();
    if (socket.readyState === WebSocket.OPEN) {
      socket.close(1000);
      setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS).unref();
    } else socket.terminate();
    listener({ what: "ended", ...ending });
  };
  const tell = (message: Record<string, unknown>): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const json = JSON.stringify(message);
    tap?.("told", json);
    socket.send(json);
  };
  const emitSound = (utterance: string, pcm: Int16Array): void => {
    if (pcm.length > 0) listener({ what: "agent audio", utterance, pcm });
  };
  /** An item's sound is complete: what is left in the filter goes out. */
  const finishSound = (): void => {
    if (sounding !== null) emitSound(sounding, toCaller.end());
    sounding = null;
    sound.reset();
  };
  /** By which name what was used stands in a table of prices. */
  const billedAs = ({ of }: Readonly<Record<string, unknown>>) => ({
    service: dialect.name,
    model: of === "transcription" ? transcriptionModel(dialect, session) : modelOf(parts.model, session),
  });
  const talk = new RealtimeTalk({
    dialect,
    session,
    before: parts.before,
    beside: parts.beside,
    emit(event) {
      // The word that it is ready may have been under way when we closed.
      if (event.what === "ready" && asked) return;
      listener(event.what === "usage" ? { what: "usage", raw: { ...billedAs(event.raw), ...event.raw } } : event);
    },
    tell,
    later(ms, deed) {
      clearTimeout(laterTimer);
      laterTimer = setTimeout(deed, ms);
    },
    end,
    soundOver: finishSound,
    soundCut() {
      toCaller.reset();
      sounding = null;
      sound.reset();
    },
  });

  const hearSound = (audio: RealtimeAudio): void => {
    const samples = sound.decode(audio);
    if (!talk.hearSound(audio.item, audio.response, (samples.length * 1000) / wireRate.out)) return;
    if (sounding !== null && sounding !== audio.item) emitSound(sounding, toCaller.end());
    sounding = audio.item;
    emitSound(audio.item, toCaller.push(samples));
  };

  const renewing = openRenewal({ atRest: () => talk.atRest, renew: () => end(renewal) });

  socket.on("upgrade", (response) => {
    wire = { raw: response.socket, frames: new Base64Messages(response.socket, ...APPEND) };
  });
  socket.on("message", (data: Buffer) => {
    if (over) return;
    const heard = hear(data);
    if (heard.kind === "audio") {
      tap?.(
        "heard",
        `{"type":"response.output_audio.delta","item_id":${JSON.stringify(heard.audio.item)},"base64":${heard.audio.to - heard.audio.from}}`,
      );
      return hearSound(heard.audio);
    }
    tap?.("heard", data.length > 65_536 ? `${data.toString("utf8", 0, 65_536)}…` : data);
    const wasReady = talk.ready;
    if (heard.kind === "saying") talk.hear(heard.saying);
    else if (heard.kind === "unknown") talk.strangeMessage(heard.type, heard.malformed);
    if (!wasReady && talk.ready && !over) {
      clearTimeout(readyTimer);
      renewing.plan(lastsMs(talk.sessionEndsAt, clock.now(), dialect.maxMs));
    }
    renewing.look();
  });
  socket.on("unexpected-response", (_request, response) =>
    readRefusal(response, parts.apiKey, (refusal) => end(asked ? weClosed : refusalOf(response.statusCode ?? 0, refusal))),
  );
  // Always followed by `close`; before the handshake it is the only one with a cause.
  socket.on("error", (error: Error) => {
    if (wire === null) end(asked ? weClosed : unreachable(error.message));
  });
  socket.on("close", (code, reason) => end(asked ? weClosed : endingOf(code, reason.toString(), talk.error)));

  return {
    abilities: parts.abilities,
    audio(pcm) {
      if (over || !talk.ready || wire === null || socket.readyState !== WebSocket.OPEN) return;
      if (wire.raw.writableLength > mostUnsent) {
        // Told once: a way out that is only just too narrow comes and goes many times a minute.
        if (!toldUnread)
          listener({ what: "trouble", code: "not_reading", text: "The engine does not read: caller audio is being left out." });
        toldUnread = true;
        return;
      }
      const bytes = session.inRate === wireRate.in ? pcm : bytesOf(toEngine.push(samplesOf(pcm)));
      if (bytes.length >= LEAST_FRAME_BYTES && bytes.length <= MOST_FRAME_BYTES) wire.frames.send(bytes);
      else if (bytes.length > 0) socket.send(append(bytes));
    },
    say: (text, how) => talk.say(text, how),
    context: (text, answer) => talk.context(text, answer),
    toolResult: (id, result) => talk.toolResult(id, result),
    played: (utterance, ms, how) => talk.played(utterance, ms, how),
    playing(on) {
      talk.tellPlaying(on);
      if (!on) setImmediate(renewing.look);
    },
    close() {
      if (asked || over) return;
      asked = true;
      talk.over();
      if (socket.readyState !== WebSocket.OPEN) return end(weClosed);
      socket.close(1000);
      closeTimer = setTimeout(() => end(weClosed), CLOSE_WITHIN_MS);
    },
  };
}

/** The carrier's bytes as samples: in place where they are aligned, otherwise copied. */
function samplesOf(pcm: Uint8Array): Int16Array {
  if (pcm.byteOffset % 2 === 0) return new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1);
  const copy = new Uint8Array(pcm);
  return new Int16Array(copy.buffer, 0, copy.length >> 1);
}

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
