import type { Person } from "../people/person.ts";
import type { Leg } from "./leg.ts";

/** What the application asked for. `mode`: `default` goes on at once, `detect` waits for the finding, `detect_beep` also for the tone. */
export interface Amd {
  readonly behavior: "continue" | "hangup";
  readonly mode: "default" | "detect" | "detect_beep";
  readonly beepTimeoutS: number;
}

export interface Findings {
  found(is: "human" | "machine", subState: "beep_start" | "beep_timeout" | null): void;
  hangUp(): void;
  /** The NCCO may begin. */
  proceed(): void;
}

/** The advanced form wins over the simple one, which is asynchronous. */
export function detectionOf(advanced: Amd | undefined, simple: "continue" | "hangup" | undefined): Amd | null {
  if (advanced) return advanced;
  return simple ? { behavior: simple, mode: "default", beepTimeoutS: 45 } : null;
}

/**
 * Machine detection on a leg that was answered now. What it finds stands in the people table; when, too. The tone is the one the person's box
 * really sounds. See https://developer.vonage.com/en/voice/voice-api/concepts/advanced-machine-detection.
 */
export function detect(leg: Leg, finding: Person["detection"], asked: Amd, then: Findings): void {
  const waits = asked.mode !== "default";
  if (!waits) then.proceed();
  leg.after(finding.afterMs, () => {
    then.found(finding.is, null);
    if (finding.is === "machine") leg.shown = "machine";
    if (finding.is === "machine" && asked.behavior === "hangup") return then.hangUp();
    if (!waits) return;
    if (finding.is === "human" || asked.mode === "detect") return then.proceed();
    let given = false;
    const silent = leg.after(asked.beepTimeoutS * 1_000, () => {
      given = true;
      then.found("machine", "beep_timeout");
      then.proceed();
    });
    leg.onceBeeped(() => {
      // a tone after all: the NCCO runs already
      if (given) return;
      silent();
      then.found("machine", "beep_start");
      then.proceed();
    });
  });
}
