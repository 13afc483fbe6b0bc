import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedOptions, type Log, openHouse, readPassword } from "./embedded-house.ts";
import { connect, DATABASE, own, ownerOf, takeLock, urlOf } from "./embedded-owner.ts";
import { ensureRunning, STOP_DEADLINE_MS, stopPostmaster, untilAnswers, untilGone } from "./embedded-running.ts";
import { type Postmaster, readPostmaster, servesFolder } from "./postmaster.ts";

/**
 * A real Postgres of our own, for installations without a DATABASE_URL. It is a process of its own that outlives a kill -9 of ours:
 *
 *   absent   -> starting   `ensureRunning` spawned it (first making the data folder)
 *   orphaned -> running    it was left behind by a killed Earshot and answers: adopted
 *   orphaned -> absent     it was left behind and does not answer, or has another version: stopped, unless somebody owns it
 *   running  -> absent     `stop` (SIGINT, which lets running statements be broken off and writes everything down)
 *   running  -> starting   it ended by itself: started again, loudly
 *
 * One Earshot at a time: the owner holds an advisory lock on a connection that lives as long as the owner does.
 *
 * In DATA_DIR/postgres: data (a link elsewhere when the account that runs it may not come here), password, port, log.
 */

export interface Embedded {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts, or adopts, the Postgres in `dataDir` and resolves with its URL (loopback, password). The URL stays the same until `stop`.
 * Works as root and as an ordinary user. Throws the Embedded failures of db/failures.ts.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const house = await openHouse(options);
  let { port, adopted } = await ensureRunning(house);
  let keeper = await own(house, port);
  const adoption = "adopted the embedded database a killed Earshot left running";
  if (adopted) house.log.info(adoption);
  let stopping = false;
  let mending: Promise<void> = Promise.resolve();

  const watch = (): void => {
    keeper.once("end", () => {
      if (!stopping) mending = mend();
    });
  };
  const mend = async (): Promise<void> => {
    for (let waitMs = 100; !stopping; waitMs = Math.min(waitMs * 2, 5_000)) {
      house.log.error("the embedded database stopped by itself; starting it again");
      try {
        ({ port, adopted } = await ensureRunning(house, port));
        keeper = await own(house, port);
        if (adopted) house.log.info(adoption);
        return watch();
      } catch (error) {
        house.log.error(`the embedded database did not start again: ${(error as Error).message}`);
        await sleep(waitMs);
      }
    }
  };
  watch();

  return {
    url: urlOf(house, port, DATABASE),
    async stop() {
      if (stopping) return;
      stopping = true;
      await mending;
      await keeper.end().catch(() => {});
      await stopPostmaster(house);
    },
  };
}

/** Stops the Postgres a killed Earshot left running in `dataDir`; nothing when there is none, or when somebody owns it. */
export async function stopLeftover(dataDir: string, log: Log): Promise<void> {
  const found = await findPostmaster(dataDir);
  if (found === null) return;
  const { folder, data, left } = found;
  const port = await untilAnswers(data, left, STOP_DEADLINE_MS);
  if (port === null) {
    if (!(await untilGone(left.pid, data))) log.warn("the embedded database neither answers nor ends; it is left as it is");
    return;
  }
  const keeper = await readPassword(folder)
    .then((password) => connect({ password }, port, DATABASE))
    .catch((error: Error) => log.warn(`the embedded database is left running: it does not let us in (${error.message})`));
  if (!keeper) return;
  try {
    if (await takeLock(keeper)) await stopPostmaster({ data, log });
  } finally {
    await keeper.end().catch(() => {});
  }
}

/**
 * The URL of the Postgres that runs in `dataDir` now, whoever owns it; null when none does. For programs beside the server: nothing is started,
 * stopped or owned. One that is just starting is waited for.
 */
export async function findRunning(dataDir: string): Promise<string | null> {
  const found = await findPostmaster(dataDir);
  if (found === null) return null;
  const port = await untilAnswers(found.data, found.left);
  return port === null ? null : urlOf({ password: await readPassword(found.folder) }, port, DATABASE);
}

/**
 * The Earshot that owns the database in `dataDir` now, null when none does. Its process is not known while it closes the database. For whoever
 * wants to refuse a second start before anything is touched: `startEmbedded` refuses by itself.
 */
export async function findOwner(dataDir: string): Promise<{ readonly pid: number | null } | null> {
  const found = await findPostmaster(dataDir);
  if (found === null) return null;
  if (found.left.stopping) return { pid: null };
  if (!found.left.ready) return null;
  const client = await readPassword(found.folder)
    .then((password) => connect({ password }, found.left.port, DATABASE))
    .catch(() => null);
  if (client === null) return null;
  try {
    return await ownerOf(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function findPostmaster(dataDir: string): Promise<{ folder: string; data: string; left: Postmaster } | null> {
  const folder = join(resolve(dataDir), "postgres");
  const data = await realpath(join(folder, "data")).catch(() => null);
  const left = data === null ? null : await readPostmaster(data);
  return data === null || left === null || !(await servesFolder(left.pid, data)) ? null : { folder, data, left };
}
