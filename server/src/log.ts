import { fstatSync, write, writeSync } from "node:fs";
import pino from "pino";
import type { LogLevel } from "./config.ts";

/**
 * What may wait for whoever takes the log: some thousand lines. Beyond it lines are left out and counted: a disk or a collector that stands still
 * must not hold up the thread that carries everybody's sound.
 */
const MOST_WAITING_BYTES = 1024 * 1024;
/** One write's worth. */
const CHUNK_BYTES = 64 * 1024;

export interface Log {
  readonly log: pino.Logger;
  /** Resolves when all lines are written, or after `withinMs`. */
  written(withinMs: number): Promise<void>;
}

/** Where lines go. Neither call waits. */
interface Way {
  /** Bytes not yet written. */
  waiting(): number;
  send(text: string): void;
  /** Tells once, when nothing waits any more. */
  whenEmpty(tell: () => void): void;
}

/** The server's log, lines of JSON on stderr, at the level given. Writing a line never waits and never throws. */
export function openLog(level: LogLevel): Log {
  const way = fstatSync(2).isFile() ? fileWay(2) : streamWay(process.stderr);
  let leftOut = 0;
  const write = (line: string): void => {
    if (way.waiting() + line.length > MOST_WAITING_BYTES) {
      leftOut++;
      return;
    }
    tellLeftOut();
    way.send(line);
  };
  const tellLeftOut = (): void => {
    if (leftOut === 0) return;
    const msg = "Lines of the log were left out here: whoever takes them could not keep up.";
    way.send(`${JSON.stringify({ level: pino.levels.values.warn, time: Date.now(), left_out: leftOut, msg })}\n`);
    leftOut = 0;
  };
  return {
    log: pino({ level, base: null }, { write }),
    written: (withinMs) =>
      new Promise((resolve) => {
        tellLeftOut();
        const late = setTimeout(resolve, withinMs);
        way.whenEmpty(() => {
          clearTimeout(late);
          resolve();
        });
      }),
  };
}

/**
 * Pipes and sockets, which Node writes to at once as far as they take it, and later without a thread: one of the pool that a full pipe holds would
 * keep the process from ever ending. A terminal is written to directly: who stops it with Ctrl-S stops the server.
 */
function streamWay(stream: NodeJS.WriteStream): Way {
  // Nobody reads any more: then nobody is to be told either.
  stream.on("error", () => {});
  return {
    waiting: () => stream.writableLength,
    send: (text) => void stream.write(text),
    whenEmpty: (tell) => void stream.write("", () => tell()),
  };
}

/** A file, which can only be written to without waiting by the thread pool: one write at a time, so that lines stay in order. */
function fileWay(fd: number): Way {
  let lines: string[] = [];
  let bytes = 0;
  let writing = false;
  let tellEmpty: (() => void)[] = [];
  const next = (): void => {
    if (writing) return;
    if (lines.length === 0) {
      for (const tell of tellEmpty.splice(0)) tell();
      return;
    }
    writing = true;
    send(fd, Buffer.from(takeChunk()), 0, () => {
      writing = false;
      next();
    });
  };
  const takeChunk = (): string => {
    let size = 0;
    let count = 0;
    while (count < lines.length && (count === 0 || size + (lines[count] as string).length <= CHUNK_BYTES))
      size += (lines[count++] as string).length;
    const chunk = lines.slice(0, count).join("");
    lines = lines.slice(count);
    bytes -= chunk.length;
    return chunk;
  };
  // Also after an exception nobody caught. What a thread is writing just now is finished by Node before it ends.
  process.once("exit", () => {
    try {
      if (lines.length > 0) writeSync(fd, lines.join(""));
    } catch {
      // The disk takes no more: nobody can be told.
    }
  });
  return {
    waiting: () => bytes,
    send(text) {
      lines.push(text);
      bytes += text.length;
      next();
    },
    whenEmpty(tell) {
      tellEmpty = [...tellEmpty, tell];
      next();
    },
  };
}

/** Writes all of it; what the disk refuses is left out. */
function send(fd: number, bytes: Buffer, from: number, done: () => void): void {
  write(fd, bytes, from, bytes.length - from, null, (error, written) => {
    if (error !== null || from + written >= bytes.length) return done();
    send(fd, bytes, from + written, done);
  });
}
