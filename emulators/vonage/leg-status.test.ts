import { expect, it } from "vitest";
import { type LegStatus, leadsTo, mayFollow } from "./leg-status.ts";

it("ends every leg that was not rejected with completed, and nothing after that", () => {
  for (const status of Object.keys(leadsTo) as LegStatus[]) {
    if (status === "rejected" || status === "completed") expect(leadsTo[status]).toEqual([]);
    else if (status !== "started" && status !== "ringing") expect(mayFollow(status, "completed")).toBe(true);
  }
});

it("never goes back, and never completes what was neither answered nor refused", () => {
  expect(mayFollow("answered", "ringing")).toBe(false);
  expect(mayFollow("answered", "timeout")).toBe(false);
  expect(mayFollow("ringing", "completed")).toBe(false);
  expect(mayFollow("completed", "answered")).toBe(false);
});
