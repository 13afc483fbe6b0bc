import { spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { CallUnknown } from "../calls/failures.ts";
import { systemClock } from "../clock.ts";
import type { CallId } from "../ids.ts";
import { recordAudit } from "../people/audits.ts";
import { evidenceOf } from "../recordings/evidence/evidence.ts";
import { type Command, exits, Misasked } from "./command.ts";

export const evidence: Command = {
  name: "evidence",
  takes: "CALL [FILE]",
  said: "Write all evidence of a call into one signed zip",
  more: "CALL is the call's id. FILE is earshot-<id>.zip here when it is left out.",
  async run(args, { terminal, database: open, storage: openStorage, cwd }) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [call, file, ...others] = positionals;
    if (call === undefined || others.length > 0) throw new Misasked("evidence takes a call's id and a file");
    if (!z.uuid().safeParse(call).success) throw new Misasked(`${call} is no call's id; copy it from the call's page`);
    const database = await open();
    try {
      const parts = { pool: database.pool, storage: openStorage(), clock: systemClock };
      const made = await evidenceOf(parts, call.toLowerCase() as CallId, "command");
      if (made === null) throw new CallUnknown(call);
      const path = resolve(cwd, file ?? made.name);
      const unfinished = `${path}.unfinished`;
      try {
        await pipeline(made.bytes, createWriteStream(unfinished));
        await recordAudit(database.pool, {
          at: systemClock.now(),
          actor: "command",
          action: "evidence.taken",
          call: call.toLowerCase() as CallId,
        });
        await rename(unfinished, path);
      } finally {
        await rm(unfinished, { force: true });
      }
      terminal.say(path);
      return exits.good;
    } finally {
      await database.close();
    }
  },
};

/** A program of its own: scripts/earshot.mjs runs it before anything is installed, and whoever receives a file can keep it. */
const verifier = fileURLToPath(new URL("../recordings/evidence/verify.mjs", import.meta.url));

export const verify: Command = {
  name: "verify",
  takes: "FILE [--key HEX]",
  said: "Check an evidence file: is it whole, and signed by that installation?",
  more: "Needs nothing but the file: no database, no configuration. --key is the installation's key, learned by another way than the file.",
  async run(args, { cwd }) {
    const { status } = spawnSync(process.execPath, [verifier, ...args], { cwd, stdio: "inherit" });
    return status === exits.good || status === exits.usage ? status : exits.wrong;
  },
};
