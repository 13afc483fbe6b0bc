const names = new Intl.DisplayNames("en", { type: "language", fallback: "none" });

/** A language's English name by its tag: `English` of `en`, `Urdu (Pakistan)` of `ur-PK`; null where it is none that is known. */
export function languageName(tag: string): string | null {
  try {
    return names.of(tag.trim()) ?? null;
  } catch {
    return null;
  }
}
