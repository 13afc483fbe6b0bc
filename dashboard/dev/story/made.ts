/** Ids and times of everything made up here. */
import { createHash } from "node:crypto";

/** Ids that are the same in every run. */
export const id = (name: string | number): string => {
  const h = createHash("sha256").update(String(name)).digest("hex");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-7${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
};
export const at = (ms: number): string => new Date(ms).toISOString();
