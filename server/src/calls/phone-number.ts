import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max";
import { NumberInvalid } from "./failures.ts";

/** A number in E.164 with +, and where it is. */
export interface PhoneNumber {
  readonly number: string;
  /** ISO 3166 of the country, when its numbering plan tells. */
  readonly country: CountryCode | null;
  readonly premium: boolean;
}

/**
 * A number somebody typed, as one we can dial. Spaces, dots, brackets and dashes are fine; without + and country code it is refused, because
 * guessing a country would ring a stranger. Throws NumberInvalid.
 */
export function dialable(typed: string): PhoneNumber {
  const text = typed.trim();
  if (!text.startsWith("+")) throw new NumberInvalid(typed, "it must begin with + and the country code");
  const parsed = parsePhoneNumberFromString(text, { extract: false });
  if (parsed === undefined) throw new NumberInvalid(typed, "it is not a phone number");
  if (parsed.ext !== undefined) throw new NumberInvalid(typed, "extensions cannot be dialled");
  if (!parsed.isPossible()) throw new NumberInvalid(typed, "it is too long or too short for its country");
  if (!parsed.isValid()) throw new NumberInvalid(typed, "its country has no such numbers");
  return { number: parsed.number, country: parsed.country ?? null, premium: parsed.getType() === "PREMIUM_RATE" };
}

/**
 * A number as a carrier tells it (digits without +, or a word such as "anonymous", vonage-voice §3): E.164 with +, or null when it is
 * withheld or no number. Not checked against numbering plans: a caller's real number is what it is.
 */
export function toldNumber(told: string | null): string | null {
  const digits = /^\+?([1-9]\d{6,14})$/.exec(told?.trim() ?? "")?.[1];
  return digits === undefined ? null : `+${digits}`;
}
