import { z } from "zod";
import type { CallId } from "../ids.ts";

/** `/:id` of a call. */
export const OfCall = z.object({ id: z.uuid().transform((id) => id.toLowerCase() as CallId) });

/** `/:id` of anything else. */
export const ById = z.object({ id: z.uuid().transform((id) => id.toLowerCase()) });
