import type { CallStatus } from "@earshot/contract/status";

/** How long a callee's phone rings before the carrier gives up (vonage-voice §2.1 allows 1..120, default 60). */
export const RING_SECONDS = 45;

/** An answered call without an agent (none was configured when it came) may last this long. */
const MINUTES_WITHOUT_AGENT = 10;

/**
 * How long a call may stay in a status before the watchdog looks: what the carrier's own timers allow, and a margin for its webhooks.
 * queued: we dial at once, only a crash leaves it there. dialing: the leg must start, then ring out.
 */
const WAIT_S = { queued: 60, dialing: RING_SECONDS + 60, ringing: RING_SECONDS + 30 } as const;
const TALK_MARGIN_S = 60;

/** After a word that should end the call (hang-up asked, leg over without a reason) the rest must come this soon. */
export const ENDING_S = 15;
/** How long the carrier may take to tell us of an end we asked for; it refuses hang-ups in a call's first two seconds. */
export const HANGUP_S = 30;
/** After a restart open calls are looked at this soon: time enough for the carrier to reach us by itself. */
export const LOOK_AFTER_RESTART_S = 10;

/** A call whose dialling is unknown is looked for at the carrier this soon. */
export const LOOK_AFTER_UNKNOWN_S = 10;

/** The carrier moves a caller to a message within a second or two: when it is not known whether it took one, where the audio is tells it by then. */
export const MESSAGE_S = 5;

/** The audio of an answered call comes within a second or two; when none has come by then, the carrier is asked how the call stands. */
export const AUDIO_S = 20;

interface Times {
  readonly createdAt: Date;
  readonly dialedAt: Date | null;
  readonly ringingAt: Date | null;
  readonly answeredAt: Date | null;
  readonly maxMinutes: number | null;
}

/** When the watchdog must look at a call in `status`; null once ended. */
export function deadlineOf(status: CallStatus, times: Times): Date | null {
  switch (status) {
    case "queued":
      return after(times.createdAt, WAIT_S.queued);
    case "dialing":
      return after(times.dialedAt ?? times.createdAt, WAIT_S.dialing);
    case "ringing":
      return after(times.ringingAt ?? times.dialedAt ?? times.createdAt, WAIT_S.ringing);
    case "in_progress":
      return after(times.answeredAt ?? times.createdAt, (times.maxMinutes ?? MINUTES_WITHOUT_AGENT) * 60 + TALK_MARGIN_S);
    case "ended":
      return null;
  }
}

export function after(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}
