/** What is asked of the server, and under which name its answer is kept. Everything that reads goes through here. */
import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";
import { type Filters, queryOf } from "../calls/filters.ts";
import { ask, rememberCsrf } from "./ask.ts";
import { isSignedOut, Refused } from "./failures.ts";
import {
  Agent,
  AgentSettings,
  ApiKey,
  Audit,
  Call,
  CallEvent,
  CallingLimitsNow,
  CarrierState,
  DoctorReport,
  EmulatedNumber,
  EngineInfo,
  Exchange,
  JobQueue,
  Keeping,
  KeepRule,
  LineKept,
  Listener,
  OpenSession,
  Peaks,
  page,
  Recording,
  Session,
  Telling,
  User,
  Utterance,
  Waiting,
  Webhook,
} from "./shapes.ts";

const Calls = page(Call);
export const PAGE_SIZE = 50;

/** Follows `next` until the list is whole, at most `pages` times: for lists that belong to one call. */
async function whole<T>(read: (query: string) => Promise<{ items: T[]; next: string | null }>, pages = 200): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let i = 0; i < pages; i++) {
    const answer: { items: T[]; next: string | null } = await read(cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`);
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === null) break;
  }
  return items;
}

export const queries = {
  session: () =>
    queryOptions({
      queryKey: ["session"],
      queryFn: async ({ signal }) => {
        const session = await ask(Session, "/session", undefined, signal);
        rememberCsrf(session.csrf);
        return session;
      },
      staleTime: Number.POSITIVE_INFINITY,
    }),
  calls: (filters: Filters) =>
    infiniteQueryOptions({
      queryKey: ["calls", "pages", filters],
      queryFn: ({ pageParam, signal }) => ask(Calls, `/calls?${queryOf(filters, pageParam, PAGE_SIZE)}`, undefined, signal),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.next,
    }),
  liveCalls: (filters: Filters) =>
    queryOptions({
      queryKey: ["calls", "live", filters],
      queryFn: ({ signal }) => ask(Calls, `/calls?${queryOf({ ...filters, status: "live" }, null, 100)}`, undefined, signal),
    }),
  call: (id: string) => queryOptions({ queryKey: ["call", id], queryFn: ({ signal }) => ask(Call, `/calls/${id}`, undefined, signal) }),
  utterances: (id: string) =>
    queryOptions({
      queryKey: ["utterances", id],
      queryFn: ({ signal }) => whole((q) => ask(page(Utterance), `/calls/${id}/utterances${q}`, undefined, signal)),
    }),
  events: (id: string) =>
    queryOptions({
      queryKey: ["events", id],
      queryFn: ({ signal }) => whole((q) => ask(page(CallEvent), `/calls/${id}/events${q}`, undefined, signal)),
    }),
  webhooks: (id: string) =>
    queryOptions({
      queryKey: ["webhooks", id],
      queryFn: ({ signal }) => whole((q) => ask(page(Webhook), `/calls/${id}/webhooks${q}`, undefined, signal)),
    }),
  exchanges: (id: string) =>
    queryOptions({
      queryKey: ["exchanges", id],
      queryFn: ({ signal }) => whole((q) => ask(page(Exchange), `/calls/${id}/exchanges${q}`, undefined, signal)),
    }),
  carrier: () =>
    queryOptions({
      queryKey: ["carrier"],
      queryFn: ({ signal }) => ask(CarrierState, "/carrier", undefined, signal),
      refetchInterval: 5_000,
    }),
  /** Looks now, and takes some seconds: asked only when somebody wants to know. */
  doctor: () =>
    queryOptions({
      queryKey: ["doctor"],
      queryFn: ({ signal }) => ask(DoctorReport, "/doctor", undefined, signal),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 0,
      retry: false,
    }),
  jobs: () =>
    queryOptions({
      queryKey: ["jobs"],
      queryFn: ({ signal }) => whole((q) => ask(page(JobQueue), `/jobs${q}`, undefined, signal)),
      refetchInterval: 5_000,
    }),
  callingLimits: () =>
    queryOptions({
      queryKey: ["calling-limits"],
      queryFn: ({ signal }) => ask(CallingLimitsNow, "/settings/calling-limits", undefined, signal),
      refetchInterval: 10_000,
    }),
  keeping: (id: string) =>
    queryOptions({ queryKey: ["keeping", id], queryFn: ({ signal }) => ask(Keeping, `/calls/${id}/keeping`, undefined, signal) }),
  keepRules: () =>
    queryOptions({
      queryKey: ["keep-rules"],
      queryFn: ({ signal }) => whole((q) => ask(page(KeepRule), `/keep-rules${q}`, undefined, signal)),
    }),
  lineKept: () => queryOptions({ queryKey: ["line-kept"], queryFn: ({ signal }) => ask(LineKept, "/carrier/keeping", undefined, signal) }),
  listeners: () =>
    queryOptions({
      queryKey: ["listeners"],
      queryFn: ({ signal }) => whole((q) => ask(page(Listener), `/listeners${q}`, undefined, signal)),
      refetchInterval: 10_000,
    }),
  /** The last hundred, or as many as the server gives at once. */
  tellings: (listener: string) =>
    queryOptions({
      queryKey: ["listeners", listener, "tellings"],
      queryFn: async ({ signal }) => (await ask(page(Telling), `/listeners/${listener}/tellings?limit=500`, undefined, signal)).items,
      refetchInterval: 5_000,
    }),
  users: () =>
    queryOptions({ queryKey: ["users"], queryFn: ({ signal }) => whole((q) => ask(page(User), `/users${q}`, undefined, signal)) }),
  sessions: () =>
    queryOptions({
      queryKey: ["sessions"],
      queryFn: ({ signal }) => whole((q) => ask(page(OpenSession), `/sessions${q}`, undefined, signal)),
    }),
  audits: (wish: { about?: string; call?: string }) =>
    infiniteQueryOptions({
      queryKey: ["audits", wish],
      queryFn: ({ pageParam, signal }) => {
        const query = new URLSearchParams({
          limit: "50",
          ...(wish.about && { about: wish.about }),
          ...(wish.call && { call_id: wish.call }),
          ...(pageParam && { cursor: pageParam }),
        });
        return ask(page(Audit), `/audits?${query}`, undefined, signal);
      },
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.next,
    }),
  waiting: () =>
    queryOptions({
      queryKey: ["waiting"],
      queryFn: ({ signal }) => whole((q) => ask(page(Waiting), `/waiting${q}`, undefined, signal)),
      refetchInterval: 5_000,
    }),
  recordings: (id: string) =>
    queryOptions({
      queryKey: ["recordings", id],
      queryFn: ({ signal }) => whole((q) => ask(page(Recording), `/calls/${id}/recordings${q}`, undefined, signal)),
    }),
  peaks: (recording: string | null, peaksUrl: string | null) =>
    queryOptions({
      queryKey: ["peaks", recording, peaksUrl],
      queryFn: ({ signal }) => ask(Peaks, (peaksUrl ?? "").replace(/^\/api/, ""), undefined, signal),
      enabled: peaksUrl !== null,
      staleTime: Number.POSITIVE_INFINITY,
    }),
  agents: () =>
    queryOptions({ queryKey: ["agents"], queryFn: ({ signal }) => whole((q) => ask(page(Agent), `/agents${q}`, undefined, signal)) }),
  agent: (id: string) =>
    queryOptions({ queryKey: ["agents", id], queryFn: ({ signal }) => ask(Agent, `/agents/${id}`, undefined, signal) }),
  agentVersion: (id: string, version: number) =>
    queryOptions({
      queryKey: ["agents", id, version],
      queryFn: ({ signal }) => ask(AgentSettings, `/agents/${id}/versions/${version}`, undefined, signal),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  engines: () =>
    queryOptions({
      queryKey: ["engines"],
      queryFn: ({ signal }) => whole((q) => ask(page(EngineInfo), `/engines${q}`, undefined, signal)),
      staleTime: 60_000,
    }),
  keys: () =>
    queryOptions({ queryKey: ["keys"], queryFn: ({ signal }) => whole((q) => ask(page(ApiKey), `/keys${q}`, undefined, signal)) }),
  emulatedNumbers: () =>
    queryOptions({
      queryKey: ["emulated-numbers"],
      queryFn: ({ signal }) => whole((q) => ask(page(EmulatedNumber), `/emulated-numbers${q}`, undefined, signal)),
      staleTime: 60_000,
    }),
};

/** The memory of the page. A refusal is final; a missing answer is asked again twice. */
export function newClient(onSignedOut: () => void): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => !(error instanceof Refused) && failures < 2,
      },
    },
  });
  client.getQueryCache().subscribe((event) => {
    if (
      event.type === "updated" &&
      event.action.type === "error" &&
      isSignedOut(event.action.error) &&
      event.query.queryKey[0] !== "session"
    )
      onSignedOut();
  });
  return client;
}
