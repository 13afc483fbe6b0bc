/**
 * What every emulator does as a program: says in one line of JSON on stdout that it is ready and where, and closes when it is told to end: by SIGINT,
 * SIGTERM, the loss of whoever started it with a channel, or with `withParent` the end of its stdin. Exit code 1 when closing failed.
 */
export function runUntilTold({ url, close }: { readonly url: string; close(): Promise<void> }, withParent: boolean): void {
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
  let closing = false;
  const end = (): void => {
    if (closing) return;
    closing = true;
    close().then(
      () => process.exit(0),
      (problem: unknown) => {
        log(String(problem));
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", end).on("SIGTERM", end).on("disconnect", end);
  if (withParent) process.stdin.on("end", end).on("close", end).on("error", end).resume();
}

/** A line for people: stdout is for whoever started the program. */
export const log = (line: string): void => void process.stderr.write(`${line}\n`);
