import type { Reason } from "./failures.ts";

/** When a fetch that failed is tried again, and when no more. Pure: {@link afterFailure} is the whole policy. */

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** 1 s, 2 s, 4 s ... up to an hour; a quarter more or less, so that a thousand waiting files do not come back in one moment. */
export function pauseMs(attempt: number, random: () => number = Math.random): number {
  const pause = Math.min(HOUR, SECOND * 2 ** Math.min(attempt - 1, 12));
  return Math.round(pause * (0.75 + random() * 0.5));
}

/** The carrier deletes after 30 days (vonage-voice §7.2); what did not come a day before that will not. */
const GIVE_UP_MS = 29 * DAY;
/** "No such file" is believed after a day: it is normally ready when it is announced. */
const BELIEVE_GONE_MS = DAY;
/** As often the same short file, whole as the carrier sent it: then that is the file. It is kept and judged by its sound. */
const BELIEVE_SHORT_ATTEMPTS = 6;

export type Next =
  | { readonly do: "again"; readonly inMs: number }
  | { readonly do: "keep" }
  | { readonly do: "end"; readonly as: "missing" | "failed" | "refused"; readonly because: Reason };

/** What the policy looks at. `attempts` counts the one that just failed. */
export interface FailedAttempt {
  readonly because: Reason;
  readonly attempts: number;
  readonly announcedAt: Date;
  readonly now: Date;
}

export function afterFailure({ because, attempts, announcedAt, now }: FailedAttempt, pause: (attempt: number) => number): Next {
  const age = now.getTime() - announcedAt.getTime();
  const again: Next = { do: "again", inMs: pause(attempts) };
  switch (because) {
    case "RECORDING_REFUSED_HOST":
      return { do: "end", as: "refused", because };
    case "RECONSTRUCTION_NOT_KEPT":
    case "RECONSTRUCTION_FAILED":
    case "RECONSTRUCTION_ABSENT":
      return { do: "end", as: "missing", because };
    case "RECORDING_NOT_READY":
    case "RECORDING_GONE":
      return age < BELIEVE_GONE_MS ? again : { do: "end", as: "missing", because: "RECORDING_GONE" };
    case "RECORDING_TRUNCATED":
      return attempts < BELIEVE_SHORT_ATTEMPTS ? again : { do: "keep" };
    case "RECORDING_EMPTY":
      return attempts < BELIEVE_SHORT_ATTEMPTS ? again : { do: "end", as: "missing", because };
    case "STORAGE_UNWRITABLE":
      return again;
    default:
      return age < GIVE_UP_MS ? again : { do: "end", as: "failed", because };
  }
}
