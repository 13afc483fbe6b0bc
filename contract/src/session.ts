import { z } from "zod";

export const Role = z.enum(["admin", "member", "viewer"]);
export type Role = z.infer<typeof Role>;

/** POST /api/session */
export const SignIn = z.strictObject({
  email: z.email().max(254),
  password: z.string().min(1).max(1024),
});
export type SignIn = z.infer<typeof SignIn>;

/** POST /api/session/link: trade a one-time link (printed in the terminal) for a session. */
export const SignInByLink = z.strictObject({ token: z.string().min(20).max(200) });

/** DELETE /api/session?everywhere=1 ends every session of the user. */
export const SignOut = z.strictObject({ everywhere: z.enum(["0", "1"]).optional() });
export type SignOut = z.infer<typeof SignOut>;

/** GET /api/session */
export const Session = z.object({
  user: z.object({ id: z.uuid(), email: z.string(), role: Role }),
  csrf: z.string().describe("Send it back as X-CSRF-Token with every change made by cookie."),
  emulated: z.boolean().describe("Is the phone network the emulated one? Then the dashboard offers its numbers."),
});
export type Session = z.infer<typeof Session>;

/** A number that can be dialled on the emulated network and what the person behind it does. GET /api/emulated-numbers */
export const EmulatedNumber = z.object({ number: z.string(), name: z.string(), habit: z.string() });
export type EmulatedNumber = z.infer<typeof EmulatedNumber>;
