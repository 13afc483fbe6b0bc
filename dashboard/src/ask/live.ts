import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { ask } from "./ask.ts";
import { queries } from "./queries.ts";
import { Call, LiveChange } from "./shapes.ts";

type CallPage = { items: Call[]; next: string | null };

/** How long changes are gathered before they are read: a burst of twenty becomes one reading a call, and nobody sees the wait. */
const GATHER_MS = 150;

/**
 * Follows /api/live: hears which call changed and reads it again. On a `snapshot` (first of all, after every break, and when
 * the server could not tell all) everything shown is read again. `onState` hears whether the stream stands. Gives back how to stop.
 */
export function followLive(client: QueryClient, onState: (connected: boolean) => void): () => void {
  const stream = new EventSource("/api/live");
  let changed = new Map<string, Set<LiveChange["what"]>>();
  let gathering: ReturnType<typeof setTimeout> | undefined;

  stream.onopen = () => onState(true);
  stream.onerror = () => onState(false);
  stream.addEventListener("snapshot", () => {
    changed.clear();
    void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "peaks" && query.queryKey[0] !== "session" });
  });
  stream.addEventListener("change", (event) => {
    const change = LiveChange.safeParse(JSON.parse(String((event as MessageEvent).data)));
    if (!change.success) return;
    const whats = changed.get(change.data.call_id) ?? new Set();
    changed.set(change.data.call_id, whats.add(change.data.what));
    gathering ??= setTimeout(() => {
      gathering = undefined;
      const gathered = changed;
      changed = new Map();
      for (const [id, what] of gathered) void reread(client, id, what);
    }, GATHER_MS);
  });
  return () => {
    clearTimeout(gathering);
    stream.close();
  };
}

async function reread(client: QueryClient, id: string, what: ReadonlySet<LiveChange["what"]>): Promise<void> {
  if (what.has("utterance")) void client.invalidateQueries({ queryKey: ["utterances", id] });
  if (what.has("recording")) void client.invalidateQueries({ queryKey: ["recordings", id] });
  // Each change of a call or its recording is an event too, whether it was told or not.
  void client.invalidateQueries({ queryKey: ["events", id] });
  void client.invalidateQueries({ queryKey: ["webhooks", id] });
  if (!what.has("call") && !what.has("recording")) return;
  const call = await ask(Call, `/calls/${id}`).catch(() => null);
  if (call === null) {
    void client.invalidateQueries({ queryKey: ["call", id] });
    return;
  }
  client.setQueryData(queries.call(id).queryKey, call);
  if (!patchLists(client, call)) void client.invalidateQueries({ queryKey: ["calls"] });
}

/** Puts the new row where the old one stands, in every list that shows it. False when none does: then it belongs into one. */
function patchLists(client: QueryClient, call: Call): boolean {
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
