/** So many items of a session are remembered; what is said of an older one is taken as said of a new one. */
const MOST_ITEMS = 200;

/** Puts `value` where it is found again, until MOST_ITEMS others have come. */
export function keepLatest<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > MOST_ITEMS) map.delete(map.keys().next().value as string);
}
