import type { Direction } from "@earshot/contract/call";
import type { EndReason } from "@earshot/contract/status";

/**
 * Whole calls as Vonage tells them: the literal bodies of every webhook, in the usual order. Only tests read this. Shapes and values follow
 * vonage-voice §3, §6 and §7; numbers are fictitious.
 */
export interface Story {
  readonly title: string;
  readonly direction: Direction;
  /** Who asked for the end before the webhooks of the end came. */
  readonly hangupAskedBy?: string;
  readonly maxMinutes?: number;
  /** It met a sentence outside the opening hours, or our message was left with a machine, before the webhooks of the end came. */
  readonly closed?: boolean;
  readonly messageLeft?: boolean;
  /** What became of the transfer, in the stories that have one. */
  readonly transfer?: string;
  readonly webhooks: readonly Told[];
  readonly ends: EndReason;
  /** Milliseconds from answer to end; null when nobody answered. */
  readonly talkMs: number | null;
}

export interface Told {
  /** Query of the URL it comes to, with CALL for our call id; null where the application's own URL is used (the phone leg of an inbound call). */
  readonly marks: "?call=CALL" | "?call=CALL&leg=ws" | "?call=CALL&leg=transfer" | null;
  readonly body: string;
}

const PHONE = "5b0c1e0a-3c61-4f5e-9b5d-2f9f1f7a1a11";
export const INBOUND_PHONE = "4f0c3b9e7d2a41c6b8e5a9d01f72c3e4";
const SOCKET = "0a1b2c3d-0000-4111-8222-333344445555";
const PERSON = "7c0d1e2f-0000-4222-8333-444455556666";
const SOCKET_2 = "0a1b2c3d-0000-4111-8222-333344446666";
export const CONVERSATION = "CON-0d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a20";

const start = (body: string): Told => ({ marks: "?call=CALL", body });
const socket = (body: string): Told => ({ marks: "?call=CALL&leg=ws", body });
const person = (body: string): Told => ({ marks: "?call=CALL&leg=transfer", body });
const inbound = (body: string): Told => ({ marks: null, body });

const outLeg = `"headers":{},"from":"12025550100","to":"12025550101","uuid":"${PHONE}","conversation_uuid":"${CONVERSATION}"`;
const inLeg = `"headers":{},"from":"12025550106","to":"12025550100","uuid":"${INBOUND_PHONE}","conversation_uuid":"${CONVERSATION}"`;
const wsLeg = (uuid = SOCKET): string =>
  `"headers":{"call":"x"},"from":"12025550100","to":"wss://calls.example.com/media/vonage/secret-token_1","uuid":"${uuid}","conversation_uuid":"${CONVERSATION}"`;
const personLeg = `"headers":{},"from":"12025550100","to":"12025550110","uuid":"${PERSON}","conversation_uuid":"${CONVERSATION}"`;
const at = (time: string): string => `"timestamp":"2026-03-04T10:${time}Z"`;
const word = (leg: string, status: string, time: string, more = "", direction = "outbound"): string =>
  `{${leg},"status":"${status}","direction":"${direction}",${more}${at(time)}}`;
const over = (leg: string, time: string, more: string, direction = "outbound"): string => word(leg, "completed", time, more, direction);
const never = (sip: number): string =>
  `"start_time":null,"end_time":null,"duration":"0","rate":"0.00","price":"0.00","network":null,"sip_code":${sip},`;
const talked = (by: string, seconds = 72): string =>
  `"start_time":"2026-03-04T10:00:07.000Z","end_time":"2026-03-04T10:01:19.000Z","duration":"${seconds}","rate":"0.01270000","price":"0.01524000","network":"310260","sip_code":200,"disconnected_by":"${by}",`;

const dialed = [start(word(outLeg, "started", "00:00.120")), start(word(outLeg, "ringing", "00:02.120"))];
const answered = start(word(outLeg, "answered", "00:07.000", '"start_time":null,"rate":null,"network":null,'));
const audio = [socket(word(wsLeg(), "started", "00:07.200")), socket(word(wsLeg(), "answered", "00:07.310"))];
const audioOver = socket(
  over(
    wsLeg(),
    "01:19.300",
    '"start_time":"2026-03-04T10:00:07.000Z","end_time":"2026-03-04T10:01:19.000Z","duration":"72","rate":"0.00","price":"0.00000000",',
  ),
);
const recorded = start(
  `{"start_time":"2026-03-04T10:00:08Z","end_time":"2026-03-04T10:01:19Z","size":287104,"recording_url":"https://api-us.nexmo.com/v1/files/0b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f42","recording_uuid":"c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30","conversation_uuid":"${CONVERSATION}",${at("01:20.733")}}`,
);

const failure = (title: string, status: string, more: string, sip: number, ends: EndReason): Story => ({
  title,
  direction: "outbound",
  webhooks: [
    ...dialed,
    start(word(outLeg, status, "00:09.500", `${more}"sip_code":${sip},`)),
    start(over(outLeg, "00:09.900", never(sip))),
  ],
  ends,
  talkMs: null,
});

export const stories: readonly Story[] = [
  {
    title: "they talk and the person hangs up",
    direction: "outbound",
    webhooks: [...dialed, answered, ...audio, audioOver, start(over(outLeg, "01:19.412", talked("user"))), recorded],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
  {
    title: "the operator hangs up",
    direction: "outbound",
    hangupAskedBy: "operator",
    webhooks: [...dialed, answered, ...audio, audioOver, start(over(outLeg, "01:19.412", talked("platform"))), recorded],
    ends: "operator_hung_up",
    talkMs: 72_412,
  },
  {
    title: "the agent says goodbye and hangs up",
    direction: "outbound",
    hangupAskedBy: "agent",
    webhooks: [...dialed, answered, ...audio, audioOver, start(over(outLeg, "01:19.412", talked("platform")))],
    ends: "agent_hung_up",
    talkMs: 72_412,
  },
  {
    title: "the engine is lost and we end the call",
    direction: "outbound",
    hangupAskedBy: "us:engine_failed",
    webhooks: [...dialed, answered, ...audio, start(over(outLeg, "01:19.412", talked("platform")))],
    ends: "engine_failed",
    talkMs: 72_412,
  },
  {
    title: "it lasts as long as a call may last",
    direction: "outbound",
    maxMinutes: 1,
    webhooks: [...dialed, answered, ...audio, start(over(outLeg, "01:07.000", talked("platform", 60)))],
    ends: "time_limit",
    talkMs: 60_000,
  },
  failure("the line is busy", "busy", "", 486, "busy"),
  failure("it rings out", "timeout", "", 487, "no_answer"),
  failure("the network says nobody answers", "unanswered", '"detail":"carrier_timeout",', 480, "no_answer"),
  failure("the network gives up ringing", "unanswered", '"detail":"timeout",', 480, "no_answer"),
  failure("nobody answers and no word why", "unanswered", "", 480, "no_answer"),
  failure("the phone is switched off", "unanswered", '"detail":"unavailable",', 480, "no_answer"),
  failure("it is given up before the answer", "cancelled", "", 487, "cancelled"),
  failure("it cannot be routed", "failed", '"detail":"cannot_route",', 404, "unreachable"),
  failure("the number is out of service", "failed", '"detail":"number_out_of_service",', 404, "unreachable"),
  failure("the carrier breaks", "failed", '"detail":"internal_error",', 500, "carrier_failed"),
  failure("the carrier fails and no word why", "failed", "", 500, "carrier_failed"),
  failure("the carrier fails with a word nobody knows", "failed", '"detail":"moon_phase",', 500, "carrier_failed"),
  ...(
    [
      ["invalid_number", "invalid_number"],
      ["restricted", "restricted"],
      ["declined", "declined"],
      ["a word nobody knows", "declined"],
      [null, "declined"],
    ] as const
  ).map(
    ([detail, ends]): Story => ({
      title: `it is rejected as ${detail ?? "nothing in particular"}`,
      direction: "outbound",
      // A rejected leg gets no `completed` (§6.4).
      webhooks: [
        ...dialed,
        start(word(outLeg, "rejected", "00:03.000", `${detail === null ? "" : `"detail":"${detail}",`}"sip_code":603,`)),
      ],
      ends,
      talkMs: null,
    }),
  ),
  {
    title: "the operator gives up while it rings",
    direction: "outbound",
    hangupAskedBy: "operator",
    webhooks: [...dialed, start(word(outLeg, "cancelled", "00:05.000")), start(over(outLeg, "00:05.100", never(487)))],
    ends: "cancelled",
    talkMs: null,
  },
  {
    title: "the audio socket cannot be opened",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      socket(word(wsLeg(), "started", "00:07.200")),
      socket(word(wsLeg(), "unanswered", "00:09.200", '"detail":"unavailable",')),
      start(over(outLeg, "00:14.000", talked("platform", 7))),
    ],
    ends: "media_failed",
    talkMs: 7_000,
  },
  {
    title: "the audio breaks and is not restored",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      ...audio,
      socket(`{${wsLeg()},"status":"disconnected",${at("00:40.000")}}`),
      start(over(outLeg, "00:49.000", talked("platform", 42))),
    ],
    ends: "media_failed",
    talkMs: 42_000,
  },
  {
    title: "the audio breaks, is restored, and the person hangs up later",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      ...audio,
      socket(`{${wsLeg()},"status":"disconnected",${at("00:40.000")}}`),
      socket(word(wsLeg(SOCKET_2), "started", "00:40.200")),
      socket(word(wsLeg(SOCKET_2), "answered", "00:40.400")),
      socket(over(wsLeg(SOCKET_2), "01:19.300", "")),
      start(over(outLeg, "01:19.412", talked("user"))),
    ],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
  {
    title: "somebody calls in, they talk, the caller hangs up",
    direction: "inbound",
    webhooks: [
      inbound(word(inLeg, "started", "00:00.120", "", "inbound")),
      inbound(word(inLeg, "ringing", "00:00.130", "", "inbound")),
      inbound(word(inLeg, "answered", "00:07.000", '"start_time":null,"rate":null,"network":null,', "inbound")),
      ...audio,
      audioOver,
      inbound(over(inLeg, "01:19.412", talked("user"), "inbound")),
      recorded,
    ],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
  {
    title: "somebody calls in and gives up at once",
    direction: "inbound",
    webhooks: [
      inbound(word(inLeg, "started", "00:00.120", "", "inbound")),
      inbound(word(inLeg, "ringing", "00:00.130", "", "inbound")),
      inbound(over(inLeg, "00:01.000", never(487), "inbound")),
    ],
    ends: "cancelled",
    talkMs: null,
  },
  {
    title: "a machine is detected on the way, with the leg named call_uuid",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      start(
        `{"call_uuid":"${PHONE}","from":"12025550100","to":"12025550105","status":"machine","conversation_uuid":"${CONVERSATION}",${at("00:10.000")}}`,
      ),
      start(
        `{"call_uuid":"${PHONE}","from":"12025550100","to":"12025550105","status":"machine","sub_state":"beep_start","conversation_uuid":"${CONVERSATION}",${at("00:18.000")}}`,
      ),
      start(over(outLeg, "01:19.412", talked("user"))),
    ],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
  {
    title: "a human is detected on the way, and the machine's tone never came",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      start(
        `{"call_uuid":"${PHONE}","from":"12025550100","to":"12025550101","status":"human","conversation_uuid":"${CONVERSATION}","direction":"outbound",${at("00:10.000")}}`,
      ),
      start(
        `{"call_uuid":"${PHONE}","from":"12025550100","to":"12025550101","status":"machine","sub_state":"beep_timeout","conversation_uuid":"${CONVERSATION}",${at("00:55.000")}}`,
      ),
      start(over(outLeg, "01:19.412", talked("user"))),
    ],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
  {
    title: "a machine answers and the agent's rule hangs up",
    direction: "outbound",
    hangupAskedBy: "us:voicemail",
    webhooks: [...dialed, answered, start(over(outLeg, "01:19.412", talked("platform")))],
    ends: "voicemail",
    talkMs: 72_412,
  },
  {
    title: "our message is left with a machine",
    direction: "outbound",
    messageLeft: true,
    webhooks: [...dialed, answered, start(over(outLeg, "01:19.412", talked("platform")))],
    ends: "voicemail",
    talkMs: 72_412,
  },
  {
    title: "nobody says a word for too long",
    direction: "outbound",
    hangupAskedBy: "us:silence",
    webhooks: [...dialed, answered, ...audio, audioOver, start(over(outLeg, "01:19.412", talked("platform")))],
    ends: "silence",
    talkMs: 72_412,
  },
  {
    title: "somebody calls outside the opening hours",
    direction: "inbound",
    closed: true,
    webhooks: [
      inbound(word(inLeg, "started", "00:00.120", "", "inbound")),
      inbound(word(inLeg, "answered", "00:07.000", "", "inbound")),
      inbound(over(inLeg, "01:19.412", talked("platform"), "inbound")),
    ],
    ends: "outside_hours",
    talkMs: 72_412,
  },
  {
    title: "somebody calls while the server is being stopped",
    direction: "inbound",
    hangupAskedBy: "us:turned_away",
    webhooks: [
      inbound(word(inLeg, "started", "00:00.120", "", "inbound")),
      inbound(word(inLeg, "answered", "00:07.000", "", "inbound")),
      inbound(over(inLeg, "01:19.412", talked("platform"), "inbound")),
    ],
    ends: "turned_away",
    talkMs: 72_412,
  },
  {
    title: "the caller is handed to a person, who talks with them and hangs up",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      ...audio,
      start(
        `{"type":"transfer","uuid":"${PHONE}","conversation_uuid_from":"${CONVERSATION}","conversation_uuid_to":"CON-1d6a6e0e-8c2f-4d0f-9b1c-6c2f5f6f3a21",${at("00:30.000")}}`,
      ),
      audioOver,
      person(word(personLeg, "started", "00:30.100")),
      person(word(personLeg, "ringing", "00:31.000")),
      person(word(personLeg, "answered", "00:35.000")),
      person(over(personLeg, "01:19.000", talked("user", 44))),
      start(over(outLeg, "01:19.412", talked("platform"))),
    ],
    ends: "transferred",
    transfer: "connected",
    talkMs: 72_412,
  },
  {
    title: "the caller hangs up while the phone of the person they are handed to rings",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      ...audio,
      audioOver,
      person(word(personLeg, "started", "00:30.100")),
      person(word(personLeg, "ringing", "00:31.000")),
      start(over(outLeg, "01:19.412", talked("user"))),
      person(over(personLeg, "01:19.500", never(487))),
    ],
    ends: "caller_hung_up",
    transfer: "cancelled",
    talkMs: 72_412,
  },
  {
    title: "the person a caller is handed to is busy, and the caller hangs up",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      ...audio,
      person(word(personLeg, "started", "00:30.100")),
      person(word(personLeg, "busy", "00:31.000", '"sip_code":486,')),
      person(over(personLeg, "00:31.100", never(486))),
      start(over(outLeg, "01:19.412", talked("user"))),
    ],
    ends: "caller_hung_up",
    transfer: "busy",
    talkMs: 72_412,
  },
  {
    title: "words that move nothing come in between",
    direction: "outbound",
    webhooks: [
      ...dialed,
      answered,
      start(
        `{"speech":{"results":[{"text":"yes","confidence":"0.91"}]},"dtmf":{"digits":"21","timed_out":false},"from":"12025550100","to":"12025550101","uuid":"${PHONE}","conversation_uuid":"${CONVERSATION}",${at("00:12.000")}}`,
      ),
      start(`{"payload":{"mark":1},"conversation_uuid":"${CONVERSATION}",${at("00:13.000")}}`),
      start(`{"reason":"Syntax error in NCCO. Invalid value type or action.","conversation_uuid":"${CONVERSATION}",${at("00:14.000")}}`),
      start(word(outLeg, "teleported", "00:15.000")),
      start(
        `{"conversation_uuid":"${CONVERSATION}","type":"record","recording_uuid":"c1f7d1de-51a9-4f0f-9c0b-9a6f2b1e7d30","status":"transcribed","transcription_url":"https://api-us.nexmo.com/v1/files/1b7e6c0e-4b57-4c6b-8f5d-6e0a2c1d9f43",${at("01:25.000")}}`,
      ),
      start(over(outLeg, "01:19.412", talked("user"))),
      recorded,
    ],
    ends: "caller_hung_up",
    talkMs: 72_412,
  },
];

/** A number generator that gives the same numbers every time: a failing shuffle can be run again. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The same things in another order, some of them twice, and each left out with probability `loss`. */
export function jumbled<T>(things: readonly T[], random: () => number, loss = 0): T[] {
  const kept = things.filter(() => random() >= loss);
  const doubled = [...kept, ...kept.filter(() => random() < 0.4)];
  for (let i = doubled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [doubled[i], doubled[j]] = [doubled[j] as T, doubled[i] as T];
  }
  return doubled;
}
