// @ts-check
// Says what is being done while it takes long. Everything goes to stderr: stdout is for results.

/** Colours only where a person looks and did not forbid them (no-color.org). */
export const colours = process.stderr.isTTY === true && !process.env.NO_COLOR;

/** @param {string} code @param {string} text */
export const paint = (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);

const HEARTBEAT_MS = 10_000;

/**
 * Tells that a long thing begins, that it still goes on, and how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const from = Date.now();
  const seconds = () => `${((Date.now() - from) / 1000).toFixed(1)} s`;
  const draw = () => process.stderr.write(`\r\x1b[2K${paint("2", "…")} ${what} ${paint("2", seconds())}`);
  if (!colours) process.stderr.write(`… ${what}\n`);
  else draw();
  const beat = setInterval(
    () => (colours ? draw() : process.stderr.write(`  … still at it, ${seconds()}\n`)),
    colours ? 100 : HEARTBEAT_MS,
  );
  try {
    const result = await work();
    process.stderr.write(colours ? `\r\x1b[2K${paint("32", "✓")} ${what} ${paint("2", seconds())}\n` : `✓ ${what}, ${seconds()}\n`);
    return result;
  } catch (error) {
    process.stderr.write(colours ? `\r\x1b[2K${paint("31", "✗")} ${what}\n` : `✗ ${what}, ${seconds()}\n`);
    throw error;
  } finally {
    clearInterval(beat);
  }
}
