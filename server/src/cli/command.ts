import type { Config } from "../config.ts";
import type { Storage } from "../recordings/storage.ts";
import type { OpenDatabase } from "./database.ts";

/** How a command ended, for scripts. `78` is what the server itself uses for a wrong configuration (sysexits.h EX_CONFIG). */
export const exits = {
  good: 0,
  /** It was done, and something is wrong: a file does not verify, a call is not accounted for, a check is bad. */
  wrong: 1,
  /** It was asked in a way we do not understand. */
  usage: 2,
  /** It could not be done: the database or a storage is not there. */
  unavailable: 69,
  configuration: 78,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** Where a command writes: results to `say`, everything else beside them. */
export interface Terminal {
  /** A line of the result, to stdout. */
  say(line?: string): void;
  /** A line for the person who watches, to stderr. */
  tell(line: string): void;
  /** How far it is; on a terminal it replaces what it said before, elsewhere it is said now and then. */
  progress(text: string): void;
}

/** What commands are given. The configuration is read only by who needs it, and throws ConfigFailure. */
export interface Given {
  readonly terminal: Terminal;
  config(): Config;
  /** The same with what is not set taken from `instead`: the settings of a running server that come from nowhere else. */
  configWith(instead: Readonly<Record<string, string>>): Config;
  /** A storage, encrypted with the configured key; the server's own when no address is given. */
  storage(url?: string): Storage;
  /** The server's database; closed by who asked for it, and when the command is broken off. */
  database(): Promise<OpenDatabase>;
  /** Where the person stands: paths they type count from here. */
  readonly cwd: string;
}

export interface Command {
  /** Words after `earshot`: `recordings audit`. */
  readonly name: string;
  /** What follows them: `FILE [--key HEX]`. */
  readonly takes: string;
  /** One line for the list of commands. */
  readonly said: string;
  readonly more?: string;
  run(args: readonly string[], given: Given): Promise<Exit>;
}

/** It was asked wrongly: shown with the command's usage. */
export class Misasked extends Error {}
