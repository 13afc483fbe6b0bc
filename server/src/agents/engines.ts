import { EngineNotConfigured } from "./failures.ts";

/** Throws EngineNotConfigured, naming `field`, unless `engine` is among those this server has credentials for. */
export function requireEngine(engine: string, configured: readonly string[], field: "engine" | "agent_id"): void {
  if (!configured.includes(engine)) throw new EngineNotConfigured(engine, configured, field);
}

/** One sentence for the caller's row; the remedy is the failure's. */
export const engineMissing = (engine: string): string => `The engine ${engine} is not configured.`;
