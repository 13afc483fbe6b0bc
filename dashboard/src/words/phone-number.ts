import { AsYouType, parsePhoneNumberFromString } from "libphonenumber-js/min";

/** A number as people read it: `+1 202 555 0101`. What is no number is shown as it came; null is a withheld one. */
export function phoneNumber(e164: string | null): string {
  if (e164 === null) return "Number withheld";
  return parsePhoneNumberFromString(e164)?.formatInternational() ?? e164;
}

/** What is being typed, grouped as it grows; what does not look like a number yet stays as typed. */
export function typedNumber(typed: string): string {
  return /^\+?[\d\s()./-]*$/.test(typed) && typed.trim().startsWith("+") ? new AsYouType().input(typed) : typed;
}

/** Is this text meant as a number (digits and their punctuation only) rather than words? */
export const looksLikeNumber = (text: string): boolean => /^\+?[\d\s()./-]{3,}$/.test(text.trim()) && /\d{3}/.test(text.replace(/\D/g, ""));

/** A sentence with its numbers grouped as people read them, none of them broken at a line's end. */
export const numbersGrouped = (text: string): string =>
  text.replaceAll(/\+\d{8,15}\b/g, (e164) => phoneNumber(e164).replaceAll(" ", "\u00a0"));
