/** How fast the emulated service thinks, speaks and writes down. */
export interface Pace {
  /** From the end of the caller's turn to the first sound. */
  readonly thinkMs: number;
  /** Speech is generated so many times faster than it is spoken. */
  readonly speed: number;
  /** From the end of the caller's turn to its text. */
  readonly transcribeMs: number;
}

export const usualPace: Pace = { thinkMs: 300, speed: 6, transcribeMs: 250 };
