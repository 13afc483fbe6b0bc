import { InvalidRequest } from "./failures.ts";

/** Where a page ended: the sort value of its last row (a whole number: microseconds or milliseconds) and its id. */
export interface Place {
  readonly at: number;
  readonly id: string;
}

const form = /^(-?\d{1,16})\.([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/;

/** A place as the opaque text a client gives back. */
export const cursorOf = (place: Place | null): string | null => place && Buffer.from(`${place.at}.${place.id}`).toString("base64url");

/** And back. Throws InvalidRequest naming the field. */
export function placeOf(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const found = /^[\w-]+$/.test(cursor) ? form.exec(Buffer.from(cursor, "base64url").toString("latin1")) : null;
  const at = Number(found?.[1]);
  if (!found || !Number.isSafeInteger(at)) {
    throw new InvalidRequest([{ field: "cursor", message: "is not one this server gave; begin again without it" }]);
  }
  return { at, id: found[2] as string };
}
