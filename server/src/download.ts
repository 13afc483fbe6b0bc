/** A file of somebody else's, open for reading. */
export interface OpenedFile {
  readonly body: AsyncIterable<Uint8Array>;
  /** Of the whole file, as far as the other side tells. */
  readonly sizeBytes: number | null;
  /** Its media type. */
  readonly type: string | null;
  /** The first byte of `body` within the file: 0 where ranges are not served. */
  readonly from: number;
}

/** Whose files they are, and in whose words a failure is told. */
export interface FileHost {
  /** Is asked before each request. Throws when nothing may be fetched from there. */
  admit(url: string): void;
  /** What goes with a request there, beside the range: a credential only where it belongs. */
  headers?(url: URL): Promise<Readonly<Record<string, string>>>;
  /** Is told what came of each request when it is answered, not when the bytes are here. */
  told?(url: URL, asked: { readonly at: Date; readonly tookMs: number }, answer: Response | { readonly error: unknown }): void;
  /** No answer, an answer that broke off, or redirects without end. */
  unreachable(host: string, error: unknown): Error;
  /** An answer that is no file; its body is still to be read. */
  refused(host: string, answer: Response): Promise<Error>;
}

/** Silence in a download after which it is given up. */
const IDLE_MS = 30_000;
const MOST_REDIRECTS = 3;

/**
 * Opens a file from byte `rangeFrom`: redirects are walked by hand, each of them only where `admit` lets it go, and a download is given up when the other
 * side falls silent. The caller counts and bounds the bytes. Throws what the host's words make of a failure.
 */
export async function openFile(address: string, rangeFrom: number, host: FileHost, idleMs: number = IDLE_MS): Promise<OpenedFile> {
  const patience = patienceOf(host, idleMs);
  let url = address;
  for (let hops = 0; ; hops++) {
    host.admit(url);
    const there = new URL(url);
    const response = await patience(there.host, (signal) => ask(there, rangeFrom, host, signal));
    const to = response.headers.get("location");
    if ([301, 302, 303, 307, 308].includes(response.status) && to !== null) {
      await response.body?.cancel();
      if (hops >= MOST_REDIRECTS) throw host.unreachable(there.host, new Error("it redirects without end"));
      url = URL.parse(to, url)?.href ?? to;
      continue;
    }
    if (response.status !== 200 && response.status !== 206) throw await host.refused(there.host, response);
    const range = /^bytes (\d+)-\d*\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
    const from = response.status === 206 ? Number(range?.[1] ?? rangeFrom) : 0;
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    return {
      body: chunks(response, (read) => patience(there.host, read)),
      sizeBytes: range?.[2] && range[2] !== "*" ? Number(range[2]) : Number.isFinite(length) ? from + length : null,
      type: response.headers.get("content-type"),
      from,
    };
  }
}

async function ask(url: URL, rangeFrom: number, host: FileHost, signal: AbortSignal): Promise<Response> {
  const at = new Date();
  const started = performance.now();
  const told = (answer: Response | { readonly error: unknown }): void =>
    host.told?.(url, { at, tookMs: performance.now() - started }, answer);
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal,
      headers: {
        ...(await host.headers?.(url)),
        // As it is stored, so that its length is the announced one.
        "accept-encoding": "identity",
        ...(rangeFrom > 0 ? { range: `bytes=${rangeFrom}-` } : {}),
      },
    });
    told(response);
    return response;
  } catch (error) {
    told({ error });
    throw error;
  }
}

/** Waits for the other side as long as it is not silent for too long. Once it was, all of the download is broken off. */
function patienceOf(host: FileHost, idleMs: number) {
  const idle = new AbortController();
  return async <T>(name: string, deed: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const timer = setTimeout(() => idle.abort(new Error("it fell silent")), idleMs);
    try {
      return await deed(idle.signal);
    } catch (error) {
      throw host.unreachable(name, error);
    } finally {
      clearTimeout(timer);
    }
  };
}

type Chunk = { readonly done: boolean; readonly value?: Uint8Array | undefined };

async function* chunks(response: Response, patience: (read: () => Promise<Chunk>) => Promise<Chunk>): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      // Only the other side's silence counts, not the time the reader of these chunks takes.
      const { value } = await patience(() => reader.read());
      if (value === undefined) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
