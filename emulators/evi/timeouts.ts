import type { Answering } from "./answering.ts";
import { GRACE_MS, HARD_LIMIT_MS } from "./behaviour.ts";
import type { Clock } from "./clock.ts";
import type { ChatStatus } from "./history.ts";
import type { Intake } from "./intake.ts";
import type { Situation } from "./situation.ts";

interface Parts {
  readonly situation: Situation;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly answering: Answering;
  failAndEnd(code: string, slug: string, message: string, status: ChatStatus): void;
}

/** How long a chat may last, how long it waits for the caller, and when the agent speaks up. */
export interface Timeouts {
  /** Begins the longest time the chat may last. */
  limitDuration(): void;
  /** Begins to wait for a user message anew. Whoever is speaking when the time is up is heard out. */
  awaitUser(): void;
  /** Waits to speak up, when the caller stays silent after all was said and played. */
  awaitNudge(): void;
  stopNudge(): void;
}

export function openTimeouts({ situation, clock, intake, answering, failAndEnd }: Parts): Timeouts {
  const { behaviour, chat, timers } = situation;

  return {
    limitDuration() {
      const limitMs = ms(situation.script.faults.maxDurationS) ?? behaviour.maxDurationMs ?? HARD_LIMIT_MS;
      timers.set("max duration", Math.min(HARD_LIMIT_MS, limitMs), expire);
    },
    awaitUser() {
      const limitMs = ms(situation.script.faults.inactivityS) ?? behaviour.inactivityMs;
      if (limitMs === null) return;
      const { enabled, text } = behaviour.onInactivity;
      timers.set("inactivity", limitMs, () => {
        if (intake.hearing || !enabled) {
          giveUp(limitMs);
          return;
        }
        void answering.say([text ?? "Are you still there? I will have to end our conversation."], { verbatim: true });
        timers.set("inactivity", GRACE_MS, () => giveUp(limitMs));
      });
    },
    awaitNudge() {
      const { paused, ended } = situation;
      if (behaviour.nudgeMs === null || ended !== null || paused || intake.hearing || answering.doing !== "idle") return;
      timers.set("nudge", Math.max(0, answering.playedOutMs - clock.now()) + behaviour.nudgeMs, () => {
        void answering.say([situation.script.agent.nudge], { verbatim: false });
      });
    },
    stopNudge: () => timers.stop("nudge"),
  };

  function giveUp(limitMs: number): void {
    if (intake.hearing) {
      timers.set("inactivity", 1_000, () => giveUp(limitMs));
      return;
    }
    const message = `Chat was ended because no user message was received in ${Math.round(limitMs / 1_000)} seconds.`;
    failAndEnd("E0714", "inactivity_timeout", message, "INACTIVITY_TIMEOUT");
  }

  function expire(): void {
    const lastedMs = clock.now() - chat.startMs;
    const message = `Chat was ended because its maximum duration of ${Math.round(lastedMs / 1_000)} seconds was reached.`;
    const over = (): void => failAndEnd("E0715", "max_duration_timeout", message, "MAX_DURATION_TIMEOUT");
    const { enabled, text } = behaviour.onMaxDuration;
    if (!enabled || lastedMs >= HARD_LIMIT_MS) {
      over();
      return;
    }
    answering.drop();
    void answering.say([text ?? "Our time is up. Goodbye."], { verbatim: true }).then(over);
  }
}

/** Seconds to ms, if there are any. */
function ms(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1_000;
}
