import { Failure } from "../failure.ts";

/** What a command can meet before it begins. */

export class DatabaseAbsent extends Failure {
  readonly code = "DATABASE_ABSENT";
  readonly blame = "operator";
  readonly status = 503;
  constructor(dataDir: string) {
    super(`There is no database in ${dataDir} yet.`, {
      remedy: "Start Earshot once with `npm start`, or set DATABASE_URL or DATA_DIR to where it is.",
    });
  }
}

export class DatabaseOtherVersion extends Failure {
  readonly code = "DATABASE_OTHER_VERSION";
  readonly blame = "operator";
  readonly status = 503;
  constructor(done: number, wanted: number) {
    super(`The database has ${done} of the ${wanted} migrations this version knows.`, {
      remedy: "Start the server of this version once: it brings the database up to date. Commands change no schema.",
    });
  }
}
