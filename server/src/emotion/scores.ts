/**
 * The emotion scores of one utterance as bytes, 2 a score, beside the vocabulary they are written in (emotion/sets.ts): a score's
 * place in the bytes is its name's place there. 48 scores are 97 bytes; as JSON they are about 1,300.
 *
 * | byte 0 | follows, little-endian |
 * |---|---|
 * | 1 | one u16 for each name from the first on: score × 60,000, rounded; 65535 where this name has no score |
 * | 2 | pairs of u16: place of the name, score × 60,000 |
 * | 3 | as 1, each score a 16-bit float, NaN where there is none: for vocabularies whose scores leave 0..1 |
 * | 4 | as 2, each score a 16-bit float |
 *
 * The shorter of dense and sparse is taken. Names added to a vocabulary later are simply absent from older bytes.
 */
const DENSE = 1;
const SPARSE = 2;
const DENSE_FLOAT = 3;
const SPARSE_FLOAT = 4;
/** Steps between 0 and 1: exact for scores of four decimals, at most 8.4e-6 off for others. 65535 is left to say "none". */
const STEPS = 60_000;
const NONE = 65_535;

/**
 * Packs scores by the places of their names. Scores that are no finite number are left out.
 * Throws when a name is not in `names`: the caller grows the vocabulary first, so that no score is lost in silence.
 */
export function pack(names: readonly string[], scores: Readonly<Record<string, number>>): Uint8Array {
  const places = placesOf(names);
  const found: { place: number; score: number }[] = [];
  for (const [name, score] of Object.entries(scores)) {
    if (!Number.isFinite(score)) continue;
    const place = places.get(name);
    if (place === undefined) throw new Error(`The emotion ${JSON.stringify(name)} is not in the vocabulary.`);
    found.push({ place, score });
  }
  found.sort((a, b) => a.place - b.place);
  const length = (found.at(-1)?.place ?? -1) + 1;
  const unit = found.every(({ score }) => score >= 0 && score <= 1);
  const dense = length <= found.length * 2;
  const bytes = new Uint8Array(1 + (dense ? length : found.length * 2) * 2);
  const view = new DataView(bytes.buffer);
  bytes[0] = dense ? (unit ? DENSE : DENSE_FLOAT) : unit ? SPARSE : SPARSE_FLOAT;
  const put = (at: number, score: number): void => {
    if (unit) view.setUint16(at, Math.round(score * STEPS), true);
    else view.setUint16(at, toHalf(score), true);
  };
  if (dense) {
    for (let place = 0; place < length; place++) view.setUint16(1 + place * 2, unit ? NONE : HALF_NAN, true);
    for (const { place, score } of found) put(1 + place * 2, score);
  } else {
    found.forEach(({ place, score }, i) => {
      view.setUint16(1 + i * 4, place, true);
      put(3 + i * 4, score);
    });
  }
  return bytes;
}

/**
 * The scores in `bytes`, strongest first. Bytes that are no such packing, or are longer than their vocabulary, throw: they were not
 * written with it.
 */
export function unpack(bytes: Uint8Array, names: readonly string[]): Record<string, number> {
  const kind = bytes[0];
  const dense = kind === DENSE || kind === DENSE_FLOAT;
  if (!dense && kind !== SPARSE && kind !== SPARSE_FLOAT) throw new Error(`Unknown packing of emotion scores: ${kind ?? "no bytes"}.`);
  const step = dense ? 2 : 4;
  if ((bytes.length - 1) % step !== 0) throw new Error(`Emotion scores are broken off: ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: [string, number][] = [];
  for (let at = 1, i = 0; at < bytes.length; at += step, i++) {
    const place = dense ? i : view.getUint16(at, true);
    const raw = view.getUint16(dense ? at : at + 2, true);
    const unit = kind === DENSE || kind === SPARSE;
    if (unit ? raw === NONE : Number.isNaN(fromHalf(raw))) continue;
    const name = names[place];
    if (name === undefined) throw new Error(`Emotion score number ${place} has no name: the vocabulary has ${names.length}.`);
    found.push([name, unit ? Math.round((raw / STEPS) * 1e5) / 1e5 : fromHalf(raw)]);
  }
  return Object.fromEntries(found.sort((a, b) => b[1] - a[1]));
}

const HALF_NAN = 0x7e00;
/** Float16Array is younger than TypeScript's ES2024 library; only these two functions know. */
type HalfArray = { [index: number]: number; readonly buffer: ArrayBuffer };
const Half = (globalThis as unknown as { Float16Array: new (length: number) => HalfArray }).Float16Array;
const half = new Half(1);
const halfBits = new Uint16Array(half.buffer);
/** The largest 16-bit float; a score beyond it is held there, since infinity is not a score. */
const HALF_MAX = 65_504;

function toHalf(score: number): number {
  half[0] = Math.max(-HALF_MAX, Math.min(HALF_MAX, score));
  return halfBits[0] as number;
}

function fromHalf(bits: number): number {
  halfBits[0] = bits;
  return half[0] as number;
}

const known = new WeakMap<readonly string[], Map<string, number>>();
function placesOf(names: readonly string[]): Map<string, number> {
  let places = known.get(names);
  if (places === undefined || places.size !== names.length) {
    places = new Map(names.map((name, place) => [name, place]));
    known.set(names, places);
  }
  return places;
}
