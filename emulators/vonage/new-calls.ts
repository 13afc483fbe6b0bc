import type { Person } from "../people/person.ts";
import { dial, personMedia, RINGS_AFTER_MS } from "./dialling.ts";
import { endsOf } from "./endpoints.ts";
import { progressEvent } from "./events.ts";
import { askHow, perform } from "./flow.ts";
import { Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { detectionOf } from "./machine-detection.ts";
import type { Media } from "./media.ts";
import type { Ncco } from "./ncco.ts";
import type { Switchboard } from "./switchboard.ts";
import type { Target } from "./webhooks.ts";
import type { CreateCall } from "./wire.ts";

/** How calls begin: by the application's request, or by somebody who calls its number. */

/**
 * `POST /v1/calls`, already validated. The leg begins at the next tick, so that its 201 normally comes before its events.
 *
 * @param ncco the inline one, read; null when the answer URL is to be asked
 * @param elsewhere whether the other region's host was asked: the call lives there
 */
export function create(exchange: Switchboard, call: CreateCall, ncco: Ncco | null, elsewhere = false): Leg {
  const { settings, directory, application } = exchange.parts;
  const [to] = call.to;
  const from = call.from ? ("number" in call.from ? call.from.number : call.from.uri) : settings.number.slice(1);
  const person = to.type === "phone" ? directory.find(to.number) : null;
  const leg = exchange.open({
    ...endsOf(to, from),
    direction: "outbound",
    events: call.event_url ? { url: call.event_url[0], method: call.event_method } : application.event,
    parent: null,
    synchronous: false,
    ledger: newLedger(exchange, person, elsewhere),
  });
  if (to.type === "phone" && call.from && from !== settings.number.slice(1))
    leg.plan.ledger.note(
      leg.uuid,
      `${from} is no number of this application: at Vonage the caller would be unknown, or the call not connect`,
    );
  const answer: Target | null = call.answer_url ? { url: call.answer_url[0], method: call.answer_method } : null;
  const begin = (): void =>
    dial(exchange, leg, to, {
      ringS: call.ringing_timer,
      limitS: call.length_timer,
      detection: detectionOf(call.advanced_machine_detection, call.machine_detection),
      proceed: () => void (ncco ? perform(exchange, leg, ncco) : askHow(exchange, leg, to.type, answer)),
    });
  if (leg.plan.ledger.faults.eventsFirst) begin();
  else leg.after(0, begin);
  return leg;
}

/** Somebody calls the application's number. */
export function callIn(exchange: Switchboard, from: string, media: (leg: Leg) => Media): Leg {
  const { settings, directory, application, ticker } = exchange.parts;
  const leg = exchange.open({
    ...endsOf({ type: "phone", number: settings.number.slice(1) }, from.replace(/^\+/, "")),
    direction: "inbound",
    events: application.event,
    parent: null,
    synchronous: false,
    ledger: newLedger(exchange, directory.find(from)),
  });
  leg.media = exchange.overheard(leg, media(leg));
  leg.after(0, () => exchange.tell(leg, "started", progressEvent(leg.facts, "started", ticker.now())));
  leg.after(RINGS_AFTER_MS, () => {
    exchange.ringing(leg);
    void askHow(exchange, leg, "phone", application.answer);
  });
  return leg;
}

/** An emulated person calls the application's number, and talks by its script once answered. */
export async function personCallsIn(exchange: Switchboard, person: Person): Promise<Leg> {
  const sounds = await exchange.parts.directory.soundsOf(person);
  return callIn(exchange, person.number, (leg) => personMedia(exchange, leg, person, sounds));
}

function newLedger(exchange: Switchboard, person: Person | null, elsewhere = false): Ledger {
  return new Ledger(person?.faults ?? {}, exchange.parts.changed, elsewhere);
}
