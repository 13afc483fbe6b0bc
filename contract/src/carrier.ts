import { z } from "zod";

/** One request of ours to the carrier and its answer, secrets and tokens taken out. GET /api/calls/{id}/exchanges */
export const Exchange = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  carrier: z.string(),
  method: z.string(),
  url: z.string(),
  request: z.string().nullable().describe("The body we sent, as text."),
  status: z.int().nullable().describe("Null: no answer came."),
  answer: z.string().nullable().describe("The body that came back, or what went wrong instead."),
  took_ms: z.int(),
  trace: z.string().nullable().describe("The carrier's own id of the exchange, to name in a support case."),
});
export type Exchange = z.infer<typeof Exchange>;

/** A limit of the carrier as it stands: so many requests in any window of that length, over all our processes together. */
export const CarrierLimit = z.object({
  name: z
    .string()
    .describe(
      "`vonage create`: new calls. `vonage connect`: the legs that answered calls are connected to. `vonage other`: any other request.",
    ),
  most: z.int(),
  window_ms: z.int(),
  free: z.int().describe("Permits that are free right now."),
  waiting: z.int().describe("Requests that hold a permit for later and wait for its time."),
  wait_ms: z.int().describe("How long a request that came now would wait."),
  refused: z.int().describe("How often the carrier said it was too many all the same."),
  refused_at: z.iso.datetime().nullable(),
});
export type CarrierLimit = z.infer<typeof CarrierLimit>;

/** GET /api/carrier: the line as our own database knows it; the carrier is not asked. */
export const CarrierState = z.object({
  carrier: z.string().nullable().describe("Null: none is configured, and no call can be placed."),
  number: z.string().nullable().describe("Ours, E.164 with +."),
  emulated: z.boolean(),
  calls_queued: z.int().describe("Calls placed and not yet dialled."),
  limits: z.array(CarrierLimit),
});
export type CarrierState = z.infer<typeof CarrierState>;

/** One thing the doctor looked at. */
export const DoctorCheck = z.object({
  name: z.string().describe("key, clock, public address, audio address, signatures, application or number."),
  state: z.enum(["good", "bad", "unknown"]).describe("`unknown`: it could not be looked at, which is not the same as wrong."),
  said: z.string(),
  remedy: z.string().nullable(),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

/** GET /api/doctor */
export const DoctorReport = z.object({ at: z.iso.datetime(), checks: z.array(DoctorCheck) });
export type DoctorReport = z.infer<typeof DoctorReport>;

/** POST /api/doctor/webhooks: sets the application's webhooks at the carrier to ours. */
export const SetWebhooks = z.strictObject({
  api_secret: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe("The account's API secret, used once and not kept; needed unless VONAGE_API_SECRET is configured."),
});
export type SetWebhooks = z.infer<typeof SetWebhooks>;

const Days = z.int().min(1).max(36_500).nullable().default(null);

/** How long raw requests are kept once their call has ended, in days; null: for ever. Those of no call go after 30. GET and PUT /api/carrier/keeping */
export const LineKept = z.strictObject({
  webhooks_days: Days.describe("Requests to us, the carrier's and those of engines' vendors."),
  exchanges_days: Days.describe("Our requests to the carrier."),
});
export type LineKept = z.infer<typeof LineKept>;
