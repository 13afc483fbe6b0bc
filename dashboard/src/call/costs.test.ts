import { expect, it } from "vitest";
import { costLines } from "./costs.ts";

const usage = { session_seconds: null, transcribed_seconds: null, tokens: null };

it("says what is known, and of the rest that it is not", () => {
  expect(costLines({ engine: "evi", status: "in_progress", cost: { carrier: null, engine: null, usage: null } })).toEqual({
    carrier: "Carrier not known yet",
    engine: "Engine not known yet",
    used: null,
  });
  expect(
    costLines({
      engine: "evi",
      status: "ended",
      cost: { carrier: { amount: "0.0139", currency: "EUR" }, engine: null, usage: { ...usage, session_seconds: 65 } },
    }),
  ).toEqual({ carrier: "Carrier 0.0139 EUR", engine: "Engine not known", used: "1:05 connected." });
});

it("reads a charge to four digits, however many the carrier counts", () => {
  const cost = { carrier: { amount: "0.00783167", currency: "EUR" }, engine: null, usage: null };
  expect(costLines({ engine: "evi", status: "ended", cost }).carrier).toBe("Carrier 0.0078 EUR");
});

it("rounds an estimate, but never to nothing", () => {
  const tokens = { text_in: 1_000, audio_in: 2_345, cached_in: 0, text_out: 10, audio_out: 500 };
  const engine = (amount: string) =>
    costLines({
      engine: "openai",
      status: "ended",
      cost: { carrier: null, engine: { amount, currency: "USD" }, usage: { ...usage, tokens } },
    });
  expect(engine("0.168149")).toMatchObject({ engine: "Engine about 0.1681 USD", used: "3,345 tokens in, 510 out." });
  expect(engine("0.000003").engine).toBe("Engine about 0.0001 USD");
});
