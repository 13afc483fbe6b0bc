import { performAction } from "./actions.ts";
import { Conversation } from "./conversation.ts";
import { answerBody } from "./events.ts";
import type { Leg } from "./leg.ts";
import type { Ncco } from "./ncco.ts";
import { Run, Stopped } from "./run.ts";
import type { Switchboard } from "./switchboard.ts";
import type { Instructions, Target } from "./webhooks.ts";

/** The flow of a call: what instructs a leg, from its answer URL, a request or a transfer, and the NCCO performed to its end. */

/** Performs an NCCO on a leg, in place of the one it was performing. At its end the leg is hung up. */
export async function perform(exchange: Switchboard, leg: Leg, ncco: Ncco): Promise<void> {
  leg.run?.stop();
  if (leg.over) return;
  exchange.answered(leg);
  const run = new Run(ncco);
  leg.run = run;
  leg.plan.ledger.note(leg.uuid, `NCCO: ${ncco.map((action) => action.action).join(", ") || "empty"}`);
  try {
    for (const action of ncco) {
      const instead = await run.until(performAction(exchange, leg, run, action));
      if (instead) return await perform(exchange, leg, instead);
      run.at++;
      exchange.parts.changed();
    }
    exchange.end(leg, "platform");
  } catch (problem) {
    if (problem instanceof Stopped) return;
    exchange.trouble(leg, `Internal error: ${problem instanceof Error ? problem.message : String(problem)}`);
    exchange.end(leg, "platform");
  }
}

/**
 * Asks the answer URL how a leg shall go on, and performs that. Without instructions the leg ends.
 *
 * @param endpointType as the answer webhook names it
 * @param target null when there is no answer URL
 */
export async function askHow(exchange: Switchboard, leg: Leg, endpointType: string, target: Target | null): Promise<void> {
  const body = answerBody(leg.facts, endpointType, exchange.regionUrl(leg));
  const asked: Instructions = target
    ? await exchange.ask(leg, "answer", "answer", target, body)
    : { got: "nothing", because: "there is no answer URL" };
  if (asked.got === "ncco") return perform(exchange, leg, asked.ncco);
  leg.plan.ledger.note(leg.uuid, `no instructions${asked.got === "nothing" ? `: ${asked.because}` : ""}`);
  if (leg.answeredAt) exchange.end(leg, "platform");
  else exchange.refuse(leg, "failed", { detail: "internal_error", by: "platform" });
}

/** REST transfer: the leg goes on by other instructions, in a conversation of its own. */
export async function transfer(exchange: Switchboard, leg: Leg, how: { readonly ncco: Ncco } | { readonly url: string }): Promise<void> {
  let ncco: Ncco;
  if ("ncco" in how) ncco = how.ncco;
  else {
    const body = answerBody(leg.facts, leg.plan.kind, exchange.regionUrl(leg));
    const asked = await exchange.ask(leg, "answer", "transfer", { url: how.url, method: "GET" }, body);
    if (asked.got !== "ncco") return;
    ncco = asked.ncco;
  }
  if (leg.over) return;
  leg.run?.stop();
  exchange.moveTo(leg, new Conversation());
  await perform(exchange, leg, ncco);
}
