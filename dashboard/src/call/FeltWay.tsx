import { Link } from "@tanstack/react-router";
import type { Utterance } from "../ask/shapes.ts";
import { clock } from "../words/time.ts";
import { type Felt, feltIn } from "./felt.ts";

const parts = { first: "at first", turn: "the sharpest turn", last: "at the end" } as const satisfies Record<Felt["as"], string>;

/** How the caller's feeling went, in one line: a press on a part of the way goes there. */
export function FeltWay({ utterances, onMoment }: { utterances: readonly Utterance[]; onMoment: (ms: number) => void }) {
  const way = feltIn(utterances);
  if (way.length === 0) return null;
  return (
    <div className="flex flex-wrap items-baseline gap-x-5 gap-y-1 pt-4 text-small text-soft pointer-coarse:gap-y-4">
      <h3 className="font-strong text-caller-text max-sm:w-full">How the caller felt</h3>
      <ol className="contents">
        {way.map(({ at, name, as }) => (
          <li key={at}>
            <Link
              from="/calls/$id"
              to="."
              search={(old: object) => ({ ...old, t: (at / 1000).toFixed(1) })}
              replace
              resetScroll={false}
              onClick={() => onMoment(at)}
              className="reach group hover:text-ink"
            >
              <span className="tabular text-faint">{clock(at)}</span>{" "}
              <span className="text-ink underline decoration-edge underline-offset-2 group-hover:decoration-ink">{name}</span>{" "}
              <span>{parts[as]}</span>
            </Link>
          </li>
        ))}
      </ol>
    </div>
  );
}
