import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { auditRecordings } from "../recordings/audit.ts";
import { StorageUrlRefused } from "../recordings/failures.ts";
import { moveStorage } from "../recordings/move-storage.ts";
import type { Storage } from "../recordings/storage.ts";
import { knownStorage } from "../recordings/storage-known.ts";
import { listUnclaimed, UNCLAIMED_DAYS } from "../recordings/unclaimed.ts";
import { type Command, exits, Misasked } from "./command.ts";

/** Read back and hashed by one audit unless asked otherwise: about a minute of 2 MB files on a disk. */
const USUAL_SAMPLE = 100;
/** Of what nobody can account for, so many are named; the number is always told. */
const NAMED = 50;

const number = new Intl.NumberFormat("en-US");
const counted = (n: number, one: string, many = `${one}s`): string => `${number.format(n)} ${n === 1 ? one : many}`;
const megabytes = (bytes: number): string => `${number.format(Math.round(bytes / 1e6))} MB`;

export const recordingsAudit: Command = {
  name: "recordings audit",
  takes: "[--hash N | --hash all] [--json]",
  said: "Account for every call that has ended and every file that is kept",
  more: `Every file is looked up with its size; N of them (${USUAL_SAMPLE} by default), those not read for longest first, are read back and hashed. What is
lost or changed is written on its recording. Safe beside a running server. Ends with 1 when a call or a file cannot be accounted for.`,
  async run(args, { terminal, database: open, storage: openStorage }) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { hash: { type: "string", default: String(USUAL_SAMPLE) }, json: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 0) throw new Misasked(`recordings audit does not take "${positionals[0]}"`);
    if (!/^(all|\d{1,9})$/.test(values.hash)) throw new Misasked("--hash takes a number, or all");
    const database = await open();
    try {
      const report = await auditRecordings(
        { pool: database.pool, storage: knownStorage(openStorage(), database.pool), clock: systemClock },
        {
          hash: values.hash === "all" ? 2 ** 31 - 1 : Number(values.hash),
          onProgress: (done, of) => terminal.progress(`${number.format(done)} of ${counted(of, "file")}`),
        },
      );
      if (values.json) terminal.say(JSON.stringify(report, null, 2));
      else {
        const { calls, accounted, unexplained, files, hashed, lost, rotten, unreadable, strays, unclaimed } = report;
        terminal.say(
          `${counted(calls, "ended call")}: ${number.format(accounted)} accounted for, ${number.format(calls - accounted)} unexplained`,
        );
        terminal.say(
          `${counted(files, "file")}: ${number.format(hashed)} read back whole, ${lost} lost, ${rotten} changed, ${unreadable} unreadable, ${strays} nobody's`,
        );
        if (unclaimed > 0)
          terminal.say(`${counted(unclaimed, "recording")} of calls that never appeared: npx earshot recordings unclaimed lists them`);
        for (const [status, n] of Object.entries(report.statuses)) terminal.say(`  ${number.format(n).padStart(7)}  ${status}`);
        if (Object.keys(report.reasons).length > 0) terminal.say("because (docs/failures.md):");
        for (const [reason, n] of Object.entries(report.reasons)) terminal.say(`  ${number.format(n).padStart(7)}  ${reason}`);
        for (const { call, recording, why } of unexplained.slice(0, NAMED))
          terminal.say(
            `UNEXPLAINED  ${call === null ? "no call" : `call ${call}`}${recording === null ? "" : `, recording ${recording}`}: ${why}`,
          );
        if (unexplained.length > NAMED) terminal.say(`... and ${number.format(unexplained.length - NAMED)} more; --json has all.`);
      }
      return report.unexplained.length === 0 ? exits.good : exits.wrong;
    } finally {
      await database.close();
    }
  },
};

export const recordingsMove: Command = {
  name: "recordings move",
  takes: "FROM TO [--check]",
  said: "Copy every kept file from one storage to another",
  more: `FROM and TO are written as STORAGE_URL: file:/var/lib/earshot/recordings, s3://bucket/folder?region=... . Each file is hashed on its way. Broken off
and begun again it goes on where it was; --check also reads back what lies there already. Nothing is deleted where it came from, and the server may
go on meanwhile: afterwards set STORAGE_URL to TO, restart it, and run this once more for what was stored in between.`,
  async run(args, { terminal, database: open, storage: openStorage, cwd }) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { check: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [from, to, ...others] = positionals;
    if (from === undefined || to === undefined || others.length > 0) throw new Misasked("recordings move takes two storages");
    if (from === to) throw new Misasked("the two storages are the same");
    const openNamed = (name: string, url: string): Storage => {
      try {
        return openStorage(typed(url, cwd));
      } catch (error) {
        if (error instanceof StorageUrlRefused) throw new Misasked(`${name} ${url} is no storage. ${error.remedy}`);
        throw error;
      }
    };
    const source = openNamed("FROM", from);
    const target = openNamed("TO", to);
    const folder = /^file:(?:\/\/)?(\/.*)$/.exec(typed(from, cwd))?.[1];
    // Else each of its files would be told to be missing.
    if (folder !== undefined && !existsSync(folder)) throw new Misasked(`FROM: there is no folder ${folder}`);
    const database = await open();
    try {
      const moved = await moveStorage(
        { pool: database.pool, from: source, to: target },
        {
          check: values.check,
          onProgress: (done, of, bytes) =>
            terminal.progress(`${number.format(done)} of ${counted(of, "file")}, ${megabytes(bytes)} copied`),
        },
      );
      terminal.say(
        `${counted(moved.files, "file")}: ${number.format(moved.copied)} copied (${megabytes(moved.bytes)}), ${number.format(moved.there)} there already, ${moved.lost.length} not to be had`,
      );
      for (const { key, why } of moved.lost) terminal.say(`NOT COPIED  ${key}: ${why}`);
      if (moved.lost.length === 0)
        terminal.say(`All of it is in ${target.place}. Set STORAGE_URL to it, restart the server, and run this once more.`);
      return moved.lost.length === 0 ? exits.good : exits.wrong;
    } finally {
      await database.close();
    }
  },
};

export const recordingsUnclaimed: Command = {
  name: "recordings unclaimed",
  takes: "[--json]",
  said: "List recordings the carrier announced of calls that never appeared here",
  more: `They are fetched and kept like any other, but no page shows them. One whose call appears is given to it; the others are deleted after
${UNCLAIMED_DAYS} days. Many of them say that another program's calls are announced to this server, or that webhooks of calls were lost.`,
  async run(args, { terminal, database: open }) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean", default: false } } });
    const database = await open();
    try {
      const unclaimed = await listUnclaimed(database.pool);
      if (values.json) terminal.say(JSON.stringify(unclaimed, null, 2));
      else {
        terminal.say(
          unclaimed.length === 0 ? "Every recording belongs to a call." : `${counted(unclaimed.length, "recording")} of no call:`,
        );
        for (const { id, status, conversation, announcedAt, sizeBytes } of unclaimed)
          terminal.say(
            `  ${id}  ${announcedAt.toISOString()}  ${status.padEnd(9)}  ${megabytes(sizeBytes ?? 0).padStart(7)}  ${conversation ?? "no conversation"}`,
          );
      }
      return exits.good;
    } finally {
      await database.close();
    }
  },
};

/** A relative folder counts from where the person stands. */
function typed(url: string, cwd: string): string {
  const path = /^file:(?!\/)(.+)$/.exec(url)?.[1];
  return path === undefined ? url : `file:${resolve(cwd, path)}`;
}
