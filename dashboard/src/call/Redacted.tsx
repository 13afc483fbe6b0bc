import type { Redaction } from "../ask/shapes.ts";
import { clockTenths } from "../words/time.ts";
import { Whose } from "./deed.tsx";

const sides = { caller: "the caller", agent: "the agent", both: "both sides" } as const satisfies Record<Redaction["side"], string>;

/** A stretch that is a tone now: where, why, and what became of the original. */
export const Redacted = ({ redaction: { from_ms, to_ms, side, original, why, asked_at, asked_by, done_at } }: { redaction: Redaction }) => (
  <div className="not-first:mt-2">
    <p>
      <span dir="ltr" className="tabular">
        {clockTenths(from_ms)}–{clockTenths(to_ms)}
      </span>{" "}
      {sides[side]}: <bdi className="wrap-anywhere">{why}</bdi>
    </p>
    <p className="text-small text-soft">
      {done_at === null
        ? "Being done; it is played only once the tone is in."
        : original === "sealed"
          ? "The original is sealed: kept where nothing plays it."
          : "The original is destroyed."}
    </p>
    <Whose by={asked_by} at={asked_at} did="Asked" />
  </div>
);
