import { type Blame, Failure } from "../failure.ts";

type Fields = readonly { field: string; message: string }[];

/** What was sent does not fit the contract. The fields say where. */
export class InvalidRequest extends Failure {
  readonly code = "INVALID_REQUEST";
  readonly blame: Blame = "caller";
  readonly status = 400;
  constructor(fields: Fields) {
    const first = fields[0];
    const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : "";
    super(`The request is not valid: ${first ? `${first.field} ${first.message}` : "it does not fit the contract"}${more}.`, {
      remedy: "Correct the fields named in errors and send it again. /api/openapi.json describes each of them.",
      fields,
    });
  }
}

export class UnreadableJson extends Failure {
  readonly code = "UNREADABLE_JSON";
  readonly blame: Blame = "caller";
  readonly status = 400;
  constructor(cause?: unknown) {
    super("The body is not readable JSON.", {
      remedy: "Send one JSON object in UTF-8, with content-type application/json.",
      fields: [{ field: "body", message: "is not JSON" }],
      cause,
    });
  }
}

export class UnreadableUrl extends Failure {
  readonly code = "UNREADABLE_URL";
  readonly blame: Blame = "caller";
  readonly status = 400;
  constructor() {
    super("The address is not readable.", { remedy: "Percent-encode it as UTF-8, and keep its parts short." });
  }
}

export class CredentialMissing extends Failure {
  readonly code = "CREDENTIAL_MISSING";
  readonly blame: Blame = "caller";
  readonly status = 401;
  constructor() {
    super("This needs a credential.", { remedy: "Sign in, or send an API key: Authorization: Bearer <key>." });
  }
}

export class CredentialRefused extends Failure {
  readonly code = "CREDENTIAL_REFUSED";
  readonly blame: Blame = "caller";
  readonly status = 401;
  constructor(kind: "key" | "session") {
    super(kind === "key" ? "This API key is unknown or revoked." : "This session has ended.", {
      remedy: kind === "key" ? "Check the key, or make a new one in the dashboard under API keys." : "Sign in again.",
    });
  }
}

export class NotAllowed extends Failure {
  readonly code = "NOT_ALLOWED";
  readonly blame: Blame = "caller";
  readonly status = 403;
  constructor(role: string, permission: string) {
    super(`A ${role} may not do this (${permission}).`, { remedy: "Ask an administrator to do it, or for a credential of another role." });
  }
}

export class SessionNeeded extends Failure {
  readonly code = "SESSION_NEEDED";
  readonly blame: Blame = "caller";
  readonly status = 403;
  constructor() {
    super("This is about a signed-in person; an API key has no session.", { remedy: "Sign in with e-mail and password." });
  }
}

export class CrossSite extends Failure {
  readonly code = "CROSS_SITE";
  readonly blame: Blame = "caller";
  readonly status = 403;
  constructor(what: "token" | "origin") {
    super(what === "token" ? "The X-CSRF-Token header is missing or not this session's." : "The request comes from another site.", {
      remedy:
        "Reload the page. A program uses an API key instead of the cookie; behind a proxy, PUBLIC_URL must be the address people open.",
    });
  }
}

export class NoSuchRoute extends Failure {
  readonly code = "NO_SUCH_ROUTE";
  readonly blame: Blame = "caller";
  readonly status = 404;
  constructor() {
    super("There is nothing at this address.", { remedy: "/api/openapi.json lists every address there is." });
  }
}

/** There is nothing to play: the message and remedy are the recording's own, when it has any. */
export class NoRecording extends Failure {
  readonly code: string;
  readonly blame: Blame = "caller";
  readonly status = 404;
  constructor(status: string, because: { code: string; message: string; remedy: string } | null) {
    super(because?.message ?? `There is no recording to play; its status is "${status}".`, {
      remedy: because?.remedy ?? "GET the call: its recording says what is awaited. A stored or verified one can be played.",
    });
    this.code = because?.code ?? "RECORDING_NOT_THERE";
  }
}

export class LinkRefused extends Failure {
  readonly code = "LINK_REFUSED";
  readonly blame: Blame = "caller";
  readonly status = 403;
  constructor() {
    super("This link is not valid, has expired, or its maker may no longer share.", { remedy: "Ask for a new link." });
  }
}

export class MethodNotAllowed extends Failure {
  readonly code = "METHOD_NOT_ALLOWED";
  readonly blame: Blame = "caller";
  readonly status = 405;
  readonly allow: string;
  constructor(allow: readonly string[]) {
    super("This address does not take this method.", { remedy: `Use ${allow.join(" or ")} at this address.` });
    this.allow = allow.join(", ");
  }
}

export class BodyTooLarge extends Failure {
  readonly code = "BODY_TOO_LARGE";
  readonly blame: Blame = "caller";
  readonly status = 413;
  constructor(cause?: unknown) {
    super("The body is too large.", { remedy: "Send less than 256 kB.", fields: [{ field: "body", message: "is too large" }], cause });
  }
}

export class WrongMediaType extends Failure {
  readonly code = "WRONG_MEDIA_TYPE";
  readonly blame: Blame = "caller";
  readonly status = 415;
  constructor(cause?: unknown) {
    super("The body must be JSON.", { remedy: "Send it with the header content-type: application/json.", cause });
  }
}

/** What a library under us refused with a status of its own: the path of a file that cannot be one, a condition that does not hold. */
export class RequestRefused extends Failure {
  readonly code = "REQUEST_REFUSED";
  readonly blame: Blame = "caller";
  readonly status: number;
  constructor(status: number, cause?: unknown) {
    super("The request cannot be answered as it was asked.", { remedy: "Check its address and its headers.", cause });
    this.status = status;
  }
}

export class RangeNotThere extends Failure {
  readonly code = "RANGE_NOT_THERE";
  readonly blame: Blame = "caller";
  readonly status = 416;
  readonly sizeBytes: number;
  constructor(sizeBytes: number) {
    super(`The recording has ${sizeBytes} bytes; the asked range lies outside.`, { remedy: "Ask for a range that begins before the end." });
    this.sizeBytes = sizeBytes;
  }
}

export class TooManyRequests extends Failure {
  readonly code = "TOO_MANY_REQUESTS";
  readonly blame: Blame = "caller";
  readonly status = 429;
  readonly retryAfterS: number;
  constructor(retryAfterS: number) {
    super("Too many requests.", { remedy: `Wait ${retryAfterS} s. Lists carry up to 100 items, and /api/live tells what changed.` });
    this.retryAfterS = retryAfterS;
  }
}

export class NotReady extends Failure {
  readonly code = "NOT_READY";
  readonly blame: Blame = "us";
  readonly status = 503;
  constructor(what: string) {
    super(`Not ready: ${what}.`, { remedy: "The log has the reason. If it is the database, check DATABASE_URL and that it runs." });
  }
}

export class TookTooLong extends Failure {
  readonly code = "TOOK_TOO_LONG";
  readonly blame: Blame = "us";
  readonly status = 503;
  constructor(cause?: unknown) {
    super("The answer took too long.", { remedy: "Try again; a search by fewer words or a shorter time is quicker.", cause });
  }
}

/** The carrier shows and changes an application's settings only to who has the account's API secret. */
export class ApiSecretNeeded extends Failure {
  readonly code = "API_SECRET_NEEDED";
  readonly blame: Blame = "operator";
  readonly status = 422;
  constructor() {
    super("The application's webhooks can be set only with the account's API secret, which is not configured.", {
      remedy: "Send it as api_secret (it is used once and not kept), or set VONAGE_API_SECRET and restart.",
      fields: [{ field: "api_secret", message: "is needed" }],
    });
  }
}

export class WebhooksNotSet extends Failure {
  readonly code = "WEBHOOKS_NOT_SET";
  readonly blame: Blame = "carrier";
  readonly status = 502;
  constructor(told: string, cause?: unknown) {
    super(`The carrier did not take our webhooks: ${told}`, {
      remedy: "Check the API secret and VONAGE_API_KEY, or set the three webhooks in the Vonage dashboard by hand.",
      cause,
    });
  }
}

/** Whatever nobody foresaw. What was thrown goes to the log under the id; nothing of it leaves the house. */
export class Unforeseen extends Failure {
  readonly code = "UNFORESEEN";
  readonly blame: Blame = "us";
  readonly status = 500;
  constructor(cause: unknown) {
    super("Something failed on our side.", {
      remedy: "Try again. If it stays, look for the id of `instance` in the server's log: it has the cause.",
      cause,
    });
  }
}
