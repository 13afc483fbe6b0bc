import { z } from "zod";

/** What an agent can do in a call beside talking. Names are what the engine calls them by. */
const Header = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, "is not the name of an HTTP header")
  .refine((name) => !["host", "content-length", "transfer-encoding", "connection"].includes(name.toLowerCase()), "is not ours to set");
const Value = z
  .string()
  .min(1)
  .max(4000)
  .regex(/^[\t\x20-\x7e]+$/, "must be plain ASCII on one line");

/** A header nobody may read: written once with its value, from then on it is read, and sent back, with the id in its place. */
export const SecretHeader = z.union([
  z.strictObject({ name: Header, value: Value.describe("A new secret. It never comes back out of the API, the journal or a log.") }),
  z.strictObject({ name: Header, secret: z.uuid().describe("One that is kept already; for the same host and header only.") }),
]);
export type SecretHeader = z.infer<typeof SecretHeader>;

export const httpMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export const HttpTool = z.strictObject({
  kind: z.literal("http"),
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "must begin with a letter and hold letters, digits and _ only")
    .refine((name) => !builtinTools.includes(name), "is the name of a tool of ours"),
  description: z.string().trim().min(1).max(1000).describe("What it does and when to use it: the engine decides by this."),
  parameters: z
    .record(z.string(), z.unknown())
    .default({ type: "object", properties: {} })
    .describe("JSON Schema of the arguments, an object; at most 8 kB. `pattern`, `format` and `$ref` are refused."),
  url: z.string().max(2000).describe("https, and an address of the public internet. Redirects are not followed."),
  method: z.enum(httpMethods).default("POST").describe("GET and DELETE have the arguments in the query, the others as a JSON body."),
  headers: z
    .array(z.strictObject({ name: Header, value: Value }))
    .max(20)
    .default([]),
  secret_headers: z.array(SecretHeader).max(10).default([]),
  timeout_ms: z.int().min(500).max(30_000).default(8000).describe("The answer must be complete by then."),
});
export type HttpTool = z.infer<typeof HttpTool>;

/** Names of the tools that are ours. */
export const builtinTools: readonly string[] = ["hang_up", "transfer", "send_dtmf"];

export const AgentTool = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("hang_up") }).describe("Ends the phone call, after the goodbye has been heard."),
  z
    .strictObject({
      kind: z.literal("transfer"),
      announcement: z
        .string()
        .trim()
        .min(1)
        .max(1500)
        .nullable()
        .default(null)
        .describe("What the person hears first; {{reason}} is what the agent gives as the reason. null: connected at once."),
    })
    .describe("Hands the caller to transfer_number, once the agent has finished its sentence."),
  z.strictObject({ kind: z.literal("send_dtmf") }).describe("Presses keys for the party on the phone."),
  HttpTool,
]);
export type AgentTool = z.infer<typeof AgentTool>;
