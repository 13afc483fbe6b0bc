import type { Call } from "../ask/shapes.ts";
import { clock } from "../words/time.ts";

/** What a call has cost and its engine has used, in plain lines. What is not known is said to be so, never shown as nothing. */
export function costLines({ cost, engine, status }: Pick<Call, "cost" | "engine" | "status">): {
  carrier: string;
  engine: string;
  used: string | null;
} {
  const pending = status === "ended" ? "not known" : "not known yet";
  return {
    carrier: `Carrier ${cost.carrier === null ? pending : `${short(cost.carrier.amount)} ${cost.carrier.currency}`}`,
    engine: `Engine ${cost.engine === null ? pending : `about ${short(cost.engine.amount)} ${cost.engine.currency}`}`,
    used: engine === null ? null : usedLine(cost.usage),
  };
}

function usedLine(usage: Call["cost"]["usage"]): string | null {
  if (usage === null) return null;
  const { tokens, session_seconds, transcribed_seconds } = usage;
  const number = (n: number): string => n.toLocaleString("en");
  const parts = [
    session_seconds === null ? null : `${clock(session_seconds * 1000)} connected`,
    tokens === null ? null : `${number(tokens.text_in + tokens.audio_in)} tokens in, ${number(tokens.text_out + tokens.audio_out)} out`,
    transcribed_seconds === null ? null : `${clock(transcribed_seconds * 1000)} written down`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `${parts.join(", ")}.`;
}

/** Four digits behind the point are enough to read; what is smaller still is not nothing. */
function short(amount: string): string {
  const value = Number(amount);
  return value > 0 && value < 0.0001 ? "0.0001" : String(Number(value.toFixed(4)));
}
