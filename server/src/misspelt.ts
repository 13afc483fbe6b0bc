/** Shorter names are too near to too many others. */
const SHORTEST = 7;

/** Of `given`, the names that are nothing of ours but one slip away from a name in `known` that is not given: with what was meant. */
export function misspelt(given: readonly string[], known: readonly string[]): { readonly name: string; readonly meant: string }[] {
  const ours = new Set(known);
  const there = new Set(given);
  const missing = known.filter((name) => name.length >= SHORTEST && !there.has(name));
  return given.flatMap((name) => {
    if (ours.has(name)) return [];
    const meant = missing.find((one) => isOneSlip(name.toUpperCase(), one));
    return meant === undefined ? [] : [{ name, meant }];
  });
}

/** One letter more, less or otherwise, or two neighbours that changed places. Equal counts too: names differ in their capitals alone. */
function isOneSlip(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  let from = 0;
  while (from < one.length && one[from] === other[from]) from++;
  const rest = one.slice(from);
  const others = other.slice(from);
  return (
    rest.slice(1) === others.slice(1) ||
    rest.slice(1) === others ||
    rest === others.slice(1) ||
    (rest[0] === others[1] && rest[1] === others[0] && rest.slice(2) === others.slice(2))
  );
}
