import type { Deletable, Keeping } from "../ask/shapes.ts";
import { count } from "../words/text.ts";

/** What of a call can be deleted, in words. */
export const deletedParts = { audio: "audio", transcript: "transcript", customer: "customer's data" } as const satisfies Record<
  Deletable,
  string
>;

/** What of keeping a call is out of the ordinary, as one sentence without its stop: `On hold, 1 stretch redacted`. Empty where nothing is. */
export function keptApart({ hold, consents, redactions, deletions }: Keeping): string {
  const gone = [...new Set(deletions.flatMap(({ what }) => what.map((part) => deletedParts[part])))];
  const said = [
    hold && "on hold",
    consents.some(({ answer }) => answer === "refused") && "recording refused",
    redactions.length > 0 && count(redactions.length, "stretch redacted", "stretches redacted"),
    gone.length > 0 && `${gone.join(" and ")} deleted`,
  ]
    .filter(Boolean)
    .join(", ");
  return said.charAt(0).toUpperCase() + said.slice(1);
}
