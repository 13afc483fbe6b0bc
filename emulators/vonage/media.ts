import type { Frame } from "./mix.ts";

/** Who is at the end of a leg: an emulated person, a human in a browser, or an audio socket. Called once a tick each, `speak` first. */
export interface Media {
  /** The next 20 ms this party says. */
  speak(): Frame;
  /** The next 20 ms this party hears. */
  hear(frame: Frame): void;
  /** A key was pressed by another party, or sent by REST. */
  key(digit: string, durationMs: number): void;
  /** The leg is over: let go of everything. */
  close(): void;
}
