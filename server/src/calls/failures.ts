import { Failure } from "../failure.ts";

/** What can go wrong when a call is asked for, or something is asked of a call. docs/failures.md lists the codes. */

const field = (name: string, message: string) => [{ field: name, message }];

export class NumberInvalid extends Failure {
  readonly code = "NUMBER_INVALID";
  readonly blame = "caller";
  readonly status = 422;
  constructor(number: string, why: string) {
    super(`${JSON.stringify(number.slice(0, 40))} is not a number we can call: ${why}`, {
      remedy: "Write it with + and its country code, digits only: +12025550143.",
      fields: field("to", why),
    });
  }
}

export class NumberNotAllowed extends Failure {
  readonly code = "NUMBER_NOT_ALLOWED";
  readonly blame = "operator";
  readonly status = 422;
  constructor(number: string, why: string) {
    super(`Calls to ${number} are not allowed: ${why}`, {
      remedy:
        "Allow its country or its prefix in the calling limits (an administrator: PUT /api/settings/calling-limits, allowed) if you mean to call there.",
      fields: field("to", why),
    });
  }
}

export class NumberOurOwn extends Failure {
  readonly code = "NUMBER_OUR_OWN";
  readonly blame = "caller";
  readonly status = 422;
  constructor(number: string) {
    super(`${number} is the number we call from; our agents would talk with each other.`, {
      remedy: "Give the number of the person who is to be called.",
      fields: field("to", "is our own number"),
    });
  }
}

export class TooManyCalls extends Failure {
  readonly code = "TOO_MANY_CALLS";
  readonly blame = "operator";
  readonly status = 429;
  constructor(running: number) {
    super(`${running} calls are running, which is the limit.`, {
      remedy:
        "Wait until one has ended, or raise max_concurrent in the calling limits (an administrator: PUT /api/settings/calling-limits).",
    });
  }
}

export class DayLimitReached extends Failure {
  readonly code = "DAY_LIMIT_REACHED";
  readonly blame = "operator";
  readonly status = 429;
  constructor(placed: number) {
    super(`${placed} calls were placed in the last 24 hours, which is the limit.`, {
      remedy: "Wait, or raise max_per_day in the calling limits (an administrator: PUT /api/settings/calling-limits).",
    });
  }
}

export class IdempotencyKeyReused extends Failure {
  readonly code = "IDEMPOTENCY_KEY_REUSED";
  readonly blame = "caller";
  readonly status = 422;
  constructor(key: string) {
    super(`The Idempotency-Key ${JSON.stringify(key.slice(0, 80))} came before with another request; no call was placed.`, {
      remedy: "Use a new key for a new request, and the same key only to repeat the very same one.",
    });
  }
}

export class IdempotencyKeyUnusable extends Failure {
  readonly code = "IDEMPOTENCY_KEY_UNUSABLE";
  readonly blame = "caller";
  readonly status = 400;
  constructor() {
    super("The Idempotency-Key is not 1 to 200 printable characters.", { remedy: "Send a fresh UUID with each new request." });
  }
}

export class NoCarrier extends Failure {
  readonly code = "NO_CARRIER";
  readonly blame = "operator";
  readonly status = 503;
  constructor() {
    super("No carrier is configured, so no call can be placed.", {
      remedy: "Set the VONAGE_ variables, or start with `npm start`, which brings an emulated phone network.",
    });
  }
}

export class Draining extends Failure {
  readonly code = "DRAINING";
  readonly blame = "operator";
  readonly status = 503;
  /** A restart takes a few seconds once the last call has ended; another process behind the same address takes the next try at once. */
  readonly retryAfterS = 5;
  constructor() {
    super("This server is about to stop and takes no new calls; no call was placed.", {
      remedy: "Ask again in a few seconds, with the same Idempotency-Key: another process, or this one after its restart, takes it.",
    });
  }
}

export class CallUnknown extends Failure {
  readonly code = "CALL_UNKNOWN";
  readonly blame = "caller";
  readonly status = 404;
  constructor(call: string) {
    super(`There is no call ${call.slice(0, 60)}.`, { remedy: "Take the id from GET /api/calls or from the answer to POST /api/calls." });
  }
}

export class CallOver extends Failure {
  readonly code = "CALL_OVER";
  readonly blame = "caller";
  readonly status = 409;
  constructor(call: string) {
    super(`Call ${call} has ended already.`, { remedy: "Nothing to do." });
  }
}

export class NotInProgress extends Failure {
  readonly code = "NOT_IN_PROGRESS";
  readonly blame = "caller";
  readonly status = 409;
  constructor(call: string, status: string) {
    super(`Call ${call} is ${status}; this needs a call that is in progress.`, {
      remedy: "Wait for the answer; after the end nothing can be done any more.",
    });
  }
}

export class KeysInvalid extends Failure {
  readonly code = "KEYS_INVALID";
  readonly blame = "caller";
  readonly status = 422;
  constructor() {
    super("These are no keys that can be sent.", {
      remedy: "Send 1 to 50 of 0-9, * and #, and p for half a second's pause.",
      fields: field("digits", "must be 1 to 50 of 0-9, * and #, and p for half a second's pause"),
    });
  }
}

export class TransferUnderWay extends Failure {
  readonly code = "TRANSFER_UNDER_WAY";
  readonly blame = "caller";
  readonly status = 409;
  constructor(call: string) {
    super(`Call ${call} is being handed to somebody already.`, { remedy: "Wait for the result; it is on the call's page." });
  }
}

export class CarrierCannot extends Failure {
  readonly code = "CARRIER_CANNOT";
  readonly blame = "operator";
  readonly status = 501;
  constructor(what: string) {
    super(`The configured carrier cannot ${what}.`, { remedy: "Use a carrier that can." });
  }
}

export class TooManyWhispers extends Failure {
  readonly code = "TOO_MANY_WHISPERS";
  readonly blame = "caller";
  readonly status = 429;
  constructor(most: number) {
    super(`The agent of this call was whispered to ${most} times in the last minute, which is the limit.`, {
      remedy: "Wait a moment, and say more at once.",
    });
  }
}
