import { Refused } from "../ask/failures.ts";
import { TextField } from "../look/Field.tsx";
import { typedNumber } from "../words/phone-number.ts";

/** The number somebody is to be rung at, grouped as it is typed. What the server says against it stands here, with what to do. */
export function NumberField({
  example,
  value,
  refused,
  onType,
}: {
  example: string;
  value: string;
  /** What became of asking, an error or null; only a refusal of `to` is shown. */
  refused: Error | null;
  onType: (number: string) => void;
}) {
  const problem = refused instanceof Refused ? refused : null;
  const wrong = problem?.field("to") ?? null;
  return (
    <TextField
      label="Number"
      hint={`With its country code, as ${example}.`}
      wrong={wrong && `${wrong} ${problem?.problem.remedy}`}
      name="to"
      type="tel"
      dir="ltr"
      inputMode="tel"
      autoComplete="off"
      data-first
      required
      value={value}
      onChange={(event) => onType(typedNumber(event.target.value))}
    />
  );
}
