import { Failure } from "../failure.ts";

/** What an engine's vendor can do to us when its REST interface is asked something. `engineStatus` is its HTTP answer; null when there was none. */
export abstract class EngineFailure extends Failure {
  readonly status: number = 502;
  abstract readonly engineStatus: number | null;
}

/** The vendor's own words, behind ours. */
const said = (words: string): string => (words === "" ? "" : `: ${words.replace(/\.$/, "")}`);

/** No answer, trouble on their side, or asked too often: later it may be another matter. */
export class EngineUnreachable extends EngineFailure {
  readonly code = "ENGINE_UNREACHABLE";
  readonly blame = "engine";
  readonly engineStatus: number | null;
  constructor(host: string, why: string, status: number | null = null, cause?: unknown) {
    super(`The engine at ${host} did not answer: ${why}.`, {
      remedy:
        "Check the engine's address in the configuration and the server's way out; if both are right, look at the vendor's status page.",
      cause,
    });
    this.engineStatus = status;
  }
}

export class EngineUnauthorized extends EngineFailure {
  readonly code = "ENGINE_UNAUTHORIZED";
  readonly blame = "operator";
  readonly engineStatus: number;
  constructor(host: string, status: number, words = "") {
    super(`The engine at ${host} does not accept our key (HTTP ${status})${said(words)}.`, {
      remedy: "Put a key of the engine's account that is still good into the configuration (HUME_API_KEY, OPENAI_API_KEY) and start again.",
    });
    this.engineStatus = status;
  }
}

/** It does not have what was asked for: nothing was kept, it has expired, or it belongs to another account. */
export class EngineHasNot extends EngineFailure {
  readonly code = "ENGINE_HAS_NOT";
  readonly blame = "engine";
  override readonly status = 404;
  readonly engineStatus: number;
  constructor(what: string, status: number, words = "") {
    super(`The engine does not have ${what} (HTTP ${status})${said(words)}.`, {
      remedy: "It may have expired or been deleted, belong to another account, or the account keeps no data.",
    });
    this.engineStatus = status;
  }
}

export class EngineRefused extends EngineFailure {
  readonly code = "ENGINE_REFUSED";
  readonly blame = "engine";
  readonly engineStatus: number;
  constructor(what: string, status: number, words: string) {
    super(`The engine refused ${what} (HTTP ${status}): ${words || "without a word"}.`, {
      remedy: "Mend what its words name; if they name nothing of yours, the vendor's interface has changed: report it.",
    });
    this.engineStatus = status;
  }
}

export class EngineHostForbidden extends EngineFailure {
  readonly code = "ENGINE_HOST_FORBIDDEN";
  readonly blame = "engine";
  readonly engineStatus = null;
  constructor(host: string, why: string) {
    super(`The engine named an address at ${host} that nothing is fetched from: ${why}.`, {
      remedy: "If the vendor moved its files to a new host, report it; until then its copy stays where it is.",
    });
  }
}

export class EngineWebhookRefused extends Failure {
  readonly code = "ENGINE_WEBHOOK_REFUSED";
  readonly blame = "engine";
  readonly status = 401;
  constructor(why: string) {
    super(`This request is not accepted as Hume's. ${why}`, {
      remedy: "Check that HUME_WEBHOOK_SECRET is the webhook signing key of the Hume account, and the server's clock.",
    });
  }
}

export class EngineWebhooksOff extends Failure {
  readonly code = "ENGINE_WEBHOOKS_OFF";
  readonly blame = "operator";
  readonly status = 403;
  constructor() {
    super("Webhooks of Hume are not taken: nothing says how they are signed.", {
      remedy:
        "Set HUME_WEBHOOK_SECRET to the webhook signing key of the Hume account and restart, or remove the webhooks from the EVI Config.",
    });
  }
}
