import { CallerFeelings } from "./caller-feelings.ts";
import { CallerLine } from "./caller-line.ts";
import { dueAt } from "./deadlines.ts";
import { act } from "./deeds.ts";
import { EngineLine } from "./engine-line.ts";
import type { CallerMedia } from "./media.ts";
import { Mouth } from "./mouth.ts";
import { type Pieces, type RunningBridge, type RunParts, safely, settingsOf, type WithoutTime } from "./parts.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { type Bridge, beginning, type Heard } from "./states.ts";
import { step } from "./step.ts";
import type { BridgeFact } from "./timeline.ts";
import { ToolDesk } from "./tool-desk.ts";
import { Transcript } from "./transcript.ts";

/** A sentence that was played to its end and of which nothing more came for so long is taken to be over. */
const TURN_OVER_MS = 2_000;

/**
 * Carries one call: hears both sockets, asks `step` what to do, does it (deeds.ts). Its states are those of states.ts; what is held is in pieces, each with
 * its own: the caller's connection (caller-line.ts), the engine's sessions (engine-line.ts), the agent's speech on its way (mouth.ts), tools (tool-desk.ts), what
 * was said (transcript.ts), feelings (caller-feelings.ts) and silence (silence-watch.ts).
 *
 * Nothing here awaits: the database and the disk are behind `said`, `fact` and `journal`, which return at once. Who closes whom: `end` closes the
 * engine, then the caller's connection, then waits for feelings and tools; a socket that closes by itself is only heard of. After `end` nothing is
 * heard any more.
 */
export function runBridge(parts: RunParts): RunningBridge {
  const run = new Run(parts);
  run.begin();
  return run;
}

class Run implements Pieces, RunningBridge {
  readonly parts: RunParts;
  readonly rate: number;
  readonly transcript: Transcript;
  readonly mouth: Mouth;
  readonly line: CallerLine;
  readonly engine: EngineLine;
  readonly desk: ToolDesk;
  readonly silence: SilenceWatch;
  readonly feelings: CallerFeelings;
  private bridge: Bridge;
  /** When `step` wants to hear of the time at the latest. */
  private due: number | null = null;
  private whenOver: (() => void) | null = null;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.rate = parts.rate;
    this.bridge = beginning(parts.resume);
    this.transcript = new Transcript(parts);
    this.mouth = new Mouth(this);
    this.line = new CallerLine(this);
    this.engine = new EngineLine(this);
    this.silence = new SilenceWatch(this);
    this.desk = new ToolDesk({
      before: parts.toolsBefore ?? [],
      use: parts.useTool ?? null,
      monotonicMs: this.now,
      sounding: () => this.mouth.sounding,
      engine: () => this.engine.connection,
      told: safely(this, () => this.decide({ what: "tool answered", busy: this.desk.busy, at: this.now() })),
      answered: ({ use, result, tookMs }) => {
        parts.journal.put("heard", this.now(), JSON.stringify({ tool: use.id }));
        this.note({ fact: "tool answered", tool: use.name, use: use.id, result, tookMs });
      },
    });
    this.feelings = new CallerFeelings(this);
  }

  begin(): void {
    const { resume, rate, journal } = this.parts;
    const begun = { resume, rate, with: settingsOf(this.parts) };
    journal.put("decided", this.now(), JSON.stringify({ begun, state: this.bridge.state, actions: [] }));
    safely(this, () => this.engine.open(resume))();
  }

  get player(): Mouth["player"] {
    return this.mouth.player;
  }

  private moment: number | null = null;
  readonly now = (): number => this.moment ?? this.parts.clock.monotonicMs();
  readonly state = (): Bridge["state"] => this.bridge.state;
  readonly note = (fact: WithoutTime<BridgeFact>): void => this.parts.fact({ ...fact, at: this.parts.clock.now() } as BridgeFact);

  during(at: number, deed: () => void): void {
    const outer = this.moment;
    this.moment = at;
    try {
      deed();
    } finally {
      this.moment = outer;
    }
  }

  // ------------------------------------------------------------------------------------------------------------ deciding and doing

  readonly decide = (heard: Heard): void => {
    const before = this.bridge.state;
    const [next, actions] = step(this.bridge, heard);
    const changed = next !== this.bridge;
    this.bridge = next;
    if (changed) this.due = dueAt(next);
    // All that a replay needs (replay.ts): frames and sound are records of their own, and what changed nothing changes nothing again.
    if (heard.what !== "caller spoke" && heard.what !== "agent spoke" && (changed || actions.length > 0))
      this.parts.journal.put("decided", this.now(), JSON.stringify({ heard, state: next.state, actions }));
    for (const action of actions) act(this, action);
    if (this.bridge.state === "talking") this.engine.greetAgain();
    if (this.bridge.state !== "over" || before === "over") return;
    this.engine.feedNoMore();
    this.whenOver?.();
  };

  look(at: number): void {
    if (this.due !== null && at >= this.due) this.decide({ what: "second", at });
  }

  giveUp(error: unknown): void {
    if (this.bridge.state === "over") return;
    this.bridge = { ...beginning(this.bridge.resume), state: this.whenOver === null ? "silent" : "over" };
    this.due = null;
    this.parts.journal.put("decided", this.now(), JSON.stringify({ gaveUp: String(error), state: this.bridge.state, actions: [] }));
    this.mouth.stop();
    this.engine.abandon();
    this.parts.engineLost({ code: "bridge_failed", text: "The bridge of this call failed.", error });
    // Whoever ends the call waits for nothing more of the engine.
    this.whenOver?.();
  }

  // ------------------------------------------------------------------------------------------------------------ asked from outside

  attached(): boolean {
    return this.line.there;
  }

  readonly attach = safely<CallerMedia>(this, (connection) => this.line.attach(connection));

  readonly answered = safely<Date | null>(this, (at) => {
    const audio = this.line.attachedAt ?? this.now();
    // The carrier's clock may be ahead of ours: no audio comes before the answer.
    this.transcript.startsAt(at === null ? audio : Math.min(audio, this.now() - (this.parts.clock.now().getTime() - at.getTime())));
  });

  readonly second = safely(this, () => {
    this.parts.journal.put("heard", this.now(), '{"second":true}');
    // Not every engine says that its turn is over.
    if (this.player.waitingMs(this.now()) > TURN_OVER_MS) this.mouth.finish();
    this.decide({ what: "second", at: this.now() });
    this.desk.look();
    this.silence.second();
  });

  whisper(how: "context" | "say", text: string): boolean {
    const { connection } = this.engine;
    if (connection === null || this.bridge.state !== "talking") return false;
    this.parts.journal.put("heard", this.now(), JSON.stringify({ whisper: how }));
    if (how === "say") this.engine.say(text);
    else connection.context(text, false);
    return true;
  }

  readonly engineGone = safely(this, () => this.engine.gone());

  abandon(): void {
    void this.desk.end();
    this.line.close();
    this.mouth.stop();
    void this.feelings.close();
    this.engine.abandon();
    this.bridge = { ...this.bridge, state: "over" } as Bridge;
  }

  async end(): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.whenOver = resolve;
    });
    // Opened while it rang, and the call's audio went to another process, or nowhere: nobody was said anything. Told as "not heard", its greeting
    // would stand in the journal all processes share, and from there in the transcript, beside the greeting that was heard.
    if (this.line.attachedAt === null) this.transcript.forgetUnheard();
    if (this.bridge.state !== "over") {
      safely(this, () => this.decide({ what: "end", at: this.now() }))();
      this.mouth.stop();
      this.line.end();
      if (this.state() === "listening") await over;
    }
    this.mouth.stop();
    await Promise.all([this.feelings.close(), this.desk.end()]);
    this.transcript.over(this.now(), this.line.attachedAt);
  }
}
