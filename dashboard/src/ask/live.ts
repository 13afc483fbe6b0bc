import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { ask } from "./ask.ts";
import { queries } from "./queries.ts";
import { Call, LiveChange } from "./shapes.ts";

type CallPage = { items: Call[]; next: string | null };

/** How long changes are gathered before they are read: a burst of twenty becomes one reading a call, and nobody sees the wait. */
const GATHER_MS = 150;
/** How long a break of the stream may last before it is told. */
const PATIENCE_MS = 4000;

/** After which wait a stream that was refused (not merely broken: that the browser heals) is asked for again. */
const REFUSED_MS = 5000;

/**
 * Follows /api/live: hears which call changed and reads it again. On a `snapshot` (first of all, after every break, and when
 * the server could not tell all) everything shown is read again. `onState` hears whether the stream stands. Gives back how to stop.
 */
export function followLive(client: QueryClient, onState: (connected: boolean) => void): () => void {
  const timers = new Map<"gathering" | "missing" | "reopening", ReturnType<typeof setTimeout>>();
  const after = (name: "gathering" | "missing" | "reopening", ms: number, act: () => void) => {
    if (timers.has(name)) return;
    const timer = setTimeout(() => {
      timers.delete(name);
      act();
    }, ms);
    timers.set(name, timer);
  };
  const never = (name: "missing" | "reopening") => {
    clearTimeout(timers.get(name));
    timers.delete(name);
  };

  const reread = newRereading(client);
  let changed = new Map<string, Set<LiveChange["what"]>>();
  const readGathered = () => {
    const gathered = changed;
    changed = new Map();
    for (const [id, what] of gathered) void reread(id, what);
  };

  const open = (): EventSource => {
    const stream = new EventSource("/api/live");
    stream.onopen = () => {
      never("missing");
      onState(true);
    };
    stream.onerror = () => {
      // A break of a moment (a new release, a sleeping laptop) heals by itself; only one that stays is worth a word.
      after("missing", PATIENCE_MS, () => onState(false));
      if (stream.readyState !== EventSource.CLOSED) return;
      after("reopening", REFUSED_MS, () => {
        current = open();
        // If it was refused because the session ended, reading says so and leads to the sign-in.
        void client.invalidateQueries({ predicate: isShown });
      });
    };
    stream.addEventListener("snapshot", () => {
      changed.clear();
      void client.invalidateQueries({ predicate: isShown });
    });
    stream.addEventListener("change", (event) => {
      const change = LiveChange.safeParse(JSON.parse(String((event as MessageEvent).data)));
      if (!change.success) return;
      const whats = changed.get(change.data.call_id) ?? new Set();
      changed.set(change.data.call_id, whats.add(change.data.what));
      after("gathering", GATHER_MS, readGathered);
    });
    return stream;
  };
  let current = open();

  return () => {
    for (const timer of timers.values()) clearTimeout(timer);
    current.close();
  };
}

/** What may have changed behind our back: all but what never changes, and what the doctor found, who looks only when he is asked to. */
export const isShown = ({ queryKey: [name] }: { queryKey: readonly unknown[] }): boolean =>
  name !== "peaks" && name !== "session" && name !== "doctor";

/**
 * How a call is read again when it changed. Answers may overtake each other on their way: one that was asked for before another that is shown
 * already is dropped, and what the page was reading itself meanwhile is read once more.
 */
export function newRereading(client: QueryClient, read: (id: string) => Promise<Call> = (id) => ask(Call, `/calls/${id}`)) {
  let asked = 0;
  const shown = new Map<string, number>();
  return async (id: string, what: ReadonlySet<LiveChange["what"]>): Promise<void> => {
    if (what.has("utterance")) void client.invalidateQueries({ queryKey: ["utterances", id] });
    if (what.has("recording")) void client.invalidateQueries({ queryKey: ["recordings", id] });
    // Each change of a call or its recording is an event too, whether it was told or not.
    void client.invalidateQueries({ queryKey: ["events", id] });
    void client.invalidateQueries({ queryKey: ["webhooks", id] });
    void client.invalidateQueries({ queryKey: ["exchanges", id] });
    void client.invalidateQueries({ queryKey: ["keeping", id] });
    if (!what.has("call") && !what.has("recording")) return;
    const nth = ++asked;
    const call = await read(id).catch(() => null);
    if (nth < (shown.get(id) ?? 0)) return;
    const { queryKey } = queries.call(id);
    const meanwhile = client.isFetching({ queryKey, exact: true }) > 0;
    if (call !== null) {
      shown.set(id, nth);
      client.setQueryData(queryKey, call);
      if (!patchLists(client, call)) void client.invalidateQueries({ queryKey: ["calls"] });
    }
    if (call === null || meanwhile) void client.invalidateQueries({ queryKey });
  };
}

/** Puts the new row where the old one stands, in every list that shows it. False when none does: then it belongs into one. */
export function patchLists(client: QueryClient, call: Call): boolean {
  let found = false;
  const patched = (page: CallPage): CallPage => {
    if (!page.items.some((item) => item.id === call.id)) return page;
    found = true;
    return { ...page, items: page.items.map((item) => (item.id === call.id ? call : item)) };
  };
  client.setQueriesData<InfiniteData<CallPage>>(
    { queryKey: ["calls", "pages"] },
    (data) => data && { ...data, pages: data.pages.map(patched) },
  );
  client.setQueriesData<CallPage>({ queryKey: ["calls", "live"] }, (data) => data && patched(data));
  return found;
}
