// Chapter 1: linear, softmax, gelu, layer_norm. Each is its equation, as in minibert/numerics.py.
// Arrays are flat: x_TD[t * D + d] is number d of token t.

/**
 * y = x weight^T + bias: x [tokens, in], weight [out, in] (a row per output), bias [out] -> [tokens, out].
 *
 * Four tokens and three outputs at a time: each number that is read is used several times before the next is read. That
 * is four times as fast as one sum after another, and the same sums.
 */
export function linear(x, { weight, bias }) {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const tokens = x.length / inputs;
  const most = 4 * Math.ceil(tokens / 4);
  const rows = new Float32Array(most * inputs); // x, filled up to a multiple of 4 tokens
  rows.set(x);
  const y = new Float32Array(most * outputs);
  const put = (at, first, second, third, fourth) => {
    y[at] = first;
    y[at + outputs] = second;
    y[at + 2 * outputs] = third;
    y[at + 3 * outputs] = fourth;
  };
  for (let o = 0; o < outputs; o += 3) {
    const p = Math.min(o + 1, outputs - 1); // where fewer than three are left, the last is computed again
    const q = Math.min(o + 2, outputs - 1);
    const [startU, startV, startW] = [o * inputs, p * inputs, q * inputs];
    for (let t = 0; t < most; t += 4) {
      const r0 = t * inputs;
      const r1 = r0 + inputs;
      const r2 = r1 + inputs;
      const r3 = r2 + inputs;
      let a0 = bias[o], a1 = a0, a2 = a0, a3 = a0;
      let b0 = bias[p], b1 = b0, b2 = b0, b3 = b0;
      let c0 = bias[q], c1 = c0, c2 = c0, c3 = c0;
      for (let i = 0; i < inputs; i++) {
        const u = weight[startU + i];
        const v = weight[startV + i];
        const w = weight[startW + i];
        const x0 = rows[r0 + i];
        const x1 = rows[r1 + i];
        const x2 = rows[r2 + i];
        const x3 = rows[r3 + i];
        a0 += x0 * u;
        a1 += x1 * u;
        a2 += x2 * u;
        a3 += x3 * u;
        b0 += x0 * v;
        b1 += x1 * v;
        b2 += x2 * v;
        b3 += x3 * v;
        c0 += x0 * w;
        c1 += x1 * w;
        c2 += x2 * w;
        c3 += x3 * w;
      }
      put(t * outputs + o, a0, a1, a2, a3);
      put(t * outputs + p, b0, b1, b2, b3);
      put(t * outputs + q, c0, c1, c2, c3);
    }
  }
  return y.subarray(0, tokens * outputs);
}

/** softmax(x)_j = exp(x_j) / sum_k exp(x_k), in place. The largest x is taken off first: that cancels, and cannot overflow. */
export function softmax(x) {
  const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
  let total = 0;
  for (let j = 0; j < x.length; j++) total += x[j] = Math.exp(x[j] - largest);
  for (let j = 0; j < x.length; j++) x[j] /= total;
  return x;
}

/** y = weight (x - mean) / sqrt(variance + eps) + bias, for each token by itself. */
export function layer_norm(x, { weight, bias }, eps) {
  const size = weight.length;
  const y = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    let [mean, variance] = [0, 0];
    for (let i = 0; i < size; i++) mean += x[start + i] / size;
    for (let i = 0; i < size; i++) variance += (x[start + i] - mean) ** 2 / size;
    const root = Math.sqrt(variance + eps);
    for (let i = 0; i < size; i++) y[start + i] = (weight[i] * (x[start + i] - mean)) / root + bias[i];
  }
  return y;
}

/** The coefficients of q, that of x^12 first (see minibert/speed/twins.py). */
const PHI = [-5.20990658e-9, 3.85044907e-7, -1.14524286e-5, 0.000159389405, 9.55929434e-5, -0.104838581, -2.3022072];

/** gelu(x) = x Phi(x) ~ x / (1 + 2^(x q(x^2))); Phi is the normal distribution's. */
export function gelu(x) {
  const square = x * x;
  let q = 0;
  for (const c of PHI) q = q * square + c;
  return x / (1 + Math.exp(Math.LN2 * x * q));
}

const gelu_tanh = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

/** What a config may call hidden_act. */
export const ACTIVATIONS = {
  gelu, gelu_new: gelu_tanh, gelu_pytorch_tanh: gelu_tanh,
  relu: (x) => Math.max(x, 0),
  silu: (x) => x / (1 + Math.exp(-x)),
};

/** x + y, number by number. */
export const sum = (x, y) => x.map((number, i) => number + y[i]);
