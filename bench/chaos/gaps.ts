import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { anotherLived, type Happened, type PhoneLeg } from "./wave.ts";

/** A socket that ends so soon after a kill ended because of it. */
const BY_THE_KILL_MS = 2_000;

/** What a killed server meant for one call whose audio it carried. */
export type Gap =
  | {
      readonly came: "line";
      /** Did another server process live all the while? */
      readonly another: boolean;
      /** From the kill until the call's audio was connected to a living process, ms. */
      readonly line: number;
      /** Until the next sound of ours was at the carrier; null when there was none any more. */
      readonly sound: number | null;
    }
  /** The person hung up so long after the kill, ms, before they heard anything of us again. */
  | { readonly came: "hung up"; readonly another: boolean; readonly waited: number }
  | { readonly came: "none" };

/**
 * The gap one kill made in one call; null when the kill did not touch its audio.
 *
 * @param phoneDumps what the phone network wrote of each socket
 */
export function gapOf(
  phoneDumps: string,
  strike: Happened,
  all: { readonly servers: readonly string[]; readonly happened: readonly Happened[] },
  phone: PhoneLeg | undefined,
  sockets: readonly PhoneLeg[],
): Gap | null {
  const cut = sockets.find(({ ended_at, answered_at }) => {
    const end = Date.parse(ended_at ?? "");
    return answered_at !== null && Date.parse(answered_at) < strike.at && end >= strike.at - 50 && end <= strike.at + BY_THE_KILL_MS;
  });
  if (cut === undefined || cut.audio?.closeCode !== 1006) return null;
  const another = (until: number): boolean => anotherLived(all.servers, all.happened, strike.at, until);
  const next = sockets
    .filter(({ answered_at }) => answered_at !== null && Date.parse(answered_at) >= strike.at)
    .sort((a, b) => Date.parse(a.answered_at as string) - Date.parse(b.answered_at as string))[0];
  const hungUpAt = phone?.ended_by === "user" ? Date.parse(phone.ended_at ?? "") : null;
  if (next === undefined)
    return hungUpAt === null ? { came: "none" } : { came: "hung up", another: another(hungUpAt), waited: hungUpAt - strike.at };
  const openedAt = Date.parse(next.answered_at as string);
  const first = firstSoundOf(phoneDumps, next.uuid);
  if (first === null && hungUpAt !== null && hungUpAt > strike.at && Date.parse(next.ended_at ?? "") >= hungUpAt - 500)
    return { came: "hung up", another: another(hungUpAt), waited: hungUpAt - strike.at };
  return {
    came: "line",
    another: another(openedAt),
    line: openedAt - strike.at,
    sound: first === null ? null : openedAt + first - strike.at,
  };
}

/** Ms from a socket's opening until the first frame of ours; null when none came. */
function firstSoundOf(folder: string, socket: string): number | null {
  const file = join(folder, `${socket}.json`);
  if (!existsSync(file)) return null;
  const { receivedAtMs } = JSON.parse(readFileSync(file, "utf8")) as { receivedAtMs: number[] };
  return receivedAtMs[0] ?? null;
}
