import { Failure } from "../failure.ts";

/** What a carrier can do to us when it is asked something. `carrierStatus` is its HTTP answer; null when there was none. */
export abstract class CarrierFailure extends Failure {
  readonly status: number = 502;
  abstract readonly carrierStatus: number | null;
  /** May what was asked have been done all the same? Then nobody may say that it was not. */
  get mayBeDone(): boolean {
    return false;
  }
}

/** May what was asked of a carrier have been done, although this came instead of an answer? A failure nobody foresaw says nothing. */
export function mayBeDone(error: unknown): boolean {
  return error instanceof CarrierFailure && error.mayBeDone;
}

export class CarrierUnreachable extends CarrierFailure {
  readonly code = "CARRIER_UNREACHABLE";
  readonly blame = "carrier";
  readonly carrierStatus = null;
  readonly #arrived: boolean;
  /** `arrived`: may our request have reached it? */
  constructor(host: string, why: string, cause?: unknown, arrived = true) {
    super(`The carrier at ${host} did not answer: ${why}.`, {
      remedy: "Check VONAGE_API_URL and the server's way out; if both are right, look at the carrier's status page.",
      cause,
    });
    this.#arrived = arrived;
  }
  override get mayBeDone(): boolean {
    return this.#arrived;
  }
}

export class CarrierUnauthorized extends CarrierFailure {
  readonly code = "CARRIER_UNAUTHORIZED";
  readonly blame = "operator";
  readonly carrierStatus: number;
  constructor(host: string, status: number) {
    super(`The carrier at ${host} does not accept our credentials (HTTP ${status}).`, {
      remedy: "Check that VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY belong together, and that the server's clock is right.",
    });
    this.carrierStatus = status;
  }
}

export class CarrierLimited extends CarrierFailure {
  readonly code = "CARRIER_LIMITED";
  readonly blame = "operator";
  override readonly status = 503;
  readonly carrierStatus = 429;
  constructor(host: string) {
    super(`The carrier at ${host} says we ask too often (HTTP 429).`, {
      remedy: "Ask fewer things at once, or have the carrier raise the account's limits.",
    });
  }
}

/** Our own queue for the carrier's limit is so long that this one was not even sent. */
export class CarrierQueueFull extends CarrierFailure {
  readonly code = "CARRIER_QUEUE_FULL";
  readonly blame = "operator";
  override readonly status = 503;
  readonly carrierStatus = null;
  constructor() {
    super("The carrier was not asked: too many requests wait already for its limit.", {
      remedy: "Try again in a minute; Settings, Phone line, and GET /api/carrier show what waits. Ask fewer things at once.",
    });
  }
}

/** It does not have what was asked for: a leg long over, an expired recording, or another region's. */
export class CarrierHasNot extends CarrierFailure {
  readonly code = "CARRIER_HAS_NOT";
  readonly blame = "carrier";
  override readonly status = 404;
  readonly carrierStatus: number;
  constructor(what: string, status: number) {
    super(`The carrier does not have ${what} (HTTP ${status}).`, {
      remedy: "It may have expired, or belong to another region or application of the carrier.",
    });
    this.carrierStatus = status;
  }
}

/** Where it was asked, the carrier does not have the call; it may run in a region that is told only with its answer. So this proves nothing. */
export class CarrierRegionUnknown extends CarrierFailure {
  readonly code = "CARRIER_REGION_UNKNOWN";
  readonly blame = "carrier";
  readonly carrierStatus = 404;
  constructor(host: string) {
    super(`The carrier at ${host} does not have this call (HTTP 404), and which region has it is told only when it is answered.`, {
      remedy:
        "Nobody talks with who picks up after a hang-up; unanswered it stops ringing by itself. With VONAGE_API_URL at the host of the application's region a ringing call can be reached.",
    });
  }
}

export class CarrierRefused extends CarrierFailure {
  readonly code = "CARRIER_REFUSED";
  readonly blame = "carrier";
  readonly carrierStatus: number;
  constructor(what: string, status: number, text: string) {
    super(`The carrier refused ${what} (HTTP ${status}): ${text || "without a reason"}`, {
      remedy: "The carrier's own words are in the message; the call's events hold the whole exchange.",
    });
    this.carrierStatus = status;
  }
  /** Trouble on its side may have come after it was done. */
  override get mayBeDone(): boolean {
    return this.carrierStatus >= 500 || this.carrierStatus === 408;
  }
}

/** An address the carrier (or somebody in its name) gave us, where our credentials must not go. */
export class CarrierHostForbidden extends CarrierFailure {
  readonly code = "CARRIER_HOST_FORBIDDEN";
  readonly blame = "carrier";
  readonly carrierStatus = null;
  constructor(url: string, why: string) {
    super(`${shown(url)} is not an address of the carrier: ${why}.`, {
      remedy:
        "Only *.vonage.com, *.nexmo.com and the host of VONAGE_API_URL are asked. Look at the stored webhook that named this address.",
    });
  }
}

/** A request to the carrier's door that does not prove to be the carrier's. */
export class WebhookRefused extends Failure {
  readonly code = "WEBHOOK_REFUSED";
  readonly blame = "carrier";
  readonly status = 401;
  constructor(why: string) {
    super(`This request is not accepted as the carrier's. ${why}`, {
      remedy:
        "Check VONAGE_SIGNATURE_SECRET, VONAGE_API_KEY and VONAGE_APPLICATION_ID, that the application signs its webhooks, and the server's clock.",
    });
  }
}

/** Somebody asked for the proof that this is the server of PUBLIC_URL, and not as the doctor does. */
export class ProofUnreadable extends Failure {
  readonly code = "PROOF_UNREADABLE";
  readonly blame = "caller";
  /** To whoever brings no nonce this door is closed. */
  readonly status = 401;
  constructor() {
    super("The nonce is not 32 hex digits.", {
      remedy: "This address is for `npx earshot doctor`, which asks it with ?nonce= and 32 hex digits; run that.",
      fields: [{ field: "nonce", message: "must be 32 hex digits" }],
    });
  }
}

/** What the carrier asked could not be answered now; it asks again, then at the fallback URL. */
export class WebhookUnanswered extends Failure {
  readonly code = "WEBHOOK_UNANSWERED";
  readonly blame = "us";
  readonly status = 503;
  constructor(cause: unknown) {
    super("The carrier's request could not be answered now.", {
      remedy: "The server's log has the reason; most often the database does not answer.",
      cause,
    });
  }
}

function shown(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? JSON.stringify(url.slice(0, 80)) : `${parsed.protocol}//${parsed.host}${parsed.pathname}`.slice(0, 200);
}
