import { AudioClock } from "../sound/audio-clock.ts";
import { HeldAudio } from "./held-audio.ts";
import type { CallerMedia, MediaListener } from "./media.ts";
import { type Pieces, safely } from "./parts.ts";
import { PAUSE_MS, Voice } from "./voice.ts";

/**
 * The caller's audio connection, one after the other: their sound and its time, and the way to their ear.
 *
 * | state | means | entered by | left by |
 * |---|---|---|---|
 * | away | no connection | the start, the connection closed by whomever, end | attach |
 * | there | frames come and go | attach | closed, end; another attach closes this connection for its own |
 *
 * Closes only its own connection: at `end`, and a dead one that another has taken the place of. What a connection says after that concerns nobody.
 */
export class CallerLine {
  /** When the first connection came, monotonic ms. */
  attachedAt: number | null = null;
  /** The frame in hand while `decide` hears of it. */
  frame: Uint8Array | null = null;
  readonly audioClock: AudioClock;
  readonly held: HeldAudio;
  private media: CallerMedia | null = null;
  /** May the journal keep their sound, and the agent's? */
  private keepsSound = false;
  private readonly voice: Pick<Voice, "hears">;
  private readonly all: Pieces;

  constructor(all: Pieces) {
    this.all = all;
    this.audioClock = new AudioClock(all.parts.rate);
    this.voice = all.parts.voice ?? new Voice();
    this.held = new HeldAudio(all.parts.rate);
  }

  get there(): boolean {
    return this.media !== null;
  }

  /** Another connection; a carrier opens one only when it has lost the one before: that one is dead, though nobody has told us. */
  attach(connection: CallerMedia): void {
    const { parts, engine, mouth, desk, decide } = this.all;
    const dead = this.media;
    if (dead !== null) this.lost();
    dead?.close();
    const at = this.all.now();
    const fed = engine.callerBack();
    this.media = connection;
    this.keepsSound = connection.keepsSound;
    this.attachedAt ??= at;
    this.audioClock.interrupted();
    const apart = { ...(!connection.keepsSound && { kept: false }), ...(fed > 0 && { fed }) };
    parts.journal.put("media", at, JSON.stringify({ on: true, rate: connection.rate, ...apart }));
    decide({ what: "media on", at });
    mouth.connect(at);
    desk.callerBack();
    connection.listen(this.listenerOf(connection));
  }

  /** Frames for the caller, and the time they were reckoned with. */
  play(frames: Uint8Array, at: number): void {
    this.media?.play(frames);
    this.all.parts.journal.put("playedFrame", at, this.kept(frames));
  }

  /** May more be sent at `time`? */
  ready(time: number): boolean {
    return this.media?.ready(time) !== false;
  }

  /** The carrier drops what it holds; false when there is none. */
  clear(): boolean {
    if (this.media === null) return false;
    this.media.clear();
    this.all.parts.journal.put("carrierTold", this.all.now(), '{"action":"clear"}');
    return true;
  }

  /** The call is over. */
  end(): void {
    if (this.media !== null) this.all.parts.journal.put("media", this.all.now(), '{"on":false}');
    this.close();
  }

  close(): void {
    this.media?.close();
    this.media = null;
  }

  /** What the journal may keep of a frame: where nobody agreed to a recording, silence of the same length, so that its time still counts. */
  private kept(pcm: Uint8Array): Uint8Array {
    return this.keepsSound ? pcm : silence(pcm.length);
  }

  private listenerOf(connection: CallerMedia): MediaListener {
    const { all } = this;
    const { journal } = all.parts;
    const pressed = safely(all, ({ digit, duration }: { digit: string; duration: number | null }) => {
      journal.put("carrierHeard", all.now(), JSON.stringify({ event: "dtmf", digit, duration }));
      all.silence.callerAt = all.now();
      all.note({ fact: "key pressed", digit });
      all.engine.tell(`The caller pressed the key ${digit}.`);
    });
    return {
      frame: safely(all, (pcm: Uint8Array) => {
        if (this.media === connection) this.heard(pcm);
      }),
      digit: (digit, duration) => pressed({ digit, duration }),
      marked: (name) => journal.put("carrierHeard", all.now(), JSON.stringify({ event: "notify", name })),
      cleared: () => journal.put("carrierHeard", all.now(), '{"event":"cleared"}'),
      closed: safely(all, () => {
        if (this.media === connection) this.lost();
      }),
    };
  }

  private heard(pcm: Uint8Array): void {
    const { all } = this;
    const at = all.now();
    this.frame = pcm;
    this.audioClock.heard(at, pcm.length / 2);
    all.feelings.audio(pcm);
    all.decide(callerSpoke);
    all.parts.journal.put("callerFrame", at, this.kept(pcm));
    const speaks = this.voice.hears(pcm);
    if (speaks !== null) all.decide({ what: "voice", on: speaks, at: speaks ? at : at - PAUSE_MS });
    // The caller's frames are the clock of a talk: no deadline is more than 20 ms late.
    all.look(at);
  }

  private lost(): void {
    const { parts, mouth, note, decide } = this.all;
    this.media = null;
    const at = this.all.now();
    parts.journal.put("media", at, '{"on":false}');
    note({ fact: "audio closed" });
    this.all.during(at, () => {
      decide({ what: "media off", at });
      mouth.disconnect(at);
    });
  }
}

const callerSpoke = { what: "caller spoke" } as const;

let zeros = Buffer.alloc(1920);
function silence(bytes: number): Uint8Array {
  if (zeros.length < bytes) zeros = Buffer.alloc(bytes);
  return zeros.subarray(0, bytes);
}
