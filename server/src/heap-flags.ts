/**
 * How V8 is told to keep house where calls are carried; to be given on the command line, since the first can only be set at a process's start.
 * `npm start` does; who starts the server by hand finds them in docs/operating.md. Without them all works, with longer late pauses and more memory.
 *
 * Young space of 4 MB instead of 16: what a call reads from its sockets dies within milliseconds, but its memory is only given back when the
 * young space has been filled once; at 16 MB that keeps 8 MB and more of dead socket buffers, and the space itself three times over.
 *
 * A full collection when the old space has grown by 100 %: by itself V8 allows 8 MB beyond what lives, and counts socket buffers and queued
 * sound in; at 40 calls that was a full collection a second, 4-15 ms each, with nothing in it to collect (bench/README.md, "Garbage collection").
 */
export const heapFlags: readonly string[] = ["--max-semi-space-size=4", "--heap-growing-percent=100"];
