import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Conversation } from "./conversation.ts";
import { Ledger } from "./ledger.ts";
import { Leg } from "./leg.ts";
import { detect } from "./machine-detection.ts";
import { Ticker } from "./ticker.ts";

let ticker: Ticker;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  ticker = new Ticker();
});
afterEach(() => {
  ticker.close();
  vi.useRealTimers();
});

/** Detection on a box whose tone is waited for 45 s; what came of it, in order. */
function waitsForTheTone(): { leg: Leg; came: string[] } {
  const end = { fromEndpoint: {}, toEndpoint: {}, headers: {}, events: null, parent: null, synchronous: false };
  const ledger = new Ledger({}, () => {});
  const leg = new Leg({ kind: "phone", direction: "outbound", from: "1", to: "2", ...end, ledger }, new Conversation(), ticker);
  const came: string[] = [];
  detect(
    leg,
    { is: "machine", afterMs: 1_000 },
    { behavior: "continue", mode: "detect_beep", beepTimeoutS: 45 },
    {
      found: (is, subState) => came.push(subState ?? is),
      hangUp: () => came.push("hang up"),
      proceed: () => came.push("proceed"),
    },
  );
  return { leg, came };
}

it("goes on at the tone of the box", () => {
  const { leg, came } = waitsForTheTone();
  vi.advanceTimersByTime(40_000);
  expect(came).toEqual(["machine"]);
  leg.beeped();
  vi.advanceTimersByTime(60_000);
  expect(came).toEqual(["machine", "beep_start", "proceed"]);
});

it("goes on without it after beep_timeout, and only once when it comes after all", () => {
  const { leg, came } = waitsForTheTone();
  vi.advanceTimersByTime(45_900);
  expect(came).toEqual(["machine"]);
  vi.advanceTimersByTime(200);
  expect(came).toEqual(["machine", "beep_timeout", "proceed"]);
  leg.beeped();
  expect(came).toHaveLength(3);
});
