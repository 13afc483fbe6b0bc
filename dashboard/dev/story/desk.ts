/** Made-up people, listeners, rules and decisions for the settings and for keeping: contract-valid, never part of the app. */
import {
  Audit,
  CallingLimitsNow,
  EngineInfo,
  Keeping,
  KeepRule,
  LineKept,
  Listener,
  OpenSession,
  Telling,
  User,
  Waiting,
} from "../../src/ask/shapes.ts";
import { agents } from "./agents.ts";
import { id } from "./made.ts";

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const engines = [
  {
    name: "evi",
    title: "Hume EVI",
    configured: true,
    needs: ["HUME_API_KEY"],
    most_prompt_chars: null,
    emotions: "both",
    verbatim: true,
    notes: [
      { field: "voice", message: "EVI has no setting for the pace of a voice: choose another voice, or ask for a pace in the prompt." },
    ],
  },
  {
    name: "openai",
    title: "OpenAI Realtime",
    configured: false,
    needs: ["OPENAI_API_KEY"],
    most_prompt_chars: 16_000,
    emotions: "none",
    verbatim: false,
    notes: [],
  },
].map((engine) => EngineInfo.parse(engine));

export const limits = CallingLimitsNow.parse({
  max_concurrent: 20,
  max_per_day: 500,
  allowed: ["DE", "US", "+4420"],
  legs_per_second: 3,
  running: 3,
  placed: 431,
});

export const users = [
  { email: "desk@example.com", role: "admin", state: "active", from_environment: true, last_seen_at: ago(90_000), sessions: 2 },
  { email: "night.shift@example.com", role: "member", state: "active", last_seen_at: ago(3 * DAY), sessions: 1 },
  {
    email: "somebody.with.a.remarkably.long.name.who.works.in.the.far.away.department@subsidiary.of.a.very.large.company.example.com",
    role: "viewer",
    state: "invited",
    last_seen_at: null,
    sessions: 0,
    link_expires_at: ago(-5 * DAY),
  },
  { email: "left@example.com", role: "member", state: "disabled", last_seen_at: null, sessions: 0 },
].map((user) => User.parse({ id: id(user.email), from_environment: false, created_at: ago(40 * DAY), link_expires_at: null, ...user }));

const programs = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
];
export const sessions = programs.map((program, i) =>
  OpenSession.parse({
    id: `${i}`.repeat(24),
    here: i === 0,
    created_at: ago((i + 1) * 2 * DAY),
    last_seen_at: ago(i * 5 * HOUR),
    expires_at: ago(-12 * DAY),
    address: i === 0 ? "203.0.113.7" : "2001:db8::42",
    program,
  }),
);

export const listeners = [
  { said: "The order system", url: "https://orders.example.com/hooks/earshot", waiting: 2, told: 1204, dead: 3, paused_at: null },
  { said: "", url: "https://reports.example.net/in?team=desk", waiting: 41, told: 12, dead: 0, paused_at: ago(2 * HOUR) },
].map((listener) =>
  Listener.parse({ id: id(listener.url), kinds: ["call.ended", "recording.missing"], made_at: ago(30 * DAY), ...listener }),
);

export const tellings = (call: string) =>
  Array.from({ length: 24 }, (_, i) => {
    const status = i % 9 === 1 ? "waiting" : i % 8 === 5 ? "dead" : "told";
    return Telling.parse({
      id: id(`telling ${i}`),
      kind: i % 3 === 0 ? "recording.stored" : "call.ended",
      call_id: call,
      made_at: ago(i * 47 * 60_000),
      status,
      attempts: status === "told" ? 1 : status === "dead" ? 8 : 3,
      next_attempt_at: status === "waiting" ? ago(-9 * 60_000) : null,
      answer: status === "told" ? 200 : i % 2 === 0 ? 503 : null,
      because: status === "told" ? null : i % 2 === 0 ? "It answered with 503." : "It did not answer within 10 s.",
      told_at: status === "told" ? ago(i * 47 * 60_000 - 300) : null,
    });
  });

export const waiting = (call: string) =>
  [
    {
      what: "file",
      source: "carrier",
      attempts: 4,
      because: {
        code: "RECORDING_NOT_FOUND",
        message: "The carrier says it has no such recording.",
        remedy: "Carriers often have it a little later: it is asked for again by itself.",
      },
      next_attempt_at: ago(-90_000),
    },
    { what: "announcement", source: "carrier", attempts: 0, because: null, next_attempt_at: ago(-9 * 60_000) },
    { what: "verification", source: "journal", attempts: 0, because: null, next_attempt_at: null },
    {
      what: "deletion",
      source: null,
      attempts: 0,
      because: {
        code: "CALL_HELD",
        message: "A hold is on the call: nothing of it is deleted or redacted.",
        remedy: "Lift the hold; the deletion or redaction then goes on by itself.",
      },
      next_attempt_at: null,
    },
  ].map((one, i) =>
    Waiting.parse({ progress: null, id: id(`waiting ${i}`), call_id: i === 2 ? null : call, since: ago((4 - i) * 11 * 60_000), ...one }),
  );

export const keepRules = [
  { agent_id: null, what: "audio", days: 90 },
  { agent_id: agents[1]?.id, what: "audio", days: 30 },
  { agent_id: agents[1]?.id, what: "transcript", days: 365 },
].map((rule) => KeepRule.parse(rule));
export const lineKept = LineKept.parse({ webhooks_days: 30 });

const actions = [
  "recording.played",
  "agent.changed",
  "call.placed",
  "session.opened",
  "user.role_set",
  "evidence.taken",
  "session.refused",
];
export const audits = Array.from({ length: 130 }, (_, i) => {
  const action = actions[i % actions.length] as string;
  const user = users[i % 2];
  return Audit.parse({
    id: id(`audit ${i}`),
    at: ago(i * 51 * 60_000 + 20_000),
    actor: i % 11 === 3 ? "us" : i % 7 === 4 ? `key:${id("key 1")}` : `user:${user?.id}`,
    who: i % 11 === 3 ? null : i % 7 === 4 ? "Order system" : user?.email,
    action,
    call_id: /^(recording|call|evidence)/.test(action) ? id("call 3") : null,
    detail:
      action === "agent.changed"
        ? { agent: id("agent 1"), version: 4 }
        : action === "user.role_set"
          ? { user: id("u"), from: "viewer", to: "member" }
          : action.startsWith("session")
            ? { address: "203.0.113.7" }
            : {},
  });
});

/** What was decided about a call: of the ones in the stand-in every fourth has everything. */
export const keeping = (nth: number): Keeping =>
  Keeping.parse({
    hold:
      nth % 4 === 2
        ? { why: "The customer disputes the invoice A-1204.", placed_at: ago(2 * DAY), placed_by: `user:${users[0]?.id}` }
        : null,
    deletions:
      nth % 4 === 1
        ? [
            {
              id: id("deletion"),
              asked_at: ago(DAY),
              asked_by: `user:${users[1]?.id}`,
              because: "Asked for by the customer.",
              what: ["transcript"],
              done_at: ago(DAY - 4000),
              receipt: { version: 1, what: ["transcript"], rows: { utterances: 9 }, journal: "deleted", signature: "c2lnbmF0dXJl" },
            },
          ]
        : [],
    redactions: nth % 4 === 1 ? [redaction(31_200, 36_900)] : [],
    consents: [
      {
        at: ago(3 * DAY),
        told_by: "carrier",
        words: "This call is recorded.",
        words_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        answer: "silent",
      },
    ],
  });

const redaction = (from_ms: number, to_ms: number) => ({
  id: id(`redaction ${from_ms}`),
  from_ms,
  to_ms,
  side: "caller",
  original: "sealed",
  why: "A card number.",
  asked_at: ago(DAY),
  asked_by: `user:${users[0]?.id}`,
  done_at: ago(DAY - 6000),
});
