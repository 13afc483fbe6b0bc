import { basename } from "node:path";
import { Failure } from "../failure.ts";
import { VERSION } from "./record.ts";

export class JournalTooNew extends Failure {
  readonly code = "JOURNAL_TOO_NEW";
  readonly blame = "operator";
  readonly status = 500;
  constructor(path: string, version: number) {
    super(`The journal ${basename(path)} has format ${version}; this Earshot reads up to ${VERSION}.`, {
      remedy: "A newer Earshot has written it. Start that version again, or read the journal with its `npx earshot`.",
    });
  }
}
