import type { Faults } from "../people/person.ts";
import type { Exchange } from "./webhooks.ts";

/** More exchanges than this of one call are not kept. */
const KEPT = 500;

/** What a line of the inspector says. */
export interface Note {
  readonly at: string;
  readonly leg: string | null;
  readonly said: string;
}

/** Everything that happened to one call, across its legs and conversations: for the inspector and for tests. */
export class Ledger {
  readonly faults: Faults;
  /** Does the call live in another region than the usual one? */
  readonly elsewhere: boolean;
  readonly exchanges: Exchange[] = [];
  readonly notes: Note[] = [];
  readonly #changed: () => void;

  /**
   * @param changed is told after every entry
   * @param elsewhere whether it was made by the other region's host
   */
  constructor(faults: Faults, changed: () => void, elsewhere = false) {
    this.faults = faults;
    this.elsewhere = elsewhere || (faults.elsewhere ?? false);
    this.#changed = changed;
  }

  wrote(exchange: Exchange): void {
    if (this.exchanges.length < KEPT) this.exchanges.push(exchange);
    this.#changed();
  }

  note(leg: string | null, said: string): void {
    if (this.notes.length < KEPT) this.notes.push({ at: new Date().toISOString(), leg, said });
    this.#changed();
  }
}
