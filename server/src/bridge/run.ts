import type { Clock } from "../clock.ts";
import type { Utterance } from "../conversation/utterance.ts";
import { FeelingsByTime, type Felt } from "../emotion/by-time.ts";
import type { EmotionSource } from "../emotion/port.ts";
import type { Engine, EngineConnection, EngineEvent, EngineSession } from "../engine/port.ts";
import type { CallId } from "../ids.ts";
import type { Journal } from "../journal/file.ts";
import { AudioClock } from "../sound/audio-clock.ts";
import type { ToolResult } from "../tools/result.ts";
import type { Moment, ToolUse } from "../tools/use.ts";
import { backAgain as wordsForBackAgain } from "./back-again.ts";
import { HeldAudio } from "./held-audio.ts";
import type { CallerMedia, MediaListener } from "./media.ts";
import { noSilence, type PatienceRules, wait } from "./patience.ts";
import { Player, type PlayerEvent } from "./player.ts";
import { type Action, type Bridge, beginning, dueAt, type Heard, step } from "./step.ts";
import type { Tick } from "./tick.ts";
import type { BridgeFact } from "./timeline.ts";
import { ToolDesk, type UsedBefore } from "./tool-desk.ts";
import { Transcript } from "./transcript.ts";
import { PAUSE_MS, Voice } from "./voice.ts";

/** A sentence that was played to its end and of which nothing more came for so long is taken to be over. */
const TURN_OVER_MS = 2_000;
/** After a word of the caller's, of an engine that does not say when they fall silent, they are taken to speak for so long. */
const CALLER_WORD_MS = 1_500;

export interface RunParts {
  readonly call: CallId;
  readonly engine: Engine;
  /** Measures the caller's feelings beside an engine that does not; null: nobody does. */
  readonly emotions?: EmotionSource | null;
  readonly agent: Pick<
    EngineSession,
    "agent" | "manners" | "tools" | "prompt" | "greeting" | "voice" | "language" | "options" | "variables"
  >;
  /** Where an earlier session of this call can be gone on with. */
  readonly resume: string | null;
  /** What was said so far, oldest first: for an engine that cannot resume. */
  readonly history: EngineSession["history"];
  /** Tools that were used before this process carried the call, oldest first. */
  readonly toolsBefore?: readonly UsedBefore[];
  /** Said once both are there, when the call was broken off before; null: nothing. */
  readonly backAgain?: string | null;
  /** Said when they come back after so long that the engine was let go meanwhile, by one that goes on without a word; null: nothing. */
  readonly returned?: string | null;
  /** Hz of the carrier's audio, asked of it and of the engine. */
  readonly rate: number;
  readonly clock: Clock;
  readonly tick: Tick;
  readonly journal: Journal;
  /** An utterance as it is now known; may come several times. */
  readonly said: (utterance: Utterance) => void;
  readonly fact: (fact: BridgeFact) => void;
  /** What the agent does about silence; absent: nothing. */
  readonly patience?: PatienceRules;
  /** Does what the engine asks for; absent: this agent has no tools. */
  readonly useTool?: (use: ToolUse, moment: Moment) => Promise<ToolResult>;
  /** What a session used, as its engine tells it. */
  readonly used?: (usage: { readonly session: string | null; readonly raw: Readonly<Record<string, unknown>> }) => void;
  readonly hangUp: () => void;
  /** The caller has been silent too long, and the goodbye was said. */
  readonly silence?: () => void;
  /** The caller has waited long for words: somebody asks them for a moment. */
  readonly askToWait?: (again: boolean) => void;
  /** The engine is lost for good, or (with `error`) something happened in here that nobody had foreseen. */
  readonly engineLost: (detail: { code: string | null; text: string; error?: unknown }) => void;
}

export interface RunningBridge {
  readonly rate: number;
  readonly player: Player;
  state(): Bridge["state"];
  /** The caller's connection; it takes the place of an earlier one, which is closed. */
  attach(media: CallerMedia): void;
  attached(): boolean;
  /** When the call was answered: until told, the transcript waits for it. */
  answered(at: Date | null): void;
  /** Once a second, for the deadlines. */
  second(): void;
  /** An operator's word to the agent, or words it is to say; false when there is nobody to tell just now. */
  whisper(how: "context" | "say", text: string): boolean;
  /** Its vendor says that the engine's session is over, though the connection to it has not noticed: it counts as lost. */
  engineGone(): void;
  /** The call is over. Resolves when everything is closed: at once, or when the engine has written down the caller's last words. */
  end(): Promise<void>;
  /** Nobody has heard anything of it yet and nobody shall: closed without a word in the transcript. */
  abandon(): void;
}

/**
 * Carries one call: hears both sockets, asks `step` what to do, does it. The states are those of `step`. Nothing here awaits: the
 * database and the disk are behind `said`, `fact` and `journal`, which return at once. Who closes whom: `end` closes the engine, then the
 * media; a socket that closes by itself is only heard of. After `end` nothing is heard any more.
 */
export function runBridge(parts: RunParts): RunningBridge {
  const { call, clock, journal, tick, rate } = parts;
  const transcript = new Transcript(parts);
  const audioClock = new AudioClock(rate);
  const held = new HeldAudio(rate);
  let bridge: Bridge = beginning(parts.resume);
  let engine: EngineConnection | null = null;
  /** Which of the caller's samples was the first this engine session heard. */
  let engineFirstSample = 0;
  /** Of the silence it was fed since the caller went away. */
  let fedSamples = 0;
  /** Has the greeting, or anything else of the agent's, begun to sound? Or does all of it wait for the caller? */
  let agentBegan = false;
  let forgetting = false;
  /** What this session was given to say first. */
  let greeting: string | null = null;
  const voice = new Voice();
  /** When `step` wants to hear of the time at the latest. */
  let due: number | null = null;
  let backAgain = parts.backAgain ?? null;
  let lostAt: number | null = null;
  let lostCode: string | null = null;
  /** The engine was closed because the caller stayed away. */
  let letGo = false;
  let media: CallerMedia | null = null;
  let attachedAt: number | null = null;
  let leaveTick: (() => void) | null = null;
  let stopSilence: (() => void) | null = null;
  let whenOver: (() => void) | null = null;
  let frame: Uint8Array | null = null;
  let sound: Extract<EngineEvent, { what: "agent audio" }> | null = null;
  let soundAt = 0;
  let session: string | null = null;
  let lull = noSilence;
  /** For patience: does the caller speak, when was their last word or key, and has the agent sounded since the last look? */
  let callerSpeaks = false;
  let callerAt = Number.NEGATIVE_INFINITY;
  let agentSounded = false;

  /** Places of the caller's speech and of what was measured in it, both on the clock of all the caller's samples. */
  const feelings = new FeelingsByTime();
  const felt = (set: string, { utterance, scores }: Felt): void =>
    transcript.told({ what: "emotion", speaker: "caller", utterance, fromMs: null, toMs: null, set, scores }, now);
  let feltSet = "";
  const ear =
    parts.emotions?.open(rate, (sign) => {
      if (sign.what === "heard") journal.put("engineHeard", now(), JSON.stringify({ from: parts.emotions?.name, message: sign.message }));
      else if (sign.what === "trouble") note({ fact: "engine troubled", code: sign.code, text: sign.text });
      else {
        feltSet = sign.set;
        const whose = feelings.measured(sign);
        if (whose !== null) felt(sign.set, whose);
      }
    }) ?? null;

  const now = (): number => clock.monotonicMs();
  /** What goes wrong in here ends this call and no other: without it, one wrong sentence would end the process and every call with it. */
  const safely =
    <Args extends unknown[]>(deed: (...args: Args) => void) =>
    (...args: Args): void => {
      try {
        deed(...args);
      } catch (error) {
        giveUp(error);
      }
    };
  const giveUp = (error: unknown): void => {
    if (bridge.state === "over") return;
    bridge = { ...beginning(bridge.resume), state: "silent" };
    due = null;
    journal.put("decided", now(), JSON.stringify({ gaveUp: String(error), state: bridge.state, actions: [] }));
    stopTicking();
    stopSilence?.();
    engine?.close();
    engine = null;
    parts.engineLost({ code: "bridge_failed", text: "The bridge of this call failed.", error });
  };
  /** What the journal may keep of a frame: where nobody agreed to a recording, silence of the same length, so that its time still counts. */
  let keepsSound = false;
  const kept = (pcm: Uint8Array): Uint8Array => (keepsSound ? pcm : silence(pcm.length));
  const note = (fact: WithoutTime<BridgeFact>): void => parts.fact({ ...fact, at: clock.now() } as BridgeFact);

  const desk = new ToolDesk({
    before: parts.toolsBefore ?? [],
    use: parts.useTool ?? null,
    monotonicMs: now,
    sounding: () => player.unplayedMs(now()) > 0,
    engine: () => engine,
    told: safely(() => decide({ what: "tool answered", busy: desk.busy, at: now() })),
    answered: ({ use, result, tookMs }) => note({ fact: "tool answered", tool: use.name, use: use.id, result, tookMs }),
  });
  const player = new Player({
    rate,
    send(bytes, at) {
      media?.play(bytes);
      agentBegan = true;
      journal.put("playedFrame", at, kept(bytes));
    },
    tell: (event) => played(event),
  });
  // What is done to waiting speech is written down with the very time the player is given: so a replay paces again, to the frame (replay-pacing.ts).
  const finishSpeech = (): void => {
    const at = now();
    journal.put("speech", at, '{"do":"finish"}');
    player.finish(at);
  };
  const forgetSpeech = (): number => {
    const at = now();
    journal.put("speech", at, '{"do":"drop"}');
    return player.cut(at);
  };
  const played = (event: PlayerEvent): void => {
    if (forgetting) return;
    // Before the call's audio came nothing can have been heard, or cut.
    if (attachedAt !== null) transcript.played(event);
    if (event.what === "started") agentSounded = true;
    if (event.what === "ended") engine?.played(event.utterance, event.heardMs, event.cut ? "cut" : "complete");
    if (event.what !== "quiet") return;
    engine?.playing(false);
    desk.look();
    decide({ what: "quiet", at: event.at });
  };
  const keepTicking = (): void => {
    if (player.active) leaveTick ??= tick.join(visit);
    else stopTicking();
  };
  const stopTicking = (): void => {
    leaveTick?.();
    leaveTick = null;
  };
  const visit = safely((time: number): void => {
    if (media?.ready(time) !== false) player.visit(time);
    if (!player.active) stopTicking();
  });

  const decide = (heard: Heard): void => {
    const before = bridge.state;
    const [next, actions] = step(bridge, heard);
    const changed = next !== bridge;
    bridge = next;
    if (changed) due = dueAt(next);
    // All that a replay needs (replay.ts): frames and sound are records of their own, and what changed nothing changes nothing again.
    if (heard.what !== "caller spoke" && heard.what !== "agent spoke" && (changed || actions.length > 0))
      journal.put("decided", now(), JSON.stringify({ heard, state: next.state, actions }));
    for (const action of actions) act(action);
    if (backAgain !== null && bridge.state === "talking") {
      const words = backAgain;
      backAgain = null;
      // An engine that is told what was said before goes on by itself, and owes the caller its own words.
      if (parts.engine.abilities.resume) say(words);
      else decide({ what: "asked to speak", at: now() });
    }
    if (bridge.state !== "over" || before === "over") return;
    stopSilence?.();
    whenOver?.();
  };
  const act = (action: Action): void => {
    switch (action.do) {
      case "send to engine":
        engine?.audio(frame as Uint8Array);
        return;
      case "hold":
        held.keep(frame as Uint8Array);
        return;
      case "deliver held":
        engineFirstSample = audioClock.samples - held.samples;
        for (const kept of held.take()) engine?.audio(kept);
        return;
      case "drop held":
        held.take();
        return;
      case "queue for caller":
        queueSound();
        return;
      case "drop speech":
        dropSpeech(action.cutIn);
        return;
      case "finish speech":
        finishSpeech();
        keepTicking();
        if (!player.active) decide({ what: "quiet", at: now() });
        return;
      case "note silence":
        lostAt ??= now();
        note({ fact: "engine silent", silentMs: Math.round(action.silentMs) });
        return;
      case "ask to wait":
        note({ fact: "asked to wait" });
        parts.askToWait?.(action.again);
        return;
      case "go on": {
        // An engine that is told what was said before goes on by itself; one that remembers it only listens.
        const words = action.opened && !parts.engine.abilities.resume ? null : wordsForBackAgain(parts.agent.language);
        if (words !== null) engine?.say(words, "exact");
        return;
      }
      case "feed silence":
        feedSilence();
        return;
      case "open engine":
        if (letGo && parts.engine.abilities.resume) backAgain = parts.returned ?? null;
        letGo = false;
        openEngine(action.resume);
        return;
      case "close engine":
        letGo = bridge.state === "apart";
        engine?.close();
        return;
      case "hang up":
        parts.hangUp();
        return;
      case "report engine lost":
        parts.engineLost({ code: action.code, text: action.text });
        return;
    }
  };
  const queueSound = (): void => {
    const { utterance, pcm } = sound as NonNullable<typeof sound>;
    const wasPlaying = player.unplayedMs(soundAt) > 0;
    if (player.push(utterance, pcm, soundAt) === "full") note({ fact: "speech left out" });
    if (!wasPlaying) engine?.playing(true);
    keepTicking();
  };
  const dropSpeech = (cutIn: boolean): void => {
    const droppedMs = forgetSpeech();
    stopTicking();
    if (cutIn && droppedMs > 0 && media !== null) {
      media.clear();
      journal.put("carrierTold", now(), '{"action":"clear"}');
      note({ fact: "caller cut in", droppedMs: Math.round(droppedMs) });
    }
    transcript.cut(now());
  };

  /** An engine that hears nothing waits for the end of a sentence for ever; one that hears silence knows it. */
  const feedSilence = (): void => {
    const silence = new Uint8Array((rate / 50) * 2);
    stopSilence ??= tick.join((time) => {
      engine?.audio(silence);
      fedSamples += silence.length / 2;
      if (bridge.state === "listening") decide({ what: "second", at: time });
    });
  };

  const say = (text: string): void => {
    engine?.say(text, "exact");
    decide({ what: "asked to speak", at: now() });
  };
  const openEngine = (lastSession: string | null): void => {
    const history = [...parts.history, ...transcript.soFar()];
    // Nobody has heard or said anything yet: what waits of a greeting, half of it perhaps, is dropped, and the call begins anew.
    const anew = !agentBegan && history.length === 0 && parts.resume === null;
    const resume = anew ? null : lastSession;
    greeting = anew ? parts.agent.greeting : null;
    if (anew && player.unplayedMs(now()) > 0) {
      transcript.forgetUnheard();
      forgetting = true;
      forgetSpeech();
      forgetting = false;
    }
    const session = { ...parts.agent, callId: call, greeting, inRate: rate, outRate: rate, resume, history };
    let mine: EngineConnection | null = null;
    mine = parts.engine.open(
      session,
      safely((event) => {
        if (mine === null || mine === engine) heardEngine(event);
      }),
      (way, message) => journal.put(way === "heard" ? "engineHeard" : "engineTold", now(), message),
    );
    engine = mine;
    engineFirstSample = audioClock.samples;
    fedSamples = 0;
    // What the lost session said is still being heard, and may still be cut.
    if (player.unplayedMs(now()) > 0) mine.playing(true);
  };
  const heardEngine = (event: EngineEvent): void => {
    switch (event.what) {
      case "agent audio":
        soundAt = now();
        journal.put("engineAudio", soundAt, `{"utterance":${JSON.stringify(event.utterance)},"samples":${event.pcm.length}}`);
        sound = event;
        decide({ what: "agent spoke" });
        return;
      case "agent text":
        // After the call nobody hears an answer any more.
        if (bridge.state === "listening") return;
        transcript.told(event, whenSaid);
        decide({ what: "agent words", at: now() });
        return;
      case "caller text":
        callerAt = now();
        transcript.told(event, whenSaid);
        decide({ what: "caller words", final: event.final, at: now() });
        if (event.final && ear !== null) {
          const beforeMs = (engineFirstSample * 1000) / rate;
          const whose = feelings.spoke(event.utterance, beforeMs + event.fromMs, beforeMs + event.toMs);
          if (whose !== null) felt(feltSet, whose);
        }
        return;
      case "emotion":
        transcript.told(event, whenSaid);
        return;
      case "cut in":
        decide({ what: "cut in" });
        return;
      case "agent done":
        if (event.how !== "cut") finishSpeech();
        agentBegan ||= event.how === "complete" && player.unplayedMs(now()) > 0;
        keepTicking();
        decide({ what: "agent done", cut: event.how === "cut" });
        return;
      case "ready":
        session = event.session;
        callerSpeaks = false;
        note({ fact: "engine ready", session: event.session, resume: event.resume });
        if (lostAt !== null) note({ fact: "engine resumed", gapMs: Math.round(now() - lostAt) });
        lostAt = null;
        desk.opened();
        decide({
          what: "engine ready",
          at: now(),
          resume: event.resume,
          greets: greeting !== null,
          goesOn: !parts.engine.abilities.resume || wordsForBackAgain(parts.agent.language) !== null,
        });
        return;
      case "ended":
        engine = null;
        // Of an engine that cannot be reached each attempt ends so: the first is told.
        if (bridge.state !== "over" && !letGo && (lostAt === null || event.code !== lostCode))
          note({ fact: "engine ended", why: event.why, code: event.code, text: event.text });
        if (!letGo) lostAt ??= now();
        lostCode = event.code;
        {
          const at = now();
          decide({ ...event, what: "engine ended", at, playsUntil: at + Math.max(0, media === null ? 0 : player.unplayedMs(at)) });
          return;
        }
      case "trouble":
        note({ fact: "engine troubled", code: event.code, text: event.text });
        return;
      case "tool":
        // An engine without a way of its own to hang up calls a tool for it.
        if (event.name === "hang_up" && parts.agent.manners.hangsUp)
          decide({ what: "engine ended", at: now(), why: "agent_hung_up", code: null, text: "The agent hangs up.", retry: false });
        else {
          // For a tool an engine breaks its answer off: what it has said so far is whole.
          finishSpeech();
          keepTicking();
          decide({ what: "tool" });
          desk.ask({ id: event.id, name: event.name, args: event.args });
        }
        return;
      case "caller speech":
        callerSpeaks = event.on;
        callerAt = now();
        decide({ what: "caller speech", on: event.on, at: callerAt });
        return;
      case "usage":
        parts.used?.({ session, raw: event.raw });
        return;
    }
  };
  /** Monotonic time of a moment on the engine's clock, which counts the samples it was given. Nonsense is brought into what was heard. */
  const whenSaid = (engineMs: number): number => {
    const sample = engineFirstSample + (Math.max(0, engineMs) * rate) / 1000;
    return audioClock.timeOf(Math.min(sample, audioClock.samples)) ?? now();
  };

  const listenerOf = (connection: CallerMedia): MediaListener => ({
    frame: safely((pcm: Uint8Array) => {
      if (media !== connection) return;
      const at = now();
      frame = pcm;
      audioClock.heard(at, pcm.length / 2);
      ear?.audio(pcm);
      decide({ what: "caller spoke" });
      journal.put("callerFrame", at, kept(pcm));
      const speaks = voice.hears(pcm);
      if (speaks !== null) decide({ what: "voice", on: speaks, at: speaks ? at : at - PAUSE_MS });
      // The caller's frames are the clock of a talk: no deadline is more than 20 ms late.
      if (due !== null && at >= due) decide({ what: "second", at });
    }),
    digit: safely((digit: string, durationMs: number | null) => {
      journal.put("carrierHeard", now(), JSON.stringify({ event: "dtmf", digit, duration: durationMs }));
      callerAt = now();
      note({ fact: "key pressed", digit });
      engine?.context(`The caller pressed the key ${digit}.`, false);
    }),
    marked: (name) => journal.put("carrierHeard", now(), JSON.stringify({ event: "notify", name })),
    cleared: () => journal.put("carrierHeard", now(), '{"event":"cleared"}'),
    closed: safely(() => {
      if (media === connection) audioLost();
    }),
  });
  const audioLost = (): void => {
    media = null;
    const at = now();
    journal.put("media", at, '{"on":false}');
    note({ fact: "audio closed" });
    decide({ what: "media off", at });
    player.disconnect(at);
    stopTicking();
  };

  const bePatient = (): void => {
    if (parts.patience === undefined || bridge.state !== "talking") return;
    const at = now();
    const agent = agentSounded || player.unplayedMs(at) > 0;
    agentSounded = false;
    const who = callerSpeaks || at - callerAt < CALLER_WORD_MS ? "caller" : agent ? "agent" : desk.busy ? "busy" : "nobody";
    const [next, patient] = wait(parts.patience, lull, who, at);
    lull = next;
    if (patient?.do === "say") {
      note({ fact: "caller silent", text: patient.text });
      say(patient.text);
    }
    if (patient?.do === "end") parts.silence?.();
  };

  journal.put("decided", now(), JSON.stringify({ begun: { resume: parts.resume, rate }, state: bridge.state, actions: [] }));
  safely(openEngine)(parts.resume);

  return {
    player,
    rate,
    state: () => bridge.state,
    attached: () => media !== null,
    answered: safely((at: Date | null) => {
      const audio = attachedAt ?? now();
      // The carrier's clock may be ahead of ours: no audio comes before the answer.
      transcript.startsAt(at === null ? audio : Math.min(audio, now() - (clock.now().getTime() - at.getTime())));
    }),
    attach: safely((connection: CallerMedia) => {
      // A carrier opens another connection only when it has lost the one before: that one is dead, though nobody has told us.
      const dead = media;
      if (dead !== null) audioLost();
      dead?.close();
      const at = now();
      stopSilence?.();
      stopSilence = null;
      // The engine's clock went on with the silence, the caller's did not.
      engineFirstSample -= fedSamples;
      fedSamples = 0;
      media = connection;
      keepsSound = connection.keepsSound;
      attachedAt ??= at;
      audioClock.interrupted();
      journal.put("media", at, JSON.stringify({ on: true, rate: connection.rate }));
      decide({ what: "media on", at });
      player.connect(at);
      keepTicking();
      desk.callerBack();
      connection.listen(listenerOf(connection));
    }),
    second: safely(() => {
      // Not every engine says that its turn is over.
      if (player.waitingMs(now()) > TURN_OVER_MS) finishSpeech();
      decide({ what: "second", at: now() });
      desk.look();
      bePatient();
    }),
    whisper(how, text) {
      if (engine === null || bridge.state !== "talking") return false;
      if (how === "say") say(text);
      else engine.context(text, false);
      return true;
    },
    engineGone: safely(() => {
      const gone = engine;
      if (gone === null || bridge.state === "over") return;
      heardEngine({
        what: "ended",
        why: "lost",
        code: "ended_at_vendor",
        text: "The vendor says that the engine's session is over.",
        retry: true,
      });
      gone.close();
    }),
    abandon() {
      void desk.end();
      media?.close();
      media = null;
      stopTicking();
      void ear?.close();
      engine?.close();
      engine = null;
      bridge = { ...bridge, state: "over" };
    },
    async end() {
      const over = new Promise<void>((resolve) => {
        whenOver = resolve;
      });
      // Opened while it rang, and the call's audio went to another process, or nowhere: nobody was said anything. Told as "not heard", its greeting
      // would stand in the journal all processes share, and from there in the transcript, beside the greeting that was heard.
      if (attachedAt === null) transcript.forgetUnheard();
      if (bridge.state !== "over") {
        decide({ what: "end", at: now() });
        stopTicking();
        if (media !== null) journal.put("media", now(), '{"on":false}');
        media?.close();
        media = null;
        if (bridge.state === "listening") await over;
      }
      stopTicking();
      await Promise.all([ear?.close(), desk.end()]);
      transcript.over(now(), attachedAt);
    },
  };
}

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;

let zeros = Buffer.alloc(1920);
function silence(bytes: number): Uint8Array {
  if (zeros.length < bytes) zeros = Buffer.alloc(bytes);
  return zeros.subarray(0, bytes);
}
