import { z } from "zod";

/** Who did what. GET /api/audits */
export const Audit = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  actor: z.string().describe("user:<id>, key:<id>, link:<recording>, us, command: by `npx earshot` on the server's machine."),
  who: z.string().nullable().describe("The user's e-mail or the key's name; null for links and ourselves."),
  action: z.string().describe("Past tense, dotted: recording.played, agent.changed ..."),
  call_id: z.uuid().nullable(),
  detail: z.record(z.string(), z.unknown()).describe("Ids and facts, never words of a call."),
});
export type Audit = z.infer<typeof Audit>;

export const ListAudits = z.strictObject({
  about: z
    .string()
    .regex(/^[a-z_.]{1,60}$/, "must be an action, or its first word")
    .optional()
    .describe("An action, or the first word of several: recording"),
  by: z
    .string()
    .regex(/^(user|key|link):[0-9a-f-]{36}$|^(us|command)$/, "must be user:<id>, key:<id>, link:<recording>, us or command")
    .optional(),
  call_id: z.uuid().optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional().describe("Before."),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListAudits = z.infer<typeof ListAudits>;
