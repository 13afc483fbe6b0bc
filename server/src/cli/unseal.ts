import { mkdir, rename, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type pg from "pg";
import { z } from "zod";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import { systemClock } from "../clock.ts";
import type { CallId } from "../ids.ts";
import { recordAudit } from "../people/audits.ts";
import { RecordingFailure } from "../recordings/failures.ts";
import { type Sealed, sealedOf } from "../recordings/keeping/sealed.ts";
import type { Pace } from "../recordings/pace.ts";
import { readBack } from "../recordings/read-back.ts";
import type { Storage } from "../recordings/storage.ts";
import { type Command, exits, Misasked } from "./command.ts";

export const recordingsUnseal: Command = {
  name: "recordings unseal",
  takes: "CALL [FOLDER]",
  said: "Write the sealed originals of a redacted call into files, and that it was done into the audits",
  more: `CALL is the call's id; FOLDER is where one stands when it is left out. The originals hold what was redacted: they stay sealed where they are, the call is
played as before, and the audits of the call say that somebody took them.`,
  async run(args, { terminal, database: open, storage: openStorage, cwd }) {
    const { positionals } = parseArgs({ args: [...args], options: {}, allowPositionals: true });
    const [asked, folder, ...others] = positionals;
    if (asked === undefined || others.length > 0) throw new Misasked("recordings unseal takes a call's id and a folder");
    if (!z.uuid().safeParse(asked).success) throw new Misasked(`${asked} is no call's id; copy it from the call's page`);
    const call = asked.toLowerCase() as CallId;
    const database = await open();
    try {
      const sealed = await find(database.pool, call);
      if (sealed.length === 0) {
        terminal.tell("Nothing of this call is sealed: it was not redacted, or its originals were destroyed.");
        return exits.wrong;
      }
      // Before the first byte: nobody has them without a word of it.
      const detail = { recordings: sealed.length };
      await recordAudit(database.pool, { at: systemClock.now(), actor: "command", action: "recording.unsealed", call, detail });
      const to = resolve(cwd, folder ?? ".");
      await mkdir(to, { recursive: true });
      const storage = openStorage();
      for (const one of sealed) terminal.say(await write(storage, call, one, to));
      return exits.good;
    } finally {
      await database.close();
    }
  },
};

async function find(pool: pg.Pool, call: CallId): Promise<Sealed[]> {
  if (!(await readCallBriefly(pool, call))) throw new CallUnknown(call);
  return sealedOf(pool, call);
}

/** There is no live call in this process. */
const UNPACED: Pace = { take: async () => {} };

/** Whole and as it was sealed, or not at all. @returns the file's path */
async function write(storage: Storage, call: CallId, { recording, source, key, sha256 }: Sealed, folder: string): Promise<string> {
  const path = join(folder, `earshot-${call}-${source}-${recording}-original${extname(key)}`);
  const unfinished = `${path}.unfinished`;
  try {
    const read = await readBack({ storage, pace: UNPACED }, key, unfinished);
    if (read !== sha256) throw new RecordingFailure("STORED_FILE_ROTTEN", `Key ${key} was sealed as ${sha256} and reads as ${read}.`);
    await rename(unfinished, path);
    return path;
  } finally {
    await rm(unfinished, { force: true });
  }
}
