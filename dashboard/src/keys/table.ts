/** The keyboard, as a table: what the help shows is what the keys do. */

export type Deed =
  | "play"
  | "back"
  | "forth"
  | "slower"
  | "faster"
  | "next sentence"
  | "previous sentence"
  | "nearer"
  | "farther"
  | "whole call"
  | "search"
  | "place a call"
  | "help";

export type Key = { keys: readonly string[]; shown: string; deed: Deed; says: string; where: "call" | "everywhere" };

export const keyTable: readonly Key[] = [
  { keys: [" "], shown: "Space", deed: "play", says: "Play or pause", where: "call" },
  { keys: ["ArrowLeft"], shown: "←", deed: "back", says: "Back 5 seconds", where: "call" },
  { keys: ["ArrowRight"], shown: "→", deed: "forth", says: "Forward 5 seconds", where: "call" },
  { keys: ["["], shown: "[", deed: "slower", says: "Slower", where: "call" },
  { keys: ["]"], shown: "]", deed: "faster", says: "Faster", where: "call" },
  { keys: ["n"], shown: "n", deed: "next sentence", says: "Next sentence", where: "call" },
  { keys: ["p"], shown: "p", deed: "previous sentence", says: "Previous sentence", where: "call" },
  { keys: ["+", "="], shown: "+", deed: "nearer", says: "Look closer", where: "call" },
  { keys: ["-"], shown: "−", deed: "farther", says: "Step back", where: "call" },
  { keys: ["0"], shown: "0", deed: "whole call", says: "See the whole call", where: "call" },
  { keys: ["/"], shown: "/", deed: "search", says: "Search calls", where: "everywhere" },
  { keys: ["c"], shown: "c", deed: "place a call", says: "Place a call", where: "everywhere" },
  { keys: ["?"], shown: "?", deed: "help", says: "Show these keys", where: "everywhere" },
];

export type Pressed = { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean };
/** What has the focus, as far as the keyboard cares: text takes every key, a button takes space, a choice takes the arrows too. */
export type Focus = "page" | "button" | "choice" | "text";

const takes: Record<Focus, (key: string) => boolean> = {
  page: () => false,
  button: (key) => key === " ",
  choice: (key) => key === " " || key.startsWith("Arrow") || /^[a-z]$/.test(key),
  text: () => true,
};

/** What a pressed key does here; null when it belongs to whatever has the focus, to the browser, or to nobody. */
export function deedOf(pressed: Pressed, focus: Focus): Deed | null {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || takes[focus](pressed.key)) return null;
  return keyTable.find((row) => row.keys.includes(pressed.key))?.deed ?? null;
}

export const speeds = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;

/** The next speed up (1) or down (-1); the ends hold. */
export function speedStep(speed: number, step: 1 | -1): number {
  const at = speeds.findIndex((s) => s >= speed - 0.001);
  return speeds[Math.min(speeds.length - 1, Math.max(0, (at < 0 ? speeds.length - 1 : at) + step))] ?? 1;
}
