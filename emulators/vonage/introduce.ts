import { performAction } from "./actions.ts";
import { answerBody } from "./events.ts";
import type { Leg } from "./leg.ts";
import { Run, Stopped } from "./run.ts";
import type { Switchboard } from "./switchboard.ts";

/** What can be done with somebody who is not joined to anybody yet. */
const alone = ["talk", "stream", "wait"];

/**
 * The `onAnswer` of a connect's phone endpoint: its NCCO is performed in the phone that answered, before that is joined to the one it was rung for
 * (the leg stands aside until then). Without an NCCO to be had they are joined at once, and an error event says why. The fallback URL is not asked:
 * it is documented for the answer URL and for events. See https://developer.vonage.com/en/voice/voice-api/ncco-reference#connect.
 */
export async function introduce(exchange: Switchboard, leg: Leg, url: string): Promise<void> {
  const { webhooks } = exchange.parts;
  const body = answerBody(leg.facts, leg.plan.kind, exchange.regionUrl(leg));
  const asked = await webhooks.askWithoutFallback(leg.plan.ledger, "answer", "onAnswer", { url, method: "GET" }, body);
  // Over, or moved elsewhere meanwhile.
  if (!leg.aside || leg.over) return;
  if (asked.got === "ncco") {
    const run = new Run(asked.ncco);
    leg.run = run;
    leg.plan.ledger.note(leg.uuid, `onAnswer: ${asked.ncco.map(({ action }) => action).join(", ") || "empty"}`);
    try {
      for (const action of asked.ncco) {
        if (alone.includes(action.action)) await run.until(performAction(exchange, leg, run, action));
        else exchange.trouble(leg, `The NCCO of onAnswer has the action ${action.action}, which this network does not perform there.`);
        run.at++;
      }
    } catch (problem) {
      if (problem instanceof Stopped) return;
      exchange.trouble(leg, `Internal error: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
    leg.run = null;
  } else exchange.trouble(leg, `The onAnswer URL gave no NCCO: ${asked.got === "nothing" ? asked.because : "it was empty"}`);
  leg.aside = false;
  exchange.parts.changed();
}
