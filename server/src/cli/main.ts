import { join } from "node:path";
import { ConfigFailure, readConfig } from "../config.ts";
import { withEnvFile } from "../env-file.ts";
import { Failure } from "../failure.ts";
import { openStorage } from "../recordings/storage.ts";
import { storageKeyOf } from "../recordings/storage-encrypted.ts";
import { type Command, type Exit, exits, type Given, Misasked } from "./command.ts";
import { type OpenDatabase, openDatabase } from "./database.ts";
import { doctor } from "./doctor.ts";
import { evidence, verify } from "./evidence.ts";
import { recordingsAudit, recordingsMove, recordingsUnclaimed } from "./recordings.ts";
import { replay } from "./replay.ts";
import { openTerminal } from "./terminal.ts";
import { recordingsUnseal } from "./unseal.ts";

/** `earshot COMMAND`: reads what is asked, does it, and ends with a number that scripts understand (command.ts). */

const commands: readonly Command[] = [
  doctor,
  recordingsAudit,
  recordingsMove,
  recordingsUnclaimed,
  recordingsUnseal,
  evidence,
  verify,
  replay,
];

const root = join(import.meta.dirname, "../../..");
const cwd = process.cwd();
const terminal = openTerminal();
const opened = new Set<OpenDatabase>();

const given: Given = {
  terminal,
  cwd,
  config: () => readConfig(environment()),
  configWith: (instead) => readConfig({ ...instead, ...environment() }),
  storage(url) {
    const { storageUrl, storageKey } = given.config();
    return openStorage(url ?? storageUrl, storageKey === null ? null : storageKeyOf(storageKey));
  },
  async database() {
    const database = await openDatabase(given.config());
    const close = async (): Promise<void> => {
      if (opened.delete(once)) await database.close();
    };
    const once = { ...database, close };
    opened.add(once);
    return once;
  },
};

// As the server: relative paths in the configuration count from the repository.
process.chdir(root);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void breakOff());
process.once("disconnect", () => void breakOff());
const exit = await run(process.argv.slice(2));
terminal.done();
process.exit(exit);

async function run(words: readonly string[]): Promise<Exit> {
  if (words.length === 0 || ["help", "--help", "-h"].includes(words[0] as string)) return help(words.slice(1));
  const command = commandOf(words);
  if (command === null) {
    if (words.slice(1).some(asksForHelp)) return help(words);
    terminal.tell(`There is no command ${words.slice(0, 2).join(" ")}.\n`);
    help(groupOf(words).length > 0 ? words : [], terminal.tell);
    return exits.usage;
  }
  const args = words.slice(command.name.split(" ").length);
  if (args.some(asksForHelp)) return help(command.name.split(" "));
  try {
    return await command.run(args, given);
  } catch (error) {
    terminal.done();
    return tellOf(error, command);
  }
}

function asksForHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

function tellOf(error: unknown, command: Command): Exit {
  const asked = error instanceof Misasked || String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS");
  if (asked) {
    // Node's own words go on with how to write an argument that begins with a dash.
    const [said] = (error as Error).message.split(". To specify");
    terminal.tell(`${said}\n\nearshot ${command.name} ${command.takes}`);
    return exits.usage;
  }
  if (error instanceof Failure) {
    terminal.tell(`${error.message}\n${error.remedy}`);
    return error instanceof ConfigFailure ? exits.configuration : exits.unavailable;
  }
  const { path, syscall, message } = error as NodeJS.ErrnoException;
  // A place somebody named: where it is tells more than where we are.
  if (path !== undefined && syscall !== undefined)
    terminal.tell(`${path} cannot be used: ${message}\nSee that its folder is there, has room, and is open to you.`);
  else terminal.tell((error as Error).stack ?? String(error));
  return exits.unavailable;
}

function help(of: readonly string[], to: (line: string) => void = (line) => terminal.say(line)): Exit {
  const command = commandOf(of);
  if (command !== null) {
    to(
      `earshot ${command.name} ${command.takes}\n\n${command.said.replace(/(?<![.?])$/, ".")}${command.more === undefined ? "" : `\n${command.more}`}`,
    );
    return exits.good;
  }
  const group = groupOf(of);
  const isKnown = of.length === 0 || group.length > 0;
  if (!isKnown) terminal.tell(`There is no command ${of.slice(0, 2).join(" ")}.\n`);
  const listed = group.length > 0 ? group : commands;
  const width = Math.max(...listed.map(({ name, takes }) => `${name} ${takes}`.length));
  to("earshot COMMAND, in the folder of the repository: npx earshot COMMAND\n");
  for (const { name, takes, said } of listed) to(`  ${`${name} ${takes}`.padEnd(width)}  ${said}`);
  to(`  ${"help [COMMAND]".padEnd(width)}  This, or more about one\n`);
  to("It ends with 0: all is well. 1: something is wrong. 2: not understood. 69: could not be done. 78: the configuration is wrong.");
  return isKnown ? exits.good : exits.usage;
}

/** The command with the longest name that the words begin with. */
function commandOf(words: readonly string[]): Command | null {
  const fits = commands.filter(({ name }) => name.split(" ").every((word, nth) => words[nth] === word));
  return fits.toSorted((one, other) => other.name.length - one.name.length)[0] ?? null;
}

/** The commands whose name has more than this one first word: `recordings`. */
function groupOf([first]: readonly string[]): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `));
}

/** As for the server. */
function environment(): NodeJS.ProcessEnv {
  return withEnvFile(join(root, ".env"), process.env);
}

/** What a command had open is closed first: a database that was started for it must not stay behind. */
async function breakOff(): Promise<void> {
  terminal.done();
  terminal.tell("Broken off.");
  await Promise.all([...opened].map((database) => database.close().catch(() => {})));
  process.exit(130);
}
