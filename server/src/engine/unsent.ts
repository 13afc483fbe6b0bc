import { MOST_AT_ONCE_MS } from "./port.ts";

/** As long again as a network may stand still behind it. */
const STALL_MS = 5_000;
/** Base64, and what a message of 20 ms has around it: most at 8 kHz. */
const SWELLS = (4 / 3) * 1.2;

/**
 * Bytes of sound at `rate` Hz that may wait in a socket to an engine. Beyond it the other end is not reading: new frames are left out, and told of,
 * rather than kept without bound.
 */
export const mostUnsentBytes = (rate: number): number => Math.round(((MOST_AT_ONCE_MS + STALL_MS) / 1000) * rate * 2 * SWELLS);
