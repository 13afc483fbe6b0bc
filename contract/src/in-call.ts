import { z } from "zod";

/** POST /api/calls/{id}/transfer: the caller is handed to a person. */
export const TransferCall = z.strictObject({
  to: z.string().min(1).max(40).describe("The person's number, with country code: +12025550143. The calling limits hold for it too."),
  announcement: z
    .string()
    .trim()
    .min(1)
    .max(1500)
    .nullable()
    .default(null)
    .describe("What the person hears before they are connected; without it they are connected at once."),
});
export type TransferCall = z.infer<typeof TransferCall>;

/** POST /api/calls/{id}/dtmf: keys for the party on the phone. */
export const SendKeys = z.strictObject({
  digits: z
    .string()
    .regex(/^[0-9*#p]{1,50}$/, "must be 1 to 50 of 0-9, * and #, and p for half a second's pause")
    .describe("0-9, * and #; p is half a second's pause."),
});
export type SendKeys = z.infer<typeof SendKeys>;

/** POST /api/calls/{id}/whisper: a word to the agent that the caller does not hear, or words the agent is to say. */
export const Whisper = z.strictObject({
  text: z.string().trim().min(1).max(1000),
  how: z
    .enum(["context", "say"])
    .default("context")
    .describe(
      "context: told to the agent, which minds it when it speaks next. say: spoken to the caller, word for word where the engine can.",
    ),
});
export type Whisper = z.infer<typeof Whisper>;
