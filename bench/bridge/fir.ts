/** A windowed-sinc low-pass and decimator in plain JavaScript, with state: what an implementation of our own would be without WebAssembly. */
export function fir(from: number, to: number, taps = 75): (samples: Int16Array) => Int16Array {
  const step = from / to;
  const cutoff = 0.45 / step;
  const middle = (taps - 1) / 2;
  const coefficients = new Float64Array(taps);
  let sum = 0;
  for (let i = 0; i < taps; i++) {
    const x = i - middle;
    const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
    // Blackman
    coefficients[i] = sinc * (0.42 - 0.5 * Math.cos((2 * Math.PI * i) / (taps - 1)) + 0.08 * Math.cos((4 * Math.PI * i) / (taps - 1)));
    sum += coefficients[i] as number;
  }
  for (let i = 0; i < taps; i++) coefficients[i] = (coefficients[i] as number) / sum;
  let past = new Float64Array(taps - 1);
  return (samples) => {
    const all = new Float64Array(past.length + samples.length);
    all.set(past);
    all.set(samples, past.length);
    const out = new Int16Array(Math.floor(samples.length / step));
    for (let n = 0; n < out.length; n++) {
      let value = 0;
      const at = n * step;
      for (let k = 0; k < taps; k++) value += (all[at + k] as number) * (coefficients[k] as number);
      out[n] = Math.max(-32_768, Math.min(32_767, Math.round(value)));
    }
    past = all.slice(samples.length);
    return out;
  };
}
