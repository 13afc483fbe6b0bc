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
  readonly exchanges: Exchange[] = [];
  readonly notes: Note[] = [];
  readonly #changed: () => void;

  /** @param changed is told after every entry */
  constructor(faults: Faults, changed: () => void) {
    this.faults = faults;
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
