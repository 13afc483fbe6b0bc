import type { EngineConnection, EngineEvent } from "../engine/port.ts";
import { backAgain as wordsForBackAgain } from "./back-again.ts";
import { type Pieces, safely } from "./parts.ts";

/** More keys than anybody presses while an engine is tried again. */
const MOST_UNTOLD = 100;

/**
 * The engine's sessions, one after the other: what they say, and the caller's sound to them.
 *
 * | state | means | entered by | left by |
 * |---|---|---|---|
 * | none | no session | the start, a session ended | `open` |
 * | opening | asked for; it hears nothing yet | `open` | ready, ended, another `open` |
 * | ready | it hears and speaks | its `ready` | ended, another `open` |
 *
 * With `connection` the session that is there, the first two can be told apart only by step.ts, which decides. A session that another was opened
 * over is heard no more, and was closed by the decision that opened the other. Closes only its own session: `close`, and one whose vendor says that
 * it is over (`gone`). While it is `fed` silence in the caller's place, the tick visits; that ends with the caller's return or with the call.
 */
export class EngineLine {
  connection: EngineConnection | null = null;
  /** What is said to the caller once both are there; null: nothing. */
  private backAgain: string | null;
  /** Sound in hand while `decide` hears of it, and when it came. */
  private sound: Extract<EngineEvent, { what: "agent audio" }> | null = null;
  private soundAt = 0;
  private session: string | null = null;
  /** What this session was given to say first. */
  private greeting: string | null = null;
  /** Which of the caller's samples was the first this session heard. */
  private firstSample = 0;
  /** Of the silence it was fed since the caller went away. */
  private fedSamples = 0;
  private stopFeeding: (() => void) | null = null;
  /** What was to be told while there was no session: the next one is. */
  private untold: string[] = [];
  private lostAt: number | null = null;
  private lostCode: string | null = null;
  /** It was closed because the caller stayed away. */
  private letGo = false;
  private readonly all: Pieces;

  constructor(all: Pieces) {
    this.all = all;
    this.backAgain = all.parts.backAgain ?? null;
  }

  /** Another session, to go on with the one named. */
  open(lastSession: string | null): void {
    const { parts, mouth, line, transcript } = this.all;
    const history = [...parts.history, ...transcript.soFar()];
    // Nobody has heard or said anything yet: what waits of a greeting, half of it perhaps, is dropped, and the call begins anew.
    const anew = !mouth.began && history.length === 0 && parts.resume === null;
    const resume = anew ? null : lastSession;
    this.greeting = anew ? parts.agent.greeting : null;
    if (anew && mouth.sounding) mouth.forgetUnheard();
    const { call, rate, journal } = parts;
    const session = { ...parts.agent, callId: call, greeting: this.greeting, inRate: rate, outRate: rate, resume, history };
    let mine: EngineConnection | null = null;
    mine = parts.engine.open(
      session,
      safely(this.all, (event: EngineEvent) => {
        if (mine === null || mine === this.connection) this.heard(event);
      }),
      (way, message) => journal.put(way === "heard" ? "engineHeard" : "engineTold", this.all.now(), message),
    );
    this.connection = mine;
    for (const text of this.untold.splice(0)) mine.context(text, false);
    this.firstSample = line.audioClock.samples;
    this.fedSamples = 0;
    // What the lost session said is still being heard, and may still be cut.
    if (mouth.sounding) mine.playing(true);
  }

  /** As decided: after a session that was let go the caller, who is back, hears so from an engine that goes on without a word. */
  openAgain(lastSession: string | null): void {
    const { parts } = this.all;
    if (this.letGo && parts.engine.abilities.resume) this.backAgain = parts.returned ?? null;
    this.letGo = false;
    this.open(lastSession);
  }

  /** As decided. `apart`: because the caller stays away. */
  close(apart: boolean): void {
    this.letGo = apart;
    this.connection?.close();
  }

  /** Without a word: nothing it says concerns anybody any more. */
  abandon(): void {
    this.feedNoMore();
    this.connection?.close();
    this.connection = null;
  }

  /** Its vendor says that the session is over, though the connection has not noticed. */
  gone(): void {
    const { connection } = this;
    if (connection === null || this.all.state() === "over") return;
    const text = "The vendor says that the engine's session is over.";
    this.heard({ what: "ended", why: "lost", code: "ended_at_vendor", text, retry: true });
    connection.close();
  }

  audio(pcm: Uint8Array): void {
    this.connection?.audio(pcm);
  }

  /** Tells it something beside the conversation; between two sessions the next one is told. */
  tell(text: string): void {
    if (this.connection !== null) this.connection.context(text, false);
    else this.untold = [...this.untold, text].slice(-MOST_UNTOLD);
  }

  /** The sound that was kept for it, oldest first. */
  deliver(): void {
    const { held, audioClock } = this.all.line;
    this.firstSample = audioClock.samples - held.samples;
    for (const kept of held.take()) this.audio(kept);
  }

  /** The sound in hand is let through to the caller. */
  queueSound(): void {
    const { utterance, pcm } = this.sound as NonNullable<typeof this.sound>;
    this.all.mouth.queue(utterance, pcm, this.soundAt);
  }

  say(text: string): void {
    this.connection?.say(text, "exact");
    this.all.decide({ what: "asked to speak", at: this.all.now() });
  }

  /** Both are there after the call had been broken off. */
  greetAgain(): void {
    if (this.backAgain === null) return;
    const words = this.backAgain;
    this.backAgain = null;
    // An engine that is told what was said before goes on by itself, and owes the caller its own words.
    if (this.all.parts.engine.abilities.resume) this.say(words);
    else this.all.decide({ what: "asked to speak", at: this.all.now() });
  }

  /** The conversation that broke off is taken up. `opened`: in a session that is new. */
  goOn(opened: boolean): void {
    const { engine, agent } = this.all.parts;
    // An engine that is told what was said before goes on by itself; one that remembers it only listens.
    const words = opened && !engine.abilities.resume ? null : wordsForBackAgain(agent.language);
    if (words !== null) this.connection?.say(words, "exact");
  }

  /** It says nothing though it is connected: for the caller it is lost since then. */
  silent(silentMs: number): void {
    this.lostAt ??= this.all.now();
    this.all.note({ fact: "engine silent", silentMs: Math.round(silentMs) });
  }

  /** An engine that hears nothing waits for the end of a sentence for ever; one that hears silence knows it. */
  feedSilence(): void {
    const { parts } = this.all;
    const silence = new Uint8Array((parts.rate / 50) * 2);
    this.stopFeeding ??= parts.tick.join((time) => {
      this.audio(silence);
      this.fedSamples += silence.length / 2;
      if (this.all.state() === "listening") this.all.decide({ what: "second", at: time });
    });
  }

  feedNoMore(): void {
    this.stopFeeding?.();
    this.stopFeeding = null;
  }

  /** The engine's clock went on with the silence, the caller's did not. Gives by how many samples. */
  callerBack(): number {
    this.feedNoMore();
    const fed = this.fedSamples;
    this.firstSample -= fed;
    this.fedSamples = 0;
    return fed;
  }

  private heard(event: EngineEvent): void {
    if (event.what === "agent audio" || event.what === "usage") this.means(event);
    else {
      const at = this.all.now();
      const inWords = event.what === "emotion" ? { ...event, scores: {} } : event;
      this.all.parts.journal.put("heard", at, JSON.stringify({ engine: inWords }));
      this.all.during(at, () => this.means(event));
    }
  }

  private means(event: EngineEvent): void {
    const { parts, mouth, desk, silence, feelings, transcript, note, decide } = this.all;
    switch (event.what) {
      case "agent audio":
        this.soundAt = this.all.now();
        parts.journal.put("engineAudio", this.soundAt, `{"utterance":${JSON.stringify(event.utterance)},"samples":${event.pcm.length}}`);
        this.sound = event;
        decide(agentSpoke);
        return;
      case "agent text":
        // After the call nobody hears an answer any more.
        if (this.all.state() === "listening") return;
        transcript.told(event, this.whenSaid);
        decide({ what: "agent words", at: this.all.now() });
        return;
      case "caller text": {
        silence.callerAt = this.all.now();
        transcript.told(event, this.whenSaid);
        decide({ what: "caller words", final: event.final, at: this.all.now() });
        const beforeMs = (this.firstSample * 1000) / parts.rate;
        if (event.final) feelings.spoke(event.utterance, beforeMs + event.fromMs, beforeMs + event.toMs);
        return;
      }
      case "emotion":
        transcript.told(event, this.whenSaid);
        return;
      case "cut in":
        decide({ what: "cut in" });
        return;
      case "agent done":
        if (event.how !== "cut") mouth.finish();
        mouth.began ||= event.how === "complete" && mouth.sounding;
        // One that failed is asked for again: its words are owed as before.
        decide({ what: "agent done", cut: event.how === "cut" || event.how === "failed" });
        return;
      case "ready":
        this.ready(event.session, event.resume);
        return;
      case "ended":
        this.ended(event);
        return;
      case "trouble":
        note({ fact: "engine troubled", code: event.code, text: event.text });
        return;
      case "tool":
        // An engine without a way of its own to hang up calls a tool for it.
        if (event.name === "hang_up" && parts.agent.manners.hangsUp)
          decide({ what: "engine ended", at: this.all.now(), why: "agent_hung_up", code: null, text: "The agent hangs up.", retry: false });
        else {
          // For a tool an engine breaks its answer off: what it has said so far is whole.
          mouth.finish();
          decide({ what: "tool" });
          desk.ask({ id: event.id, name: event.name, args: event.args });
        }
        return;
      case "caller speech":
        silence.callerSpeaks = event.on;
        silence.callerAt = this.all.now();
        decide({ what: "caller speech", on: event.on, at: silence.callerAt });
        return;
      case "usage":
        parts.used?.({ session: this.session, raw: event.raw });
        return;
    }
  }

  private ready(session: string, resume: string | null): void {
    const { parts, desk, silence, note, decide } = this.all;
    this.session = session;
    silence.callerSpeaks = false;
    note({ fact: "engine ready", session, resume });
    if (this.lostAt !== null) note({ fact: "engine resumed", gapMs: Math.round(this.all.now() - this.lostAt) });
    this.lostAt = null;
    desk.opened();
    const goesOn = !parts.engine.abilities.resume || wordsForBackAgain(parts.agent.language) !== null;
    decide({ what: "engine ready", at: this.all.now(), resume, greets: this.greeting !== null, goesOn });
  }

  private ended(event: Extract<EngineEvent, { what: "ended" }>): void {
    const { line, mouth, note, decide } = this.all;
    this.connection = null;
    // Of an engine that cannot be reached each attempt ends so: the first is told.
    if (this.all.state() !== "over" && !this.letGo && (this.lostAt === null || event.code !== this.lostCode))
      note({ fact: "engine ended", why: event.why, code: event.code, text: event.text });
    if (!this.letGo) this.lostAt ??= this.all.now();
    this.lostCode = event.code;
    const at = this.all.now();
    decide({ ...event, what: "engine ended", at, playsUntil: at + Math.max(0, line.there ? mouth.unplayedMs(at) : 0) });
  }

  /** Monotonic time of a moment on the engine's clock, which counts the samples it was given. Nonsense is brought into what was heard. */
  private readonly whenSaid = (engineMs: number): number => {
    const { audioClock } = this.all.line;
    const sample = this.firstSample + (Math.max(0, engineMs) * this.all.parts.rate) / 1000;
    return audioClock.timeOf(Math.min(sample, audioClock.samples)) ?? this.all.now();
  };
}

const agentSpoke = { what: "agent spoke" } as const;
