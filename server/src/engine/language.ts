/** Languages whose two letters a tag does not bring: BCP 47 prefers `fil`, ISO 639-1 and speech recognisers know `tl`. */
const twoLetters: Readonly<Record<string, string>> = { fil: "tl" };

/** The ISO 639-1 letters of an agent's language ("nl-BE": nl, "deu": de, "fil": tl); null where there are none, or it is no language. Pure. */
export function iso639(tag: string): string | null {
  try {
    const language = new Intl.Locale(tag.trim().replaceAll("_", "-")).language;
    return language.length === 2 ? language : (twoLetters[language] ?? null);
  } catch {
    return null;
  }
}
