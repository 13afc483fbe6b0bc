import { z } from "zod";
import { Role } from "./session.ts";

/** A key for programs, as GET /api/keys shows it. The key itself is shown once, when it is made. */
export const ApiKey = z.object({
  id: z.uuid(),
  name: z.string(),
  prefix: z.string().describe("The first characters, to recognise it by."),
  role: Role,
  from_environment: z.boolean().describe("Is it the API_KEY of the configuration?"),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable().describe("To the minute."),
  revoked_at: z.iso.datetime().nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** POST /api/keys */
export const MakeApiKey = z.strictObject({
  name: z.string().trim().min(1).max(100).describe("What it is for."),
  role: Role.default("member"),
});
export type MakeApiKey = z.infer<typeof MakeApiKey>;

/** The answer to POST /api/keys: the only time the key is seen. */
export const MadeApiKey = ApiKey.extend({ key: z.string().describe("Keep it now: it is not stored and cannot be shown again.") });
export type MadeApiKey = z.infer<typeof MadeApiKey>;
