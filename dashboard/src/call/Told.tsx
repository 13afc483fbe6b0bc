import type { Call, Consent } from "../ask/shapes.ts";
import { clockTenths } from "../words/time.ts";

const tellers = {
  agent: "The agent",
  carrier: "The carrier",
  operator: "An operator",
  contract: "Their contract",
} as const satisfies Record<Consent["told_by"], string>;
const answers = {
  given: "They agreed",
  refused: "They refused",
  silent: "They said nothing to it",
  not_asked: "They were not asked",
} as const satisfies Record<Consent["answer"], string>;

/** What a party was told about being recorded, by whom, and what was answered. */
export function Told({ consent: { at, told_by, words, words_sha256, answer }, call }: { consent: Consent; call: Call }) {
  const ms = call.started_at === null ? null : Date.parse(at) - Date.parse(call.started_at);
  return (
    <div className="not-first:mt-2">
      <p>
        {tellers[told_by]}
        {words === null ? " told them, in words not kept." : ":"}
        {words !== null && (
          <q dir="auto" className="ms-1 wrap-anywhere">
            {words}
          </q>
        )}
      </p>
      <p className="text-small text-soft">
        <span className={answer === "refused" ? "text-look" : ""}>{answers[answer]}</span>
        {ms !== null && ms > -60_000 && <span className="tabular"> at {clockTenths(ms)}</span>}, the words' fingerprint{" "}
        <span className="font-mono" title={`SHA-256 of the words: ${words_sha256}`}>
          {words_sha256.slice(0, 8)}
        </span>
      </p>
    </div>
  );
}
