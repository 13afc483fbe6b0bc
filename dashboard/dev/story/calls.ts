/** Made-up calls: each one wished for, a day's worth of everything, and three that run. */
import { Call, type EndReason, type Recording } from "../../src/ask/shapes.ts";
import { agents } from "./agents.ts";
import { at, id } from "./made.ts";
import { recording } from "./recordings.ts";
import { talk } from "./talk.ts";

let counted = 0;

type Wish = Partial<Pick<Call, "direction" | "status" | "end_reason" | "customer_name" | "from" | "to">> & {
  agoMs?: number;
  talkMs?: number | null;
  recording?: Recording["status"];
  differ?: boolean;
  agent?: number;
  said?: number;
};

export function call(wish: Wish = {}): Call {
  const me = id(`call ${counted++}`);
  const created = Date.now() - (wish.agoMs ?? 0);
  const status = wish.status ?? "ended";
  const talked = wish.talkMs === undefined ? 61_000 : wish.talkMs;
  const answered = status === "in_progress" || (status === "ended" && talked !== null) ? created + 6_200 : null;
  const agent = agents[wish.agent ?? 0];
  const direction = wish.direction ?? "outbound";
  const other = (direction === "inbound" ? wish.from : wish.to) ?? "+12025550101";
  return Call.parse({
    id: me,
    direction,
    status,
    end_reason: status === "ended" ? (wish.end_reason ?? "caller_hung_up") : null,
    end_detail: wish.end_reason === "engine_failed" ? "The engine closed the session with 1011 at 0:12 and could not be resumed." : null,
    from: direction === "inbound" ? (wish.from === undefined ? other : wish.from) : "+12025550100",
    to: direction === "inbound" ? "+12025550100" : other,
    agent: agent ? { id: agent.id, name: agent.settings.name, version: agent.version } : null,
    customer_name: wish.customer_name === undefined ? "The polite caller" : wish.customer_name,
    variables: { parcel: "4711-22", attempt: 2, insured: true },
    metadata: { order: "A-1204" },
    created_at: at(created),
    dialed_at: at(created + 120),
    ringing_at: status === "queued" || status === "dialing" ? null : at(created + 1_400),
    started_at: answered === null ? null : at(answered),
    ended_at: status === "ended" ? at((answered ?? created + 21_000) + (talked ?? 0)) : null,
    duration_ms: status === "ended" && answered !== null ? talked : null,
    ring_ms: answered !== null ? 4_800 : status === "ended" ? 19_600 : null,
    engine: "evi",
    price: status === "ended" && answered !== null ? "0.0139" : null,
    price_currency: status === "ended" && answered !== null ? "EUR" : null,
    cost: {
      carrier: status === "ended" && answered !== null ? { amount: "0.0139", currency: "EUR" } : null,
      engine: null,
      usage:
        status === "ended" && answered !== null
          ? { session_seconds: (talked ?? 0) / 1000 + 5, transcribed_seconds: null, tokens: null }
          : null,
    },
    utterance_count: answered === null ? 0 : talk.length,
    recording: recording(
      me,
      wish.recording ?? (answered === null && status === "ended" ? "none" : status === "ended" ? "verified" : "expected"),
      talked,
      "carrier",
      wish.differ ? "differ" : "agree",
    ),
  });
}

const endings: [EndReason, number | null, Recording["status"]?][] = [
  ["caller_hung_up", 61_000],
  ["agent_hung_up", 127_000, "verified"],
  ["no_answer", null],
  ["caller_hung_up", 843_000, "stored"],
  ["busy", null],
  ["engine_failed", 12_400, "stored"],
  ["caller_hung_up", 32_000, "missing"],
  ["voicemail", 24_000],
  ["caller_hung_up", 95_000, "deleted"],
  ["agent_hung_up", 3_754_000, "announced"],
  ["lost", 18_000, "failed"],
  ["declined", null],
  ["operator_hung_up", 44_000, "fetching"],
  ["unreachable", null],
  ["media_failed", 7_000, "refused"],
];
const names = [
  "The polite caller",
  "The one who interrupts",
  null,
  "The voicemail box",
  null,
  "A customer with a remarkably long name who would like it to be shown in full, please",
  "خوش اخلاق گاہک",
];

/** A day's worth of everything, newest first. */
export const many = (n: number): Call[] =>
  Array.from({ length: n }, (_, i) => {
    const [end_reason, talkMs, recorded] = endings[i % endings.length] ?? ["lost", null];
    return call({
      agoMs: 90_000 + i * 1_400_000 + (i % 7) * 60_000,
      end_reason,
      talkMs,
      differ: talkMs === 127_000,
      ...(recorded ? { recording: recorded } : {}),
      direction: i % 3 === 1 ? "inbound" : "outbound",
      ...(i % 3 === 1 ? { from: i % 9 === 4 ? null : `+4420794600${10 + (i % 80)}` } : { to: `+120255501${String(10 + (i % 80))}` }),
      customer_name: names[i % names.length] ?? null,
      agent: i % 5 === 3 ? 1 : 0,
    });
  });

export const running = (): Call[] => [
  call({ status: "in_progress", agoMs: 48_000, customer_name: "The polite caller" }),
  call({ status: "ringing", agoMs: 9_000, customer_name: null, to: "+12025550104" }),
  call({ status: "dialing", agoMs: 2_000, customer_name: null, direction: "outbound", to: "+12025550103" }),
];
