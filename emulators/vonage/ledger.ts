import type { Faults } from "../people/person.ts";
import type { Exchange } from "./webhooks.ts";

/** So many exchanges, and so many notes, of one call are kept: of a longer one its beginning and its end. */
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
    keep(this.exchanges, exchange);
    this.#changed();
  }

  note(leg: string | null, said: string): void {
    keep(this.notes, { at: new Date().toISOString(), leg, said });
    this.#changed();
  }
}

function keep<Entry>(entries: Entry[], entry: Entry): void {
  entries.push(entry);
  if (entries.length > KEPT) entries.splice(KEPT / 2, 1);
}
