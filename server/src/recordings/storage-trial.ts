import { randomUUID } from "node:crypto";
import type { Storage } from "./storage.ts";

/** Writes a small object, reads it back and takes it away. Audits do not look where it lies. @throws what kept it from being done */
export async function tryStorage(place: Storage): Promise<void> {
  const key = `doctor/${randomUUID()}`;
  const bytes = Buffer.from(key);
  await place.put(
    key,
    (async function* () {
      yield bytes;
    })(),
  );
  const parts: Buffer[] = [];
  for await (const part of await place.read(key)) parts.push(part as Buffer);
  await place.delete(key);
  if (!Buffer.concat(parts).equals(bytes)) throw new Error(`What was written to ${place.place} is read back as something else.`);
}
