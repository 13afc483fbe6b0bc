/** What is to be done about a connection that may have died without a word. */
export type Pulse = "fine" | "ask" | "dead";

/** A carrier sends a frame every 20 ms, in silence too (vonage-voice §5.3): after so long without anything it is asked. */
const QUIET_S = 2;
/** Pings go unanswered for so long: two of them were lost, or the peer is gone. */
const UNANSWERED_S = 6;

/**
 * Is the other end of a connection still there? A network that fails does not say so: without a word from the peer a TCP connection stays open for
 * many minutes. Whoever is quiet is asked with pings; who has answered one before and answers no more is dead. Vonage does not document that it
 * answers pings (vonage-voice §5.7), so a peer that never did is left alone, however quiet.
 */
export class Liveness {
  private quietS = 0;
  private answers = false;
  private asked = false;

  /** Anything came from the peer. */
  heard(): void {
    this.quietS = 0;
  }

  /** A ping was answered. */
  answered(): void {
    this.quietS = 0;
    this.answers = true;
  }

  /** A second has passed. The first one asks in any case, to learn whether this peer answers. */
  second(): Pulse {
    this.quietS++;
    if (this.answers && this.quietS >= UNANSWERED_S) return "dead";
    if (this.asked && this.quietS < QUIET_S) return "fine";
    this.asked = true;
    return "ask";
  }
}
