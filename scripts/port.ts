import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";

/** May we listen there? Null when we may; else the error's code, such as EADDRINUSE. Port 0 is always free. */
export function whyNotListen(port: number, host: string): Promise<string | null> {
  return new Promise((settle) => {
    const probe = createServer().once("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => settle(null)));
  });
}

/** What to tell of a port that `whyNotListen` refused, and whether it may become free by waiting. `who`: the process that has it, when known. */
export function portRefused(port: number, why: string, who: number | null): { readonly message: string; readonly mayPass: boolean } {
  if (why === "EADDRINUSE") {
    const by = who === null ? "" : ` (process ${who})`;
    return { message: `${port} is taken by another program${by}; stop that one, or give another port`, mayPass: true };
  }
  return { message: `${port} is not ours to listen on (${why}); give another port, such as 4000`, mayPass: false };
}

/** A port of 127.0.0.1 that is free at this moment. */
export function anyPort(): Promise<number> {
  return new Promise((settle, fail) => {
    const probe = createServer().once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** The process that listens on a TCP port of this machine; null when it is not ours to see, or the system does not tell as Linux does. */
export function whoListens(port: number): number | null {
  const sockets = new Set(
    ["tcp", "tcp6"].flatMap((table) => listening(read(`/proc/net/${table}`), port)).map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return null;
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const file of list(`/proc/${pid}/fd`)) if (sockets.has(link(`/proc/${pid}/fd/${file}`))) return Number(pid);
  }
  return null;
}

/** Inodes of the sockets that listen on `port`: of each row of proc(5)'s net/tcp local address (hex), state (0A: listening) and inode. */
export function listening(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((row) => {
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    return local?.endsWith(wanted) && state === "0A" && inode ? [inode] : [];
  });
}

// What may be gone the moment we look is nothing.

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
