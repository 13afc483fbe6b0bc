import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AdvancedMachineDetection, Endpoint, httpUrl, level, MachineDetection, method, oneUrl, phoneNumber, whole } from "./wire.ts";

/** Every NCCO action with its options, strictly. See https://developer.vonage.com/en/voice/voice-api/ncco-reference. */

const numeric = (least: number, most: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d+(\.\d+)?$/)
        .transform(Number),
    ])
    .pipe(z.number().min(least).max(most));
const events = { eventUrl: oneUrl.optional(), eventMethod: method.default("POST") };
const transcription = z
  .strictObject({
    language: z.string().default("en-US"),
    eventUrl: oneUrl.optional(),
    eventMethod: method.default("POST"),
    sentimentAnalysis: z.boolean().optional(),
  })
  .optional();

export const Record_ = z
  .strictObject({
    action: z.literal("record"),
    format: z.enum(["mp3", "wav", "ogg"]).optional(),
    split: z.literal("conversation").optional(),
    channels: whole(1, 32).optional(),
    endOnSilence: numeric(3, 10).optional(),
    endOnKey: z
      .string()
      .regex(/^[0-9*#]$/)
      .optional(),
    timeOut: whole(3, 7_200).optional(),
    beepStart: z.boolean().default(false),
    transcription,
    ...events,
  })
  .refine((record) => record.channels === undefined || record.split !== undefined, { message: "channels needs split", path: ["channels"] });

export const Connect = z
  .strictObject({
    action: z.literal("connect"),
    endpoint: z.tuple([Endpoint], { error: "must be an array of exactly one endpoint" }),
    from: z.string().optional(),
    randomFromNumber: z.boolean().default(false),
    eventType: z.literal("synchronous").optional(),
    timeout: whole(1, 120).default(60),
    limit: whole(1, 7_200).default(7_200),
    machineDetection: MachineDetection.optional(),
    advancedMachineDetection: AdvancedMachineDetection.optional(),
    advanced_machine_detection: AdvancedMachineDetection.optional(),
    ringbackTone: httpUrl.optional(),
    ...events,
  })
  .refine(({ endpoint: [to], from, randomFromNumber }) => to.type !== "phone" || randomFromNumber || phoneNumber.safeParse(from).success, {
    message: "a phone is called from a number in E.164 format without a leading +, or with randomFromNumber",
    path: ["from"],
  })
  .refine((connect) => !(connect.randomFromNumber && connect.from !== undefined), { message: "excludes from", path: ["randomFromNumber"] });

export const Conversation = z
  .strictObject({
    action: z.literal("conversation"),
    name: z.string().min(1),
    musicOnHoldUrl: oneUrl.optional(),
    startOnEnter: z.boolean().default(true),
    endOnExit: z.boolean().default(false),
    record: z.boolean().default(false),
    canSpeak: z.array(z.string()).optional(),
    canHear: z.array(z.string()).optional(),
    mute: z.boolean().default(false),
    transcription,
    ...events,
  })
  .refine(({ mute, canSpeak }) => !mute || canSpeak === undefined, { message: "excludes canSpeak", path: ["mute"] })
  .refine(({ record, transcription: wanted }) => record || wanted === undefined, { message: "needs record", path: ["transcription"] });

export const Talk = z.strictObject({
  action: z.literal("talk"),
  text: z.string().min(1).max(1_500),
  bargeIn: z.boolean().default(false),
  loop: whole(0, 1_000_000).default(1),
  level,
  language: z.string().optional(),
  style: z.int().optional(),
  premium: z.boolean().optional(),
});

export const Stream = z.strictObject({
  action: z.literal("stream"),
  streamUrl: oneUrl,
  bargeIn: z.boolean().default(false),
  loop: whole(0, 1_000_000).default(1),
  level,
});

const Dtmf = z.strictObject({
  timeOut: numeric(0, 10).default(3),
  maxDigits: whole(1, 20).default(4),
  submitOnHash: z.boolean().default(false),
});
const Speech = z.strictObject({
  uuid: z.union([z.tuple([z.string()]), z.string()]).optional(),
  endOnSilence: numeric(0.4, 10).default(2),
  language: z.string().default("en-US"),
  context: z.array(z.string()).default([]),
  startTimeout: numeric(1, 60).default(10),
  maxDuration: numeric(1, 60).default(60),
  saveAudio: z.boolean().default(false),
  sensitivity: whole(10, 100).default(90),
});

export const Input = z
  .strictObject({
    action: z.literal("input"),
    type: z
      .array(z.enum(["dtmf", "speech"]))
      .min(1)
      .default(["dtmf"]),
    mode: z.enum(["synchronous", "asynchronous"]).default("synchronous"),
    dtmf: Dtmf.prefault({}),
    speech: Speech.prefault({}),
    ...events,
    /** Vonage's own NCCO builder writes an empty array where it was given none. */
    eventUrl: z.union([oneUrl, z.tuple([]).transform(() => undefined)]).optional(),
  })
  .refine(({ mode, type }) => mode === "synchronous" || !type.includes("speech"), { message: "takes keys only", path: ["mode"] })
  .refine(({ mode, dtmf }) => mode === "synchronous" || isDeepStrictEqual(dtmf, Dtmf.parse({})), {
    message: "has no settings when asynchronous",
    path: ["dtmf"],
  });

export const Notify = z.strictObject({
  action: z.literal("notify"),
  payload: z.record(z.string(), z.unknown()),
  eventUrl: oneUrl,
  eventMethod: method.default("POST"),
});

/** Clamped, not refused, by the reference. */
export const Wait = z.strictObject({
  action: z.literal("wait"),
  timeout: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d+(\.\d+)?$/)
        .transform(Number),
    ])
    .default(10)
    .transform((seconds) => Math.min(7_200, Math.max(0.1, seconds))),
});

/** The reference's table writes `conversation_id`, its example `conversationId`. */
export const Transfer = z
  .strictObject({
    action: z.literal("transfer"),
    conversation_id: z.string().optional(),
    conversationId: z.string().optional(),
    canSpeak: z.array(z.string()).optional(),
    canHear: z.array(z.string()).optional(),
    mute: z.boolean().default(false),
  })
  .refine((transfer) => transfer.conversationId !== undefined || transfer.conversation_id !== undefined, {
    message: "is required",
    path: ["conversationId"],
  });

export const Action = z.discriminatedUnion("action", [Record_, Connect, Conversation, Talk, Stream, Input, Notify, Wait, Transfer]);
export type Action = z.infer<typeof Action>;
export type ActionNamed<Name extends Action["action"]> = Extract<Action, { action: Name }>;
export type Ncco = readonly Action[];

export type NccoVerdict = { readonly good: true; readonly ncco: Ncco } | { readonly good: false; readonly because: string };

/** Reads an NCCO: an array of known actions with known options. `because` names the action by its place, as Vonage's error events do. */
export function readNcco(body: unknown): NccoVerdict {
  if (!Array.isArray(body)) return { good: false, because: "Syntax error in NCCO. Invalid value type or action." };
  const ncco: Action[] = [];
  for (const [place, raw] of body.entries()) {
    const parsed = Action.safeParse(raw);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const at = issue?.path.join(".") ?? "";
      const what =
        issue?.code === "unrecognized_keys" ? `unknown option ${issue.keys.join(", ")}` : `${at ? `${at}: ` : ""}${issue?.message ?? ""}`;
      return { good: false, because: `Syntax error in NCCO. Invalid value type or action, at position ${place}: ${what}.` };
    }
    ncco.push(parsed.data);
  }
  const place = ncco.findIndex((action, at) => "bargeIn" in action && action.bargeIn && !isBargedInto(ncco.slice(at + 1)));
  if (place >= 0) return { good: false, because: `Syntax error in NCCO. bargeIn at position ${place} has no input action to end it.` };
  return { good: true, ncco };
}

/** What may be barged into is followed by an input, before anything but more to hear. */
function isBargedInto(rest: Ncco): boolean {
  return rest.find(({ action }) => action !== "talk" && action !== "stream")?.action === "input";
}
