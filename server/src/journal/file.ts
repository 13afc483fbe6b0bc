import { randomUUID } from "node:crypto";
import { closeSync, fdatasync, mkdir, open, write } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { CallId } from "../ids.ts";
import { HEADER_BYTES, type Kind, kinds, putRecord, VERSION } from "./record.ts";

/** Where the journal of a call lies. */
export const journalPath = (dir: string, call: CallId): string => join(dir, `${call}.journal`);

/** A call's flight recorder. Nothing here waits or throws: what cannot be written is counted and shown as a gap. */
export interface Journal {
  /** Something happened at `atMs` (monotonic). The payload is copied. */
  put(kind: Kind, atMs: number, payload: Uint8Array | string): void;
  /** Writes everything out and closes the file. */
  close(): Promise<void>;
}

export interface Journals {
  open(call: CallId): Journal;
  /** Bytes waiting for the disk, all calls together. */
  waitingBytes(): number;
  close(): Promise<void>;
}

/** How far the file may lie behind the call. Each write costs the thread pool's hand-over: at 250 ms it was 5 % of the bridge's processor time. */
const FLUSH_MS = 500;
/** 500 ms of a call with both sides speaking are 34 kB: a write or two. */
const BLOCK_BYTES = 40_960;
/** What a call may have waiting when the disk stalls: a minute of both sides. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** Used blocks kept for the next, all calls together. */
const MOST_FREE_BLOCKS = 256;

/**
 * Opens the journals' folder. One timer writes out all of them; each has at most one write under way, so that records stay in order.
 * The only blocking calls are none: files are opened, written and synced by the thread pool.
 */
export function openJournals(parts: {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: { warn(detail: object, text: string): void };
}): Journals {
  const { dir, clock, log } = parts;
  const live = new Set<{ flush(): void; close(): Promise<void>; waiting(): number }>();
  const free: Buffer[] = [];
  let timer: NodeJS.Timeout | null = null;
  const folder = new Promise<void>((resolve, reject) =>
    mkdir(dir, { recursive: true, mode: 0o700 }, (error) => (error ? reject(error) : resolve())),
  );
  folder.catch((error: Error) => log.warn({ dir, error: error.message }, "The journals' folder cannot be made: no call is journaled."));

  const newBlock = (size: number): Buffer =>
    size <= BLOCK_BYTES ? (free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)) : Buffer.allocUnsafeSlow(size);
  const giveBack = (block: Buffer): void => {
    if (block.length === BLOCK_BYTES && free.length < MOST_FREE_BLOCKS) free.push(block);
  };

  /** One call's file. States: opening (blocks wait), idle, writing, closed. A file that cannot be opened or written is given up, with one warning. */
  function openJournal(call: CallId): Journal {
    const zero = clock.monotonicMs();
    const part = randomUUID().slice(0, 8);
    const zeroAt = new Date(clock.now().getTime() - (clock.monotonicMs() - zero)).toISOString();
    const head = Buffer.from(JSON.stringify({ part, zeroAt }));
    let fd: number | null = null;
    let block: Buffer | null = null;
    let used = 0;
    let full: { block: Buffer; used: number }[] = [];
    let waiting = 0;
    let writing = false;
    let failed = false;
    let closing: (() => void) | null = null;
    let lost = { records: 0, bytes: 0 };

    const giveUp = (error: Error): void => {
      if (!failed) log.warn({ call, error: error.message }, "The journal of a call cannot be written; the call goes on without it.");
      failed = true;
      full = [];
      block = null;
      waiting = 0;
      closing?.();
    };
    folder.then(
      () =>
        open(journalPath(dir, call), "a", 0o600, (error, opened) => {
          if (error) return giveUp(error);
          fd = opened;
          pump();
        }),
      giveUp,
    );
    const pump = (): void => {
      if (writing || fd === null || failed) return;
      if (full.length === 0 && closing !== null) setAside();
      const next = full.shift();
      if (next === undefined) {
        closing?.();
        return;
      }
      writing = true;
      writeAll(fd, next.block, 0, next.used, (error) => {
        writing = false;
        waiting -= next.used;
        giveBack(next.block);
        if (error) return giveUp(error);
        if (full.length > 0 || closing !== null) pump();
      });
    };
    const setAside = (): void => {
      if (block === null || used === 0) return;
      full.push({ block, used });
      block = null;
      used = 0;
    };
    const append = (kind: number, atMs: number, payload: Uint8Array): void => {
      const size = HEADER_BYTES + payload.length;
      if (block !== null && used + size > block.length) setAside();
      if (block === null) {
        block = newBlock(HEADER_BYTES + head.length + size);
        if (kind !== kinds.opened) {
          used = putRecord(block, 0, kinds.part, 0, head);
          waiting += used;
        }
      }
      used = putRecord(block, used, kind, Math.max(0, Math.round((atMs - zero) * 1000)), payload);
      waiting += size;
    };
    const journal = {
      put(kind: Kind, atMs: number, payload: Uint8Array | string): void {
        if (failed || closing !== null) return;
        const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
        if (waiting + bytes.length > MOST_WAITING_BYTES) {
          lost.records++;
          lost.bytes += bytes.length;
          return;
        }
        if (lost.records > 0) {
          append(kinds.gap, atMs, Buffer.from(JSON.stringify(lost)));
          lost = { records: 0, bytes: 0 };
        }
        append(kinds[kind], atMs, bytes);
      },
      flush(): void {
        if (writing || failed || fd === null) return;
        if (full.length === 0) setAside();
        pump();
      },
      waiting: () => waiting,
      async close(): Promise<void> {
        if (closing !== null) return;
        journal.put("closed", clock.monotonicMs(), "{}");
        await new Promise<void>((resolve) => {
          closing = resolve;
          if (failed) resolve();
          else pump();
        });
        live.delete(journal);
        if (fd !== null) await syncAndClose(fd);
        fd = null;
      },
    };
    journal.put(
      "opened",
      zero,
      JSON.stringify({
        journal: "earshot",
        version: VERSION,
        call,
        part,
        zeroAt,
      }),
    );
    live.add(journal);
    timer ??= setInterval(() => {
      for (const one of live) one.flush();
      if (live.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
    }, FLUSH_MS);
    return journal;
  }

  return {
    open: openJournal,
    waitingBytes: () => [...live].reduce((sum, journal) => sum + journal.waiting(), 0),
    async close() {
      await Promise.all([...live].map((journal) => journal.close()));
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}

function writeAll(fd: number, block: Buffer, from: number, to: number, done: (error: Error | null) => void): void {
  write(fd, block, from, to - from, null, (error, written) => {
    if (error) return done(error);
    if (from + written < to) return writeAll(fd, block, from + written, to, done);
    done(null);
  });
}

const syncAndClose = (fd: number): Promise<void> =>
  new Promise((resolve) =>
    fdatasync(fd, () => {
      closeSync(fd);
      resolve();
    }),
  );
