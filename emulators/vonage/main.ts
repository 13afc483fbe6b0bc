import { readFileSync } from "node:fs";
import { log, runUntilTold } from "../program.ts";
import { BadPeople } from "./directory.ts";
import { helpOf } from "./help.ts";
import { startNetwork } from "./network.ts";
import { accountAsEnvironment, ownAccount } from "./own-account.ts";
import type { RefusedRequest } from "./refused-requests.ts";
import { BadFlags, readFlags } from "./settings.ts";

/** Starts the phone network by flags: one line of JSON on stdout when it listens, everything else on stderr. */

if (process.argv.includes("--help") || process.argv.includes("-h")) {
  process.stdout.write(`${helpOf(readFileSync(new URL("./README.md", import.meta.url), "utf8"))}\n`);
  process.exit(0);
}

try {
  const flags = readFlags(
    process.argv.slice(2),
    (path) => readFileSync(path, "utf8"),
    (folder) => {
      const { privateKeyFile: _, ...account } = ownAccount(folder);
      return account;
    },
    process.env,
  );
  const { settings, withParent } = flags;
  const refused = ({ status, method, path, because }: RefusedRequest): void => log(`${status} ${method} ${path}: ${because}`);
  // who started it with their own account reads what their clients got
  const network = await startNetwork(settings, log, flags.ownAccount === null ? undefined : refused);
  runUntilTold(network, withParent);
  if (flags.ownAccount !== null) {
    log(`A phone network listens at ${network.url}, for an application with:\n`);
    log(accountAsEnvironment(ownAccount(flags.ownAccount), network.url, settings.number));
    log(`\nWatch it at ${network.url}/ and be somebody on it at ${network.url}/phone`);
    if (!settings.answerUrl) log("For inbound calls it needs --answer-url and --event-url (and may have --fallback-url).");
  }
} catch (problem) {
  log(inWords(problem));
  process.exit(2);
}

/** Why it did not start, for whoever typed the command. */
function inWords(problem: unknown): string {
  if (problem instanceof BadFlags) return `${problem.message}\n(--help names every flag)`;
  if (problem instanceof BadPeople) return problem.message;
  const { code, address, port } = problem as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === "EADDRINUSE") return `Something listens at ${address}:${port} already: choose another --port (0 takes a free one).`;
  if (code === "EACCES" || code === "EADDRNOTAVAIL")
    return `It cannot listen at ${address}:${port} (${code}): choose another --port or --host.`;
  return String(problem);
}
