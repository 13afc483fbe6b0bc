import type { Call } from "@earshot/contract/call";
import { describe, test } from "vitest";
import { openHouse, ourNumber, until } from "./house.ts";
import { ended, events, type Page, readCall, recorded, utterances } from "./shapes.ts";

describe.concurrent("someone calls our number", () => {
  test.for(["GET", "POST"] as const)(
    "and the carrier asks by %s: they reach the agent, are understood, and the call is recorded",
    async (answerMethod, { expect, onTestFinished }) => {
      const house = await openHouse({ answerMethod });
      onTestFinished(() => house.close());
      const asked = await fetch(new URL("/emulator/calls", house.phone.url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ from: "+12025550106", to: ourNumber }),
      });
      expect(asked.ok).toBe(true);
      const call = await until("the call appears", async () => (await house.api<Page<Call>>("/api/calls?direction=inbound")).items[0]);
      expect(call).toMatchObject({ direction: "inbound", from: "+12025550106", to: ourNumber });
      expect(call.agent?.name).toBeTruthy();

      const done = await ended(house, call.id);
      expect(done.end_reason).toMatch(/^(caller|agent)_hung_up$/);
      expect(done.duration_ms).toBeGreaterThan(5_000);
      const said = await utterances(house, call.id);
      expect(said.filter((u) => u.speaker === "caller").map((u) => u.text)).toContain("The order number is four seven one one.");
      expect(said[0]?.speaker).toBe("agent");

      await recorded(house, call.id, "carrier");
      const kinds = await until("both recordings are compared", async () => {
        const all = (await events(house, call.id)).map(({ kind }) => kind);
        return all.includes("recording.compared") && all;
      });
      expect(kinds).toEqual(expect.arrayContaining(["call.answered", "recording.stored"]));
      // The carrier records from the moment it has our instructions; how long after the answer that was is known from the comparison.
      const { recording, duration_ms } = await readCall(house, call.id);
      expect(Math.abs((recording.duration_ms ?? 0) + (recording.offset_ms as number) - (duration_ms ?? 0))).toBeLessThan(1_000);
    },
  );
});
