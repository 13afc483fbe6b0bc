/** Somebody was heard on the line, ms of the call. */
export interface Heard {
  readonly who: "caller" | "agent" | "carrier";
  readonly from: number;
  readonly to: number;
}

/** The longest time from `from` to `to` in which nobody was heard. Pure. */
export function longestSilence(heard: readonly Heard[], from: number, to: number): { readonly ms: number; readonly from: number } {
  let longest = { ms: 0, from };
  let until = from;
  for (const one of [...heard].sort((a, b) => a.from - b.from)) {
    const gap = Math.min(one.from, to) - until;
    if (gap > longest.ms) longest = { ms: Math.round(gap), from: Math.round(until) };
    until = Math.max(until, one.to);
  }
  return to - until > longest.ms ? { ms: Math.round(to - until), from: Math.round(until) } : longest;
}
