import { type Pieces, safely } from "./parts.ts";
import { Player, type PlayerEvent } from "./player.ts";

/**
 * What the agent says on its way to the caller: the player, its place on the shared tick, and who is told what was heard.
 *
 * | state | means | entered by | left by |
 * |---|---|---|---|
 * | shut | nobody on the line: sound is only kept | the start, the caller's connection lost | the caller's connection |
 * | quiet | nothing to hear | played out, dropped | sound |
 * | speaking | the tick visits every 20 ms | sound, the caller's connection with sound waiting | played out, dropped, connection lost, end |
 *
 * Closes nobody. It leaves the tick by itself, and `stop` makes it leave.
 */
export class Mouth {
  readonly player: Player;
  /** Has the greeting, or anything else of the agent's, begun to sound? Or does all of it wait for the caller? */
  began = false;
  private forgetting = false;
  private leaveTick: (() => void) | null = null;
  private readonly all: Pieces;
  private readonly visit: (time: number) => void;

  constructor(all: Pieces) {
    this.all = all;
    this.player = new Player({
      rate: all.parts.rate,
      send: (frames, at) => this.send(frames, at),
      tell: (event) => this.played(event),
    });
    this.visit = safely(all, (time: number) => {
      if (this.all.line.ready(time)) this.player.visit(time);
      if (!this.player.active) this.stop();
    });
  }

  /** Is there anything left to hear? */
  get sounding(): boolean {
    return this.unplayedMs(this.all.now()) > 0;
  }

  unplayedMs(at: number): number {
    return this.player.unplayedMs(at);
  }

  connect(at: number): void {
    this.player.connect(at);
    this.keepTicking();
  }

  disconnect(at: number): void {
    this.player.disconnect(at);
    this.stop();
  }

  /** Sound of the agent's that was let through. Valid only during the call. */
  queue(utterance: string, pcm: Int16Array, at: number): void {
    const { engine, note } = this.all;
    const wasPlaying = this.unplayedMs(at) > 0;
    if (this.player.push(utterance, pcm, at) === "full") note({ fact: "speech left out" });
    if (!wasPlaying) engine.connection?.playing(true);
    this.keepTicking();
  }

  // What is done to waiting speech is written down with the very time the player is given: so a replay paces again, to the frame (replay-pacing.ts).

  /** Nothing more will come of what was said so far. */
  finish(): void {
    const at = this.all.now();
    this.all.parts.journal.put("speech", at, '{"do":"finish"}');
    this.player.finish(at);
    this.keepTicking();
  }

  /** What was not heard yet never will be. `cutIn`: the caller is there and broke in. */
  drop(cutIn: boolean): void {
    const { line, note, transcript } = this.all;
    const droppedMs = this.forget();
    this.stop();
    if (cutIn && droppedMs > 0 && line.clear()) note({ fact: "caller cut in", droppedMs: Math.round(droppedMs) });
    transcript.cut(this.all.now());
  }

  /** As `drop`, of words that will be said anew: nothing is told of them. */
  forgetUnheard(): void {
    this.all.transcript.forgetUnheard();
    this.forgetting = true;
    this.forget();
    this.forgetting = false;
  }

  stop(): void {
    this.leaveTick?.();
    this.leaveTick = null;
  }

  private forget(): number {
    const at = this.all.now();
    this.all.parts.journal.put("speech", at, '{"do":"drop"}');
    return this.player.cut(at);
  }

  private keepTicking(): void {
    if (this.player.active) this.leaveTick ??= this.all.parts.tick.join(this.visit);
    else this.stop();
  }

  private send(frames: Uint8Array, at: number): void {
    this.began = true;
    this.all.line.play(frames, at);
  }

  private played(event: PlayerEvent): void {
    if (this.forgetting) return;
    const { transcript, line, silence, engine, desk, decide } = this.all;
    // Before the call's audio came nothing can have been heard, or cut.
    if (line.attachedAt !== null) transcript.played(event);
    if (event.what === "started") silence.agentSounded = true;
    if (event.what === "ended") engine.connection?.played(event.utterance, event.heardMs, event.cut ? "cut" : "complete");
    if (event.what !== "quiet") return;
    engine.connection?.playing(false);
    desk.look();
    decide({ what: "quiet", at: event.at });
  }
}
