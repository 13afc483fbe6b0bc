/** First and last byte, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads a Range header for a body of `size` bytes (RFC 9110 §14). `all`: no usable single range, so the whole body with 200, as the RFC
 * lets a server do for several ranges, other units and nonsense. `none`: a range, but outside: 416.
 */
export function byteRange(header: string | undefined, size: number): Span | "all" | "none" {
  const found = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? "");
  if (!found) return "all";
  const [, first = "", last = ""] = found;
  if (first === "" && last === "") return "all";
  if (first === "") {
    const tail = Math.min(Number(last), size);
    return tail === 0 ? "none" : { from: size - tail, to: size - 1 };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return "all";
  if (from >= size) return "none";
  return { from, to: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/** May the range be served, or has the body changed since (RFC 9110 §13.1.5)? Only a strong ETag lets it; we give no dates. */
export const rangeStillHolds = (ifRange: string | undefined, etag: string): boolean => ifRange === undefined || ifRange.trim() === etag;

/** Does If-None-Match name this ETag (weakly compared, §13.1.2)? */
export const isUnchanged = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
