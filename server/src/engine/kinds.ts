import { evi } from "./evi/kind.ts";
import type { EngineKind } from "./kind.ts";
import { openai } from "./openai/kind.ts";

/** Every engine there can be, the one a fresh house prefers first. The only file that names them all. */
export const engineKinds: readonly EngineKind[] = [evi, openai];
