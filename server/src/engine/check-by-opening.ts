import { newId } from "../ids.ts";
import type { Engine, EngineAgent, EngineProblem } from "./port.ts";

/** Codes of refusals, and the field of the agent's settings each is about. Others are looked for in the engine's words. */
const fields: Readonly<Record<string, string>> = {
  invalid_api_key: "engine",
  http_401: "engine",
  http_403: "engine",
  insufficient_quota: "engine",
  account_deactivated: "engine",
  billing_hard_limit_reached: "engine",
  http_404: "options.model",
  model_not_found: "options.model",
  model_load_error: "options.model",
  missing_model: "options.model",
};
const named: readonly (readonly [RegExp, string])[] = [
  [/tool|function/i, "tools"],
  [/voice/i, "voice"],
  [/instructions/i, "prompt"],
];

/**
 * Opens a session with the agent's settings, in which nothing is said, and closes it when the engine has taken them: for engines whose sessions cost
 * nothing until somebody speaks. Rejects when the engine cannot be reached, or cannot take a session just now.
 */
export function checkByOpening(
  engine: Pick<Engine, "abilities" | "open">,
  agent: EngineAgent,
  signal: AbortSignal,
): Promise<readonly EngineProblem[]> {
  return new Promise((resolve, reject) => {
    const [inRate = 16_000] = engine.abilities.inRates;
    const connection = engine.open(
      {
        ...agent,
        callId: `check-${newId()}`,
        agent: null,
        variables: {},
        greeting: null,
        inRate,
        outRate: engine.abilities.outRates[0] ?? inRate,
        resume: null,
        history: [],
      },
      (event) => {
        if (event.what === "ready") {
          resolve([]);
          connection.close();
        }
        if (event.what !== "ended") return;
        signal.removeEventListener("abort", giveUp);
        if (event.why === "refused" && !event.retry) {
          const field = fields[event.code ?? ""] ?? named.find(([word]) => word.test(event.text))?.[1] ?? "options";
          resolve([{ field, message: `was refused by the engine: ${event.text}` }]);
        } else reject(new Error(event.text));
      },
    );
    const giveUp = (): void => {
      connection.close();
      reject(new Error("it did not answer in time"));
    };
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
