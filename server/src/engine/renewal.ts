/** So long before its limit (or a quarter of a short session) a session is renewed in the next pause; LAST_MS (or a twelfth) before, whether or not. */
const EARLY_MS = 90_000;
const LAST_MS = 4_000;

/** Longer than any session there is (openai-realtime §12). */
const LONGEST_MS = 24 * 60 * 60_000;

/**
 * How long a session lasts from now, ms, by what its server says of its end; `otherwiseMs` where it says nothing. What lies behind us, or further ahead than
 * any session lasts, comes of a clock or a unit that is not ours, or of a field that nobody filled in: believed, the session would be renewed at once, and
 * the next one too. Pure.
 */
export function lastsMs(endsAt: Date | null, now: Date, otherwiseMs: number): number {
  const ms = (endsAt?.getTime() ?? Number.NaN) - now.getTime();
  return ms > 0 && ms <= LONGEST_MS ? ms : otherwiseMs;
}

export interface Renewal {
  /** The session lasts so long from now. Until told, nothing is renewed. */
  plan(lastsMs: number): void;
  /** Something has changed: is this the pause that is waited for? */
  look(): void;
  stop(): void;
}

/**
 * When a session that will be ended by its engine is renewed: in a pause some time before, at the latest just before. `renew` is called once.
 * The bridge then goes on as after a loss, with the caller's sound held meanwhile, so that it is unheard.
 */
export function openRenewal({ atRest, renew }: { readonly atRest: () => boolean; readonly renew: () => void }): Renewal {
  let due = false;
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    due = false;
    clearTimeout(timer);
    renew();
  };
  const look = (): void => {
    if (due && atRest()) now();
  };
  return {
    plan(lastsMs) {
      clearTimeout(timer);
      const earlyMs = Math.min(EARLY_MS, lastsMs / 4);
      timer = setTimeout(() => {
        due = true;
        timer = setTimeout(now, earlyMs - Math.min(LAST_MS, earlyMs / 3));
        look();
      }, lastsMs - earlyMs);
    },
    look,
    stop() {
      due = false;
      clearTimeout(timer);
    },
  };
}
