/**
 * For `node --import`: makes the disk of a process slow, when it is told to by SIGUSR2, without the process knowing. Each write of a file then first
 * reads one byte from a pipe, which blocks a thread of the pool like a disk that does not answer; who feeds the pipe decides how fast the disk is.
 */
import fs, { openSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const pipe = openSync(process.env.SLOW_DISK_PIPE as string, "r+");
const write = fs.write as (...args: unknown[]) => void;
let slow = false;
process.on("SIGUSR2", () => {
  slow = !slow;
});
const slowly = (...args: unknown[]): void => {
  if (slow) fs.read(pipe, Buffer.alloc(1), 0, 1, null, () => write(...args));
  else write(...args);
};
Object.assign(fs, { write: slowly });
syncBuiltinESMExports();
