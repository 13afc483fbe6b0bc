/** Made-up calls for looking at the dashboard: contract-valid, checked when they are made, never part of the app. */
import { createHash } from "node:crypto";
import {
  Agent,
  ApiKey,
  Call,
  CallEvent,
  CarrierState,
  DoctorReport,
  EmulatedNumber,
  type EndReason,
  Exchange,
  JobQueue,
  Recording,
  Utterance,
  Webhook,
} from "../src/ask/shapes.ts";

let counted = 0;
/** Ids that are the same in every run. */
export const id = (name: string | number): string => {
  const h = createHash("sha256").update(String(name)).digest("hex");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-7${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
};
const at = (ms: number): string => new Date(ms).toISOString();

export const agents = [
  {
    id: id("agent 1"),
    version: 4,
    is_default: true,
    created_at: at(Date.now() - 40 * 86_400_000),
    notes: [{ field: "patience.end_of_turn_ms", message: "EVI ends no turn sooner than after 500 ms: 500 is used." }],
    settings: {
      name: "Parcel desk",
      engine: "evi",
      options: {},
      prompt:
        "You are the voice of a parcel service. You call {{customer}} because parcel {{parcel}} could not be delivered. Offer tomorrow or Thursday, repeat what was agreed, and say goodbye. If asked, you say that you are a machine.",
      greeting: "Hello, this is the parcel desk. I am an automated voice, and this call is recorded.",
      language: "en",
      voice: "Ito",
      max_minutes: 10,
      record: true,
      numbers: ["+12025550100"],
      patience: {
        end_of_turn_ms: 400,
        nudge: { after_s: 8, text: "Are you still there?", times: 2 },
        goodbye: { after_s: 30, text: "I cannot hear you any more. Goodbye." },
      },
      transfer_number: "+12025550199",
      tools: [
        { kind: "hang_up" },
        { kind: "transfer", announcement: "A caller about {{reason}}." },
        {
          kind: "http",
          name: "find_parcel",
          description: "Finds a parcel by its number and says where it is. Use it before you offer a day.",
          parameters: { type: "object", properties: { parcel: { type: "string" }, language: { type: "string" } }, required: ["parcel"] },
          url: "https://parcels.example.com/find",
          secret_headers: [{ name: "Authorization", secret: id("secret") }],
        },
      ],
      line: {
        notice: "This call is recorded.",
        notice_recorded: true,
        hours: {
          time_zone: "Europe/Berlin",
          open: [
            { days: ["mon", "tue", "wed", "thu", "fri"], from: "08:30", to: "12:30" },
            { days: ["mon", "tue", "thu"], from: "13:30", to: "18:00" },
            { days: ["sat"], from: "22:00", to: "02:00" },
          ],
          closed_on: ["2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01"],
          otherwise: { do: "say", text: "The parcel desk is closed just now. Please call again during our opening hours." },
        },
      },
    },
  },
  {
    id: id("agent 2"),
    version: 1,
    is_default: false,
    created_at: at(Date.now() - 3 * 86_400_000),
    settings: {
      name: "Urdu desk",
      engine: "evi",
      options: {},
      prompt: "آپ اردو میں بات کرتے ہیں۔",
      greeting: null,
      language: "ur",
      voice: null,
      max_minutes: 30,
      record: true,
      numbers: [],
    },
  },
].map((agent) => Agent.parse(agent));

export const emulated = [
  { number: "+12025550101", name: "the polite caller", habit: "Talks, thanks, and hangs up." },
  { number: "+12025550102", name: "the one who interrupts", habit: "Cuts into what the agent says." },
  { number: "+12025550103", name: "the busy line", habit: "Is always on the phone." },
  { number: "+12025550104", name: "the one who never answers", habit: "Lets it ring." },
  { number: "+12025550105", name: "the voicemail box", habit: "Plays its greeting and beeps." },
].map((person) => EmulatedNumber.parse(person));

export const keys = [
  {
    id: id("key 1"),
    name: "Order system",
    prefix: "es_4f7a",
    role: "member",
    created_at: at(Date.now() - 9e8),
    last_used_at: at(Date.now() - 240_000),
    from_environment: false,
    revoked_at: null,
  },
  {
    id: id("key 2"),
    name: "Reports",
    prefix: "es_b01c",
    role: "viewer",
    created_at: at(Date.now() - 4e8),
    last_used_at: null,
    from_environment: false,
    revoked_at: null,
  },
].map((key) => ApiKey.parse(key));

type Line = [
  speaker: "caller" | "agent",
  text: string,
  seconds: number,
  pause: number,
  feelings: Record<string, number>,
  more?: { cut?: true; language?: string; heard?: number },
];

const talk: Line[] = [
  [
    "agent",
    "Hello, this is the parcel desk. I am an automated voice, and this call is recorded.",
    5.2,
    0.4,
    { Interest: 0.41, Calmness: 0.33, Joy: 0.12 },
  ],
  [
    "caller",
    "Oh, hello. Is it about the parcel from yesterday?",
    2.9,
    0.7,
    { "Surprise (positive)": 0.52, Interest: 0.47, Curiosity: 0.31, Awkwardness: 0.08 },
  ],
  [
    "agent",
    "Yes. We rang at your door at ten past four and nobody was in. I can offer you tomorrow between nine and twelve, or Thursday afternoon, or you pick it up yourself at the station, which is open until",
    10.4,
    0.6,
    { Calmness: 0.38, Determination: 0.22 },
    { cut: true, heard: 9800 },
  ],
  [
    "caller",
    "Sorry, wait. Nobody rang. I was here all day.",
    3.1,
    -0.5,
    {
      Anger: 0.44,
      Annoyance: 0.58,
      Confusion: 0.36,
      Disappointment: 0.3,
      Determination: 0.22,
      Contempt: 0.12,
      Doubt: 0.11,
      Distress: 0.1,
      Tiredness: 0.05,
    },
  ],
  [
    "agent",
    "I am sorry about that. The driver's note says ten past four, but I believe you. I will write it down.",
    5.6,
    0.9,
    { "Empathic Pain": 0.34, Sympathy: 0.51, Calmness: 0.2 },
  ],
  ["caller", "Fine. Thursday afternoon, then.", 1.9, 0.5, { Calmness: 0.22, Tiredness: 0.27, Realization: 0.18 }],
  ["caller", "After three, if that is possible.", 1.7, 1.1, { Interest: 0.19, Calmness: 0.18 }],
  ["agent", "Thursday after three. Shall the driver call you before?", 3.2, 0.8, { Interest: 0.36 }],
  ["caller", "جی ہاں، پہلے فون کر دیں، گھنٹی خراب ہے۔", 2.8, 2.6, { Calmness: 0.31, Amusement: 0.26 }, { language: "ur" }],
  [
    "agent",
    "ٹھیک ہے، ڈرائیور پہلے فون کرے گا۔ جمعرات، تین بجے کے بعد۔",
    4.1,
    0.9,
    { Satisfaction: 0.3, Calmness: 0.44 },
    { language: "ur" },
  ],
  ["caller", "Perfect. Thank you, that was quick.", 2.2, 0.6, { Gratitude: 0.63, Relief: 0.55, Satisfaction: 0.49, Joy: 0.4 }],
  ["agent", "Thank you. Goodbye.", 1.6, 0.5, { Joy: 0.33, Calmness: 0.3 }],
  ["caller", "Bye.", 0.6, 0.3, { Contentment: 0.29 }],
];

/** What was said in a call, `times` over for long ones. */
export function utterances(call: string, times = 1): Utterance[] {
  let clock = 0;
  return Array.from({ length: times }, () => talk)
    .flat()
    .map(([speaker, text, seconds, pause, feelings, more], i) => {
      const started = Math.round(clock + pause * 1000);
      clock = started + seconds * 1000;
      return Utterance.parse({
        id: id(`${call} utterance ${i}`),
        speaker,
        text,
        started_ms: started,
        ended_ms: Math.round(clock),
        emotions: Object.fromEntries(Object.entries(feelings).sort((a, b) => b[1] - a[1])),
        emotion_set: "evi-prosody-48",
        cut: more?.cut ?? false,
        heard_ms: more?.heard ?? null,
        language: more?.language ?? "en",
        source: "heard",
      });
    });
}

const because = {
  missing: {
    code: "RECORDING_NEVER_ANNOUNCED",
    message: "The carrier never announced the recording.",
    remedy: "Check that the recording webhook reaches PUBLIC_URL. If it comes after all, it is still taken.",
  },
  failed: {
    code: "RECORDING_GONE",
    message: "The carrier no longer has the recording.",
    remedy: "It may have expired before it was fetched. The journal's recording is kept.",
  },
  refused: {
    code: "RECORDING_HOST_REFUSED",
    message: "The announced address is not one of the carrier's hosts.",
    remedy: "Nothing was fetched. Look at the raw webhook; somebody may be forging requests.",
  },
} as const;

export function recording(
  call: string,
  status: Recording["status"],
  durationMs: number | null,
  source: Recording["source"] = "carrier",
): Recording {
  const here = status === "stored" || status === "verified";
  return Recording.parse({
    id: status === "none" ? null : id(`${call} ${source}`),
    status,
    source: status === "none" ? null : source,
    url: here ? `/api/calls/${call}/recording?source=${source}` : null,
    format: here ? "mp3" : null,
    duration_ms: here ? durationMs : null,
    offset_ms: here ? 0 : null,
    size_bytes: here ? Math.round((durationMs ?? 0) * 8) : null,
    sha256: here ? createHash("sha256").update(`${call} ${source}`).digest("hex") : null,
    channels: here ? 2 : null,
    peaks_url: here ? `/api/calls/${call}/recording/peaks?source=${source}` : null,
    because: status in because ? because[status as keyof typeof because] : null,
    comparison:
      status === "verified"
        ? { verdict: "agree", at: at(Date.now() - 60_000), offset_ms: 40, drift_ppm: 0, findings: [], said: "Both recordings agree." }
        : null,
    since: status === "none" ? null : at(Date.now() - 60_000),
    announced_at: null,
    stored_at: null,
    verified_at: null,
  });
}

type Wish = Partial<Pick<Call, "direction" | "status" | "end_reason" | "customer_name" | "from" | "to">> & {
  agoMs?: number;
  talkMs?: number | null;
  recording?: Recording["status"];
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
    ring_ms: answered === null ? null : 4_800,
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
    ),
  });
}

const endings: [EndReason, number | null, Recording["status"]?][] = [
  ["caller_hung_up", 61_000],
  ["agent_hung_up", 127_000],
  ["no_answer", null],
  ["caller_hung_up", 843_000, "stored"],
  ["busy", null],
  ["engine_failed", 12_400, "stored"],
  ["caller_hung_up", 32_000, "missing"],
  ["voicemail", 24_000],
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

export function events(of: Call): CallEvent[] {
  const zero = of.started_at === null ? null : Date.parse(of.started_at);
  const event = (atMs: number, kind: string, actor: CallEvent["actor"], said: string, detail: Record<string, unknown> = {}) =>
    CallEvent.parse({
      id: id(`${of.id} ${kind} ${atMs}`),
      at: at(atMs),
      call_ms: zero === null ? null : atMs - zero,
      kind,
      actor,
      said,
      detail,
    });
  const created = Date.parse(of.created_at);
  const list = [
    event(created, "call.placed", "operator", "The call was placed from the dashboard."),
    event(created + 120, "call.dialed", "us", "The carrier was asked to dial.", {
      request: "POST /v1/calls",
      answer: 201,
      uuid: "63f61863-4a51-4f6b-86e1-46edebcf9356",
    }),
  ];
  if (of.ringing_at)
    list.push(
      event(created + 1_400, "call.ringing", "carrier", "It rings."),
      event(created + 2_300, "engine.ready", "engine", "The engine is ready.", { engine: "evi", after_ms: 880 }),
    );
  if (zero !== null) {
    list.push(
      event(zero, "call.answered", "carrier", "The call was answered."),
      event(zero + 90, "recording.expected", "us", "The carrier was told to record."),
      event(zero + 210, "media.connected", "carrier", "The audio is connected.", { content_type: "audio/l16;rate=16000" }),
      event(zero + 400, "agent.spoke", "agent", "The agent said its first word."),
    );
    if (of.ended_at) {
      const end = Date.parse(of.ended_at);
      list.push(
        event(zero + 17_100, "agent.cut", "caller", "The caller cut in; what was queued was dropped.", { silent_after_ms: 3 }),
        event(end, "call.ended", "caller", "The caller hung up."),
        event(end + 1_900, "recording.announced", "carrier", "The recording was announced."),
        event(end + 3_200, "recording.stored", "us", "The recording was fetched and stored.", { size_bytes: 488_000 }),
        event(end + 3_900, "recording.verified", "us", "The recording was checked: 1:01 long, both voices heard."),
      );
    }
  } else if (of.ended_at) list.push(event(Date.parse(of.ended_at), "call.ended", "carrier", "Nobody picked up."));
  return list;
}

export function webhooks(of: Call): Webhook[] {
  const created = Date.parse(of.created_at);
  return (["started", "ringing", "ringing", "answered", "completed", "record"] as const).map((status, i) =>
    Webhook.parse({
      id: id(`${of.id} webhook ${i}`),
      carrier: "vonage",
      received_at: at(created + 400 + i * 1_900),
      door: status === "record" ? "recording" : "event",
      method: "POST",
      url: `/webhooks/vonage/${status === "record" ? "recording" : "event"}?call=${of.id}&token=redacted`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        status,
        uuid: "63f61863-4a51-4f6b-86e1-46edebcf9356",
        conversation_uuid: "CON-f972836a-550f-45fa-956c-12a2ab5b7d22",
        direction: "outbound",
        timestamp: at(created + 380 + i * 1_900),
      }),
      verdict: i === 2 ? "duplicate" : i === 5 ? "bad_signature" : "applied",
      because: i === 5 ? "The payload_hash is not the hash of this body." : null,
    }),
  );
}

/** What we asked of the carrier: the dial, and one thing it refused. */
export function exchanges(of: Call): Exchange[] {
  const created = Date.parse(of.created_at);
  const exchange = (nth: number, afterMs: number, method: string, path: string, status: number | null, request: unknown, answer: unknown) =>
    Exchange.parse({
      id: id(`${of.id} exchange ${nth}`),
      at: at(created + afterMs),
      carrier: "vonage",
      method,
      url: `https://api.nexmo.com${path}`,
      request: JSON.stringify(request),
      status,
      answer: status === null ? "ECONNRESET" : JSON.stringify(answer),
      took_ms: 184,
      trace: status === null ? null : "a1b2c3",
    });
  const leg = "63f61863-4a51-4f6b-86e1-46edebcf9356";
  return [
    exchange(0, 120, "POST", "/v1/calls", 201, { to: [{ type: "phone", number: "12025550101" }] }, { uuid: leg, status: "started" }),
    exchange(1, 9_000, "PUT", `/v1/calls/${leg}`, 400, { action: "mute" }, { title: "Bad Request", detail: "Call not in progress" }),
  ];
}

export const carrier = CarrierState.parse({
  carrier: "vonage",
  number: "+12025550100",
  emulated: false,
  calls_queued: 2,
  limits: [
    {
      name: "vonage create",
      most: 3,
      window_ms: 1200,
      free: 0,
      waiting: 2,
      wait_ms: 1900,
      refused: 1,
      refused_at: at(Date.now() - 7_200_000),
    },
    { name: "vonage other", most: 15, window_ms: 1050, free: 15, waiting: 0, wait_ms: 0, refused: 0, refused_at: null },
  ],
});

export const doctor = () =>
  DoctorReport.parse({
    at: at(Date.now()),
    checks: [
      { name: "key", state: "good", said: "Vonage accepts our application id and private key.", remedy: null },
      {
        name: "public address",
        state: "bad",
        said: "https://calls.example.com is answered by something else (HTTP 200, text/html).",
        remedy: "Is the tunnel or proxy the right one, and does it show a page of its own first? Point PUBLIC_URL at this server.",
      },
      { name: "application", state: "unknown", said: "This can be looked at only with the account's API secret.", remedy: null },
    ],
  });

export const jobs = [
  { queue: "recording.fetch", waiting: 3, due: 1, running: 2, failed: 0, oldest_due_seconds: 4.2 },
  { queue: "recording.verify", waiting: 0, due: 0, running: 0, failed: 1, oldest_due_seconds: 0 },
  { queue: "recording.audit", waiting: 1, due: 0, running: 0, failed: 0, oldest_due_seconds: 0 },
].map((queue) => JobQueue.parse(queue));
