import { Failure } from "../failure.ts";

export class ListenerUrlRefused extends Failure {
  readonly code = "LISTENER_URL_REFUSED";
  readonly blame = "caller";
  readonly status = 422;
  constructor(url: string, why: string) {
    super(`${JSON.stringify(url.slice(0, 200))} cannot be told anything: ${why}`, {
      remedy: "Give an https address (http only to this machine) that the whole world may know, without a name or password in it.",
      fields: [{ field: "url", message: why }],
    });
  }
}

export class ListenerUnknown extends Failure {
  readonly code = "LISTENER_UNKNOWN";
  readonly blame = "caller";
  readonly status = 404;
  constructor(id: string) {
    super(`There is no listener ${id.slice(0, 60)}.`, { remedy: "Take the id from the list of listeners." });
  }
}

export class TellingUnknown extends Failure {
  readonly code = "TELLING_UNKNOWN";
  readonly blame = "caller";
  readonly status = 404;
  constructor(id: string) {
    super(`There is no telling ${id.slice(0, 60)}.`, { remedy: "Take the id from the listener's tellings." });
  }
}
