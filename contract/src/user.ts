import { z } from "zod";
import { Role } from "./session.ts";

/** Twelve characters, however made: length is what counts (NIST SP 800-63B §3.1.1.2), and a passphrase may be long. */
export const Password = z.string().min(12).max(1024);

/** A person with an account. GET /api/users */
export const User = z.object({
  id: z.uuid(),
  email: z.string(),
  role: Role,
  state: z.enum(["invited", "active", "disabled"]).describe("invited: has not chosen a password yet."),
  from_environment: z.boolean().describe("E-mail, password and role follow ADMIN_EMAIL and ADMIN_PASSWORD."),
  created_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime().nullable().describe("Of the sessions that are still open, to some minutes."),
  sessions: z.int().describe("Open ones."),
  link_expires_at: z.iso.datetime().nullable().describe("Of a link to choose a password that is not used yet; null: there is none."),
});
export type User = z.infer<typeof User>;

/** A one-time link to choose a password with. */
export const PasswordLink = z.object({
  url: z.string().describe("Ours; whoever opens it chooses the password of that account."),
  expires_at: z.iso.datetime(),
});
export type PasswordLink = z.infer<typeof PasswordLink>;

/** POST /api/users */
export const InviteUser = z.strictObject({ email: z.email().max(254), role: Role.default("member") });

/** The answer: the only time the link is shown. */
export const InvitedUser = User.extend({ link: PasswordLink });
export type InvitedUser = z.infer<typeof InvitedUser>;

/** PATCH /api/users/{id} */
export const ChangeUser = z
  .strictObject({
    role: Role.optional(),
    disabled: z.boolean().optional().describe("true: their sessions, sign-in links and shared links end at once."),
  })
  .refine((change) => Object.keys(change).length > 0, "must change something");

/** POST /api/session/password: choose a password by link, and be signed in. */
export const ChoosePassword = z.strictObject({ token: z.string().min(20).max(200), password: Password });

/** PUT /api/session/password: one's own, with the one before. */
export const ChangePassword = z.strictObject({ current: z.string().min(1).max(1024), password: Password });

/** A place somebody is signed in at. GET /api/sessions */
export const OpenSession = z.object({
  id: z.string(),
  here: z.boolean().describe("Is it the one that asks?"),
  created_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime().describe("To some minutes."),
  expires_at: z.iso.datetime(),
  address: z.string().nullable().describe("Where it was opened from."),
  program: z.string().nullable().describe("The browser's own words for itself."),
});
export type OpenSession = z.infer<typeof OpenSession>;
