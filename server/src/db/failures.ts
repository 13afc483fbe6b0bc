import { Failure } from "../failure.ts";

/** What can go wrong between us and our Postgres. All of these stop the start: without a database there is no Earshot. */
abstract class DatabaseFailure extends Failure {
  readonly blame = "operator";
  readonly status = 503;
}

export class DatabaseUnreachable extends DatabaseFailure {
  readonly code = "DATABASE_UNREACHABLE";
  constructor(where: string, cause: unknown) {
    super(`The database at ${where} does not answer: ${said(cause)}.`, {
      remedy: "Check DATABASE_URL and that Postgres runs there and lets us in; leave DATABASE_URL empty to use the embedded one.",
      cause,
    });
  }
}

export class DatabaseForbids extends DatabaseFailure {
  readonly code = "DATABASE_FORBIDS";
  constructor(where: string, cause: unknown) {
    super(`The database at ${where} does not let its user make our tables: ${said(cause)}.`, {
      remedy:
        "Give the user of DATABASE_URL a database of its own, as a superuser in psql: `alter database NAME owner to USER`; its tables too, if others made them.",
      cause,
    });
  }
}

export class DatabaseTooOld extends DatabaseFailure {
  readonly code = "DATABASE_TOO_OLD";
  constructor(version: string) {
    super(`Earshot needs Postgres 15 or newer; this one is ${version}.`, {
      remedy: "Upgrade the server behind DATABASE_URL, or leave DATABASE_URL empty to use the embedded one.",
    });
  }
}

export class MigrationEdited extends DatabaseFailure {
  readonly code = "MIGRATION_EDITED";
  constructor(file: string) {
    super(`The migration ${file} was changed after this database ran it.`, {
      remedy: `Put server/migrations/${file} back as it was released and write the change as a new migration.`,
    });
  }
}

export class MigrationUnknown extends DatabaseFailure {
  readonly code = "MIGRATION_UNKNOWN";
  constructor(file: string) {
    super(`This database has run the migration ${file}, which this Earshot does not have: a newer version has used it.`, {
      remedy: "Start the newer Earshot again, or restore the backup taken before it.",
    });
  }
}

export class MigrationNamesWrong extends DatabaseFailure {
  readonly code = "MIGRATION_NAMES_WRONG";
  constructor(file: string) {
    super(`The migration ${file} does not continue the numbering.`, {
      remedy: "Name migrations 0001_what.sql, 0002_what.sql and so on, without gaps or doubles.",
    });
  }
}

export class MigrationFailed extends DatabaseFailure {
  readonly code = "MIGRATION_FAILED";
  constructor(file: string, cause: unknown) {
    super(`The migration ${file} failed and left nothing behind: ${said(cause)}.`, {
      remedy: "The database is as it was before. Mend what the message names, or start the version used before.",
      cause,
    });
  }
}

export class EmbeddedMissing extends DatabaseFailure {
  readonly code = "EMBEDDED_DATABASE_MISSING";
  constructor(platform: string, cause?: unknown) {
    super(`There is no embedded Postgres for this machine (${platform}).`, {
      remedy: "Run `npm ci` again with optional dependencies, or set DATABASE_URL to any Postgres 15 or newer.",
      cause,
    });
  }
}

export class EmbeddedUnusable extends DatabaseFailure {
  readonly code = "EMBEDDED_DATABASE_UNUSABLE";
  constructor(because: string, cause?: unknown) {
    super(`The embedded Postgres cannot be used: ${because}.`, {
      remedy: "Mend what the message names, or set DATABASE_URL to any Postgres 15 or newer.",
      cause,
    });
  }
}

export class EmbeddedWrongMajor extends DatabaseFailure {
  readonly code = "EMBEDDED_DATABASE_WRONG_MAJOR";
  constructor(folder: string, has: string, need: string) {
    super(`The data in ${folder} was written by Postgres ${has}; this Earshot brings Postgres ${need}.`, {
      remedy: `Start the Earshot that brings Postgres ${has}, dump the database with pg_dump, move the folder away, start this one and load the dump.`,
    });
  }
}

export class EmbeddedNotOurs extends DatabaseFailure {
  readonly code = "EMBEDDED_DATABASE_NOT_OURS";
  constructor(folder: string, because: string) {
    super(`The embedded database in ${folder} ${because}.`, {
      remedy: "Start Earshot as the user it was first started as, or give that user the whole DATA_DIR with chown -R.",
    });
  }
}

export class EmbeddedTaken extends DatabaseFailure {
  readonly code = "EMBEDDED_DATABASE_TAKEN";
  constructor(folder: string, pid: number | null) {
    super(`Another Earshot${pid === null ? "" : ` (process ${pid})`} is running on the database in ${folder}.`, {
      remedy: "Stop the other one first, or give this one its own DATA_DIR and PORT.",
    });
  }
}

/** The text of whatever was thrown, without a full stop. */
function said(cause: unknown): string {
  const text =
    cause instanceof AggregateError && cause.errors[0] instanceof Error
      ? cause.errors[0].message
      : String((cause as Error).message ?? cause);
  return text.replace(/\.$/, "");
}
