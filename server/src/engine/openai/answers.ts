/** An answer to be asked for, and what is to be said, if that is ours to say. */
interface Wish {
  readonly instructions: string | null;
}

interface Asked {
  readonly event: string;
  readonly wish: Wish;
}
const theAgents: Wish = { instructions: null };

/**
 * The server writes one response at a time: `active` from `response.created` to `response.done`. One we asked for is `asked` until it begins. What we wish
 * meanwhile waits, and is asked for in turn.
 */
export class Answers {
  active: string | null = null;
  private asked: Asked | null = null;
  /** What was asked when the latest one began: most likely that one. */
  private begun: Asked | null = null;
  private wishes: Wish[] = [];
  private readonly isReady: () => boolean;
  private readonly tell: (message: Record<string, unknown>) => string;

  /** @param tell sends, and gives the event id by which a refusal can be told apart */
  constructor(isReady: () => boolean, tell: (message: Record<string, unknown>) => string) {
    this.isReady = isReady;
    this.tell = tell;
  }

  get busy(): boolean {
    return this.active !== null || this.asked !== null || this.wishes.length > 0;
  }

  /** Asks for an answer as soon as none is being written; null: what it says is the agent's own. */
  wish(instructions: string | null): void {
    this.wishes.push({ instructions });
    this.next();
  }

  /** What we still wished to be said is out of date. */
  forgetWishes(): void {
    this.wishes = [];
  }

  began(response: string): void {
    this.active = response;
    this.begun = this.asked;
    this.asked = null;
  }

  /** The latest one came to nothing: what it was to say is asked for again. */
  again(): void {
    this.wishes.unshift(this.begun?.wish ?? theAgents);
    this.begun = null;
    this.next();
  }

  ended(response: string): void {
    if (this.active === response) this.active = null;
  }

  /**
   * An error came: is it about an answer? "later": another was quicker, and it is asked for after that one. Mostly that is heard of first, as if it were
   * ours, and our own refused behind it. One that nobody here asked for is the server's own, of the caller's turn: they are owed it all the same.
   */
  refused(event: string, code: string | null): "later" | "for good" | null {
    const isTooSoon = code === "conversation_already_has_active_response";
    if (this.begun !== null && event === this.begun.event) {
      const { wish } = this.begun;
      this.begun = null;
      return this.put(wish, isTooSoon);
    }
    if (this.asked !== null && (event === this.asked.event || isTooSoon)) {
      const { wish } = this.asked;
      this.asked = null;
      return this.put(wish, isTooSoon);
    }
    return isTooSoon && event === "" && this.active !== null ? this.put(theAgents, true) : null;
  }

  private put(wish: Wish, isTooSoon: boolean): "later" | "for good" {
    if (!isTooSoon) return "for good";
    this.wishes.unshift(wish);
    return "later";
  }

  next(): void {
    if (this.active !== null || this.asked !== null || !this.isReady()) return;
    const wish = this.wishes.shift();
    if (wish === undefined) return;
    const response = wish.instructions === null ? {} : { response: { instructions: wish.instructions } };
    this.asked = { event: this.tell({ type: "response.create", ...response }), wish };
  }
}
