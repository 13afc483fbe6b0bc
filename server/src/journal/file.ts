import { randomUUID } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { CallId } from "../ids.ts";
import { HEADER_BYTES, type Kind, kinds, putRecord, VERSION } from "./record.ts";
import { openTurns } from "./turns.ts";

/** Where the journal of a call lies. */
export const journalPath = (dir: string, call: CallId): string => join(dir, `${call}.journal`);

/** A call's flight recorder. Nothing here waits or throws: what cannot be written is counted and shown as a gap. */
export interface Journal {
  /** Something happened at `atMs` (monotonic). The payload is copied. */
  put(kind: Kind, atMs: number, payload: Uint8Array | string): void;
  /** Writes everything out and closes the file; what the disk does not take within seconds is left out. */
  close(): Promise<void>;
}

export interface Journals {
  open(call: CallId): Journal;
  /** Bytes waiting for the disk, all calls together. */
  waitingBytes(): number;
  close(): Promise<void>;
}

/** What the disk did not take of a call's journal, and memory could not keep. */
export interface LeftOut {
  readonly soundBytes: number;
  /** Records of other kinds. */
  readonly records: number;
  /** What still waited of all kinds when the call was over. */
  readonly endBytes: number;
}

/** What is used of a disk, all of it done by the thread pool. */
export type Disk = Pick<typeof fs, "open" | "write" | "fdatasync" | "close" | "mkdir">;

/** How far the file may lie behind the call. Each write costs the thread pool's hand-over: at 250 ms it was 5 % of the bridge's processor time. */
const FLUSH_MS = 500;
/** The calls' flushes are spread over that time, so that a disk has one tenth of them to do at once. */
const FLUSH_SLOTS = 10;
/**
 * Of the four threads Node has for files, and for looking up the names of engines, carriers and databases: a disk that stands still holds two,
 * and new calls still find their engine.
 */
const MOST_DISK_JOBS = 2;
/** 500 ms of a call with both sides speaking are 34 kB: a write or two. */
const BLOCK_BYTES = 40_960;
/** Of sound what a call may have waiting when the disk stalls: a minute of both sides. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** All calls together: 128 of them for that minute, and 500 for a quarter of it, before the machine runs out of memory. */
const MOST_WAITING_TOGETHER = 512 * 1024 * 1024;
/**
 * Of both, how much may be waiting when another record of this kind comes: sound is the first to be left out, then what the engine says word by word. What
 * was said, decided and happened has a reserve of its own: 1 MB, twenty minutes of a talk.
 */
const share: Partial<Record<Kind, number>> = { callerFrame: 1, playedFrame: 1, engineHeard: 1.125, engineTold: 1.125 };
const RESERVED = 1.25;
const isSound = (kind: Kind): boolean => kind === "callerFrame" || kind === "playedFrame";
/** Used blocks kept for the next, all calls together. */
const MOST_FREE_BLOCKS = 256;
/** So long may a call's end wait for a disk that is full or stands still. */
const CLOSE_WITHIN_MS = 5_000;

/** A part of the file in memory. */
interface Block {
  readonly bytes: Buffer;
  readonly used: number;
  /** Bytes of it that are in the file: it may be written in pieces, and between two of them the disk may be full. */
  written: number;
}

/**
 * Opens the journals' folder. One timer writes out all of them; each has at most one write under way, so that records stay in order, and all
 * together have at most two.
 */
export function openJournals(parts: {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: { warn(detail: object, text: string): void };
  /** Is told of it when the call's journal closes. */
  readonly leftOut?: (call: CallId, what: LeftOut) => void;
  /** For tests. */
  readonly disk?: Disk;
  readonly closeWithinMs?: number;
  readonly mostTogether?: number;
}): Journals {
  const { dir, clock, log, leftOut, disk = fs, closeWithinMs = CLOSE_WITHIN_MS, mostTogether = MOST_WAITING_TOGETHER } = parts;
  let waitingTogether = 0;
  const live = new Set<{ readonly slot: number; flush(): void; close(): Promise<void> }>();
  const free: Buffer[] = [];
  const turns = openTurns(MOST_DISK_JOBS);
  let timer: NodeJS.Timeout | null = null;
  let slots = 0;
  let beat = 0;
  disk.mkdir(dir, { recursive: true, mode: 0o700 }, (error) => {
    if (error) log.warn({ dir, error: error.message }, "The journals' folder cannot be made: no call is journaled until it can.");
  });

  const newBlock = (size: number): Buffer =>
    size <= BLOCK_BYTES ? (free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)) : Buffer.allocUnsafeSlow(size);
  const giveBack = (block: Buffer): void => {
    if (block.length === BLOCK_BYTES && free.length < MOST_FREE_BLOCKS) free.push(block);
  };

  const mayTake = (kind: Kind, waiting: number, size: number): boolean => {
    const of = share[kind] ?? RESERVED;
    return waiting + size <= MOST_WAITING_BYTES * of && waitingTogether + size <= mostTogether * of;
  };

  /**
   * One call's file. States: opening (blocks wait), idle, busy (a job of its own waits for its turn or is under way), over. What fails is tried again
   * at the next flush from where it stopped, with one warning; meanwhile blocks wait, and beyond their bound records become a gap, sound first. `close` writes the
   * rest and closes the file, or, after some seconds of a disk that does not take it, leaves it out.
   */
  function openJournal(call: CallId): Journal {
    const path = journalPath(dir, call);
    const zero = clock.monotonicMs();
    const part = randomUUID().slice(0, 8);
    const zeroAt = new Date(clock.now().getTime() - (clock.monotonicMs() - zero)).toISOString();
    const head = Buffer.from(JSON.stringify({ part, zeroAt }));
    let file: number | null = null;
    let block: Buffer | null = null;
    let used = 0;
    let full: Block[] = [];
    let waiting = 0;
    let busy = false;
    let troubled = false;
    let over = false;
    let closed: (() => void) | null = null;
    /** Since the last gap that was written; and is all of it one gap still, of which the beginning is written? */
    let lost = { records: 0, bytes: 0 };
    let inGap = false;
    const left = { soundBytes: 0, records: 0, endBytes: 0 };

    const pump = (): void => {
      if (busy || over) return;
      if (closed !== null && full.length === 0) setAside();
      const [next] = full;
      if (file === null) openFile();
      else if (next !== undefined) writeBlock(file, next);
      else if (closed !== null) closeFile(file);
    };
    const inTurn = (deed: (done: (error: Error | null) => void) => void, then: () => void): void => {
      busy = true;
      turns.take((free) => {
        const done = (error: Error | null): void => {
          free();
          busy = false;
          if (over) leave();
          else if (error !== null) failed(error);
          else then();
        };
        if (over) done(null);
        else deed(done);
      });
    };
    const failed = (error: Error): void => {
      if (!troubled)
        log.warn({ call, error: error.message }, "The journal of a call cannot be written; the call goes on, and it is tried again.");
      troubled = true;
    };
    const openFile = (): void =>
      inTurn(
        (done) =>
          openOrMake(disk, dir, path, (error, opened) => {
            file = opened;
            done(error);
          }),
        pump,
      );
    const writeBlock = (fd: number, next: Block): void =>
      inTurn(
        (done) => writeOut(disk, fd, next, done),
        () => {
          if (troubled) log.warn({ call }, "The journal of a call is written again.");
          troubled = false;
          full.shift();
          count(-next.used);
          giveBack(next.bytes);
          if (full.length > 0 || closed !== null) pump();
        },
      );
    const closeFile = (fd: number): void => {
      inTurn(
        (done) => {
          file = null;
          disk.fdatasync(fd, () => disk.close(fd, () => done(null)));
        },
        () => {
          over = true;
          tellLeft();
          closed?.();
        },
      );
    };
    const giveUp = (): void => {
      log.warn({ call, left_out: waiting }, "The end of a call's journal could not be written, and is left out.");
      over = true;
      left.endBytes = waiting;
      tellLeft();
      full = [];
      block = null;
      count(-waiting);
      if (!busy) leave();
      closed?.();
    };
    const tellLeft = (): void => {
      if (left.soundBytes + left.records + left.endBytes > 0) leftOut?.(call, left);
    };
    const leave = (): void => {
      if (file !== null) disk.close(file, () => {});
      file = null;
    };
    const count = (bytes: number): void => {
      waiting += bytes;
      waitingTogether += bytes;
    };
    const setAside = (): void => {
      if (block === null || used === 0) return;
      full.push({ bytes: block, used, written: 0 });
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
          count(used);
        }
      }
      used = putRecord(block, used, kind, Math.max(0, Math.round((atMs - zero) * 1000)), payload);
      count(size);
    };
    const journal = {
      slot: slots++ % FLUSH_SLOTS,
      put(kind: Kind, atMs: number, payload: Uint8Array | string): void {
        if (over || closed !== null) return;
        const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
        if (!mayTake(kind, waiting, bytes.length)) {
          lost.records++;
          lost.bytes += bytes.length;
          if (isSound(kind)) left.soundBytes += bytes.length;
          else left.records++;
          return;
        }
        // Words go on while sound is left out: where that began is written, and how much more it was where sound goes on.
        if (lost.records > 0 && (!inGap || isSound(kind) || kind === "closed")) {
          append(kinds.gap, atMs, Buffer.from(JSON.stringify(lost)));
          lost = { records: 0, bytes: 0 };
          inGap = true;
        }
        if (isSound(kind)) inGap = false;
        append(kinds[kind], atMs, bytes);
      },
      flush(): void {
        if (!busy && file !== null && full.length === 0) setAside();
        pump();
      },
      async close(): Promise<void> {
        if (closed !== null) return;
        journal.put("closed", clock.monotonicMs(), "{}");
        await new Promise<void>((resolve) => {
          closed = resolve;
          const late = setTimeout(giveUp, closeWithinMs);
          closed = () => {
            clearTimeout(late);
            resolve();
          };
          pump();
        });
        live.delete(journal);
      },
    };
    journal.put("opened", zero, JSON.stringify({ journal: "earshot", version: VERSION, call, part, zeroAt }));
    live.add(journal);
    pump();
    timer ??= setInterval(flushSome, FLUSH_MS / FLUSH_SLOTS);
    return journal;
  }

  const flushSome = (): void => {
    beat = (beat + 1) % FLUSH_SLOTS;
    for (const one of live) if (one.slot === beat) one.flush();
    if (live.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };

  return {
    open: openJournal,
    waitingBytes: () => waitingTogether,
    async close() {
      await Promise.all([...live].map((journal) => journal.close()));
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}

function openOrMake(disk: Disk, dir: string, path: string, done: (error: Error | null, file: number | null) => void): void {
  disk.open(path, "a", 0o600, (error, file) => {
    if (error === null) return done(null, file);
    if (error.code !== "ENOENT") return done(error, null);
    disk.mkdir(dir, { recursive: true, mode: 0o700 }, (unmade) => {
      if (unmade !== null) return done(unmade, null);
      disk.open(path, "a", 0o600, (again, made) => done(again, again === null ? made : null));
    });
  });
}

function writeOut(disk: Disk, file: number, block: Block, done: (error: Error | null) => void): void {
  disk.write(file, block.bytes, block.written, block.used - block.written, null, (error, written) => {
    if (error) return done(error);
    block.written += written;
    if (block.written < block.used) return writeOut(disk, file, block, done);
    done(null);
  });
}
