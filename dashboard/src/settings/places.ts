/** Countries and beginnings of numbers, between what people write and what the limits hold. */
import { getCountries, parsePhoneNumberFromString } from "libphonenumber-js/min";

const names = new Intl.DisplayNames("en", { type: "region" });
/** A country's English name: `DE` is Germany. */
export const countryName = (code: string): string => names.of(code) ?? code;

/** The country of a number of ours, as DE; null when it is none's. */
export const countryCode = (e164: string): string | null => parsePhoneNumberFromString(e164)?.country ?? null;

/** What somebody typed as a country (`DE`) or a beginning of numbers (`+4930`); null when it is neither. */
export function typedPlace(typed: string): string | null {
  const text = typed.trim();
  const digits = text.replaceAll(/[\s()./-]/g, "").replace(/^00/, "+");
  if (/^\+[1-9]\d{0,13}$/.test(digits)) return digits;
  const word = text.toLocaleLowerCase("en");
  return getCountries().find((code) => code.toLowerCase() === word || countryName(code).toLocaleLowerCase("en") === word) ?? null;
}
