import { z } from "zod";

/** What a client may send to `/v1/calls`, strictly: Vonage's documented fields and nothing else. See https://developer.vonage.com/en/api/voice. */

export const phoneNumber = z.string().regex(/^\d{3,15}$/, { message: "must be a number in E.164 format without a leading +" });
export const httpUrl = z.url({ protocol: /^https?$/, message: "must be an http or https URL" });
/** Documented as an array of one; old versions took a bare string. */
export const oneUrl = z.union([z.tuple([httpUrl]), httpUrl.transform((url): [string] => [url])], {
  error: "must be an array of one http or https URL",
});
/** Numbers that some examples write as text. */
export const whole = (least: number, most: number) =>
  z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.int().min(least).max(most));
export const method = z.enum(["GET", "POST"]);
/** How loud a talk or a stream is: -1 to 1, as text by REST, as a number in NCCOs, and taken in both forms from either. */
export const level = z
  .union([z.string().regex(/^-?\d(\.\d+)?$/), z.number()])
  .transform(Number)
  .pipe(z.number().min(-1).max(1))
  .default(0);

/** Of a websocket's first message, serialised. */
const LONGEST_HEADERS = 512;

const Phone = z.strictObject({
  type: z.literal("phone"),
  number: phoneNumber,
  dtmfAnswer: z
    .string()
    .regex(/^[0-9*#pP]+$/)
    .optional(),
});
/** In a connect a phone may have more. */
const ConnectedPhone = Phone.extend({
  onAnswer: z.strictObject({ url: httpUrl, ringbackTone: httpUrl.optional(), ringback: httpUrl.optional() }).optional(),
  /** A STIR/SHAKEN Identity header of the caller's own. */
  shaken: z.string().min(1).optional(),
});

export const Websocket = z.strictObject({
  type: z.literal("websocket"),
  uri: z.url({ protocol: /^wss?$/, message: "must be a ws or wss URL" }),
  "content-type": z.string().regex(/^audio\/l16; ?rate=(8000|16000|24000)$/, { message: "must be audio/l16;rate=8000, 16000 or 24000" }),
  headers: z
    .record(z.string(), z.unknown())
    .default({})
    .refine((headers) => Buffer.byteLength(JSON.stringify(headers)) <= LONGEST_HEADERS, {
      message: `headers are longer than ${LONGEST_HEADERS} bytes`,
    }),
  authorization: z
    .union([
      z.strictObject({ type: z.literal("vonage") }),
      z.strictObject({ type: z.literal("custom"), value: z.string().regex(/^[\x20-\x7e]{1,8191}$/) }),
    ])
    .optional(),
});
export type Websocket = z.infer<typeof Websocket>;

const Sip = z
  .strictObject({
    type: z.literal("sip"),
    uri: z.string().startsWith("sip:").optional(),
    user: z.string().min(1).optional(),
    domain: z.string().min(1).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    standard_headers: z.record(z.string(), z.string()).optional(),
    standardHeaders: z.record(z.string(), z.string()).optional(),
  })
  .refine((sip) => (sip.uri === undefined) === (sip.user !== undefined && sip.domain !== undefined), {
    message: "either a uri, or user and domain, is required",
    path: ["uri"],
  });
const App = z.strictObject({ type: z.literal("app"), user: z.string() });
const Vbc = z.strictObject({ type: z.literal("vbc"), extension: z.union([z.string(), z.int().transform(String)]) });

/** Where a connect can go. The emulated network has people (phone) and sockets; sip, app and vbc are well-formed, but nobody is there. */
export const Endpoint = z.discriminatedUnion("type", [ConnectedPhone, Websocket, Sip, App, Vbc]);
export type Endpoint = z.infer<typeof Endpoint>;
const Called = z.discriminatedUnion("type", [Phone, Websocket, Sip, App, Vbc]);

export const MachineDetection = z.enum(["continue", "hangup"]);
/** The reference and the SDKs differ in spelling inside NCCOs; both are taken. */
export const AdvancedMachineDetection = z
  .strictObject({
    behavior: MachineDetection.default("continue"),
    mode: z.enum(["default", "detect", "detect_beep"]).default("default"),
    beep_timeout: whole(45, 120).optional(),
    beepTimeout: whole(45, 120).optional(),
  })
  .transform(({ beep_timeout, beepTimeout, ...rest }) => ({ ...rest, beepTimeoutS: beep_timeout ?? beepTimeout ?? 45 }));

export const CreateCall = z
  .strictObject({
    to: z.tuple([Called], { error: "must be an array of exactly one endpoint" }),
    from: z
      .union([
        z.strictObject({ type: z.literal("phone"), number: z.string().min(1) }),
        z.strictObject({ type: z.literal("sip"), uri: z.string() }),
      ])
      .optional(),
    random_from_number: z.boolean().default(false),
    ncco: z.array(z.unknown()).optional(),
    answer_url: oneUrl.optional(),
    answer_method: method.default("GET"),
    event_url: oneUrl.optional(),
    event_method: method.default("POST"),
    machine_detection: MachineDetection.optional(),
    advanced_machine_detection: AdvancedMachineDetection.optional(),
    length_timer: whole(1, 86_400).default(7_200),
    ringing_timer: whole(1, 120).default(60),
  })
  .superRefine((call, context) => {
    const bad = (field: string, message: string): void => context.addIssue({ code: "custom", path: [field], message });
    if ((call.ncco === undefined) === (call.answer_url === undefined)) bad("answer_url", "exactly one of ncco and answer_url is required");
    if ((call.from === undefined) === !call.random_from_number) bad("from", "exactly one of from and random_from_number is required");
    // Free for a socket: there it is but a word in events.
    const [to] = call.to;
    if (to.type === "phone" && call.from?.type === "phone" && !phoneNumber.safeParse(call.from.number).success)
      context.addIssue({ code: "custom", path: ["from", "number"], message: "must be a number in E.164 format without a leading +" });
  });
export type CreateCall = z.infer<typeof CreateCall>;

export const ModifyCall = z.discriminatedUnion("action", [
  z.strictObject({ action: z.enum(["hangup", "mute", "unmute", "earmuff", "unearmuff"]) }),
  z.strictObject({
    action: z.literal("transfer"),
    destination: z.union([
      z.strictObject({ type: z.literal("ncco"), url: oneUrl }),
      z.strictObject({ type: z.literal("ncco"), ncco: z.array(z.unknown()) }),
    ]),
  }),
]);
export type ModifyCall = z.infer<typeof ModifyCall>;

export const StartTalk = z.strictObject({
  text: z.string().min(1).max(1_500),
  language: z.string().optional(),
  style: z.int().optional(),
  premium: z.boolean().optional(),
  loop: z.int().min(0).default(1),
  level,
});
export const StartStream = z.strictObject({ stream_url: oneUrl, loop: z.int().min(0).default(1), level });
export const SendDtmf = z.strictObject({ digits: z.string().regex(/^[0-9*#pP]+$/, { message: "may hold 0-9 * # p" }) });
export const ListenDtmf = z.strictObject({ event_url: oneUrl });

const status = z.enum([
  "started",
  "ringing",
  "answered",
  "machine",
  "completed",
  "busy",
  "cancelled",
  "failed",
  "rejected",
  "timeout",
  "unanswered",
]);
/** The query of `GET /v1/calls`. */
export const ListCalls = z.strictObject({
  status: status.optional(),
  date_start: z.coerce.date().optional(),
  date_end: z.coerce.date().optional(),
  page_size: z.coerce.number().int().min(1).max(100).default(10),
  record_index: z.coerce.number().int().min(0).default(0),
  order: z.enum(["asc", "desc"]).default("asc"),
  conversation_uuid: z.string().optional(),
});
export type ListCalls = z.infer<typeof ListCalls>;

/** The problems of a body in the form Vonage's validation answers them: `{name, reason}`. */
export function invalidParameters(error: z.ZodError): { name: string; reason: string }[] {
  return error.issues.flatMap((issue) => {
    const at = issue.path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
      .join("")
      .replace(/^\./, "");
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ name: at ? `${at}.${key}` : key, reason: "is not a known parameter" }));
    return [{ name: at || "body", reason: issue.message }];
  });
}
