import type { Call, CallEvent, Utterance } from "@earshot/contract/call";
import type { Recording } from "@earshot/contract/recording";
import type { House } from "./house.ts";
import { until } from "./house.ts";

export type Page<T> = { readonly items: T[]; readonly next: string | null };

export const readCall = (house: House, id: string): Promise<Call> => house.api<Call>(`/api/calls/${id}`);

/** All pages of a list inside a call. */
export async function readAll<T>(house: House, path: string): Promise<T[]> {
  const items: T[] = [];
  for (let next: string | null = ""; next !== null; ) {
    const page: Page<T> = await house.api<Page<T>>(
      `${path}${next === "" ? "" : `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(next)}`}`,
    );
    items.push(...page.items);
    next = page.next;
  }
  return items;
}

export const utterances = (house: House, id: string): Promise<Utterance[]> => readAll<Utterance>(house, `/api/calls/${id}/utterances`);
export const events = (house: House, id: string): Promise<CallEvent[]> => readAll<CallEvent>(house, `/api/calls/${id}/events`);

/** All recordings of a call, the best first. */
export const recordings = async (house: House, id: string): Promise<readonly Recording[]> =>
  (await house.api<{ items: Recording[] }>(`/api/calls/${id}/recordings`)).items;

/** Places a call through the API; returns its id. */
export async function place(house: House, to: string, more: Record<string, unknown> = {}): Promise<string> {
  return (await house.api<Call>("/api/calls", { method: "POST", body: JSON.stringify({ to, ...more }) })).id;
}

/**
 * The call, once it has ended and, where somebody answered, its transcript is whole: the carrier's word ends a call, and its last words and events
 * are written beside that.
 */
export const ended = (house: House, id: string, withinMs = 150_000): Promise<Call> =>
  until(
    `call ${id} ends, with all that was said in it`,
    async () => {
      const call = await readCall(house, id);
      if (call.status !== "ended") return false;
      return (call.started_at === null || (await events(house, id)).some(({ kind }) => kind === "transcript.ready")) && call;
    },
    withinMs,
    async () => (await events(house, id)).map(({ kind, at }) => `${at} ${kind}`),
  );

/** The call, once its recording is verified: any that plays, or that of the source asked for. Our own is ready first. */
export const recorded = (house: House, id: string, source?: "carrier" | "journal", withinMs = 120_000): Promise<Call> =>
  until(
    `call ${id} has a verified recording`,
    async () => {
      const call = await readCall(house, id);
      return call.recording.status === "verified" && (source === undefined || call.recording.source === source) && call;
    },
    withinMs,
  );

/** The recording's bytes from our own URL. */
export async function playback(house: House, id: string, query = ""): Promise<Uint8Array> {
  const answer = await fetch(new URL(`/api/calls/${id}/recording${query}`, house.server.url), {
    headers: { authorization: `Bearer ${house.apiKey}` },
  });
  if (!answer.ok) throw new Error(`Playback of ${id}: ${answer.status} ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}
