// linear, softmax, gelu, layer_norm: the same equations as in minibert/numerics.py.
// Arrays are flat: x_TD[t * D + d] is number d of token t.

/**
 * y = x weight^T + bias: x [tokens, in], weight [out, in] (a row per output), bias [out] -> [tokens, out].
 *
 * Two tokens and two outputs are computed at a time: each number that is read is used twice. The sums are those of a plain
 * loop, and take about half of its time. Where only one token or output is left, it is computed twice.
 */
export function linear(x, { weight, bias }) {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const tokens = x.length / inputs;
  const y = new Float32Array(tokens * outputs);
  for (let o = 0; o < outputs; o += 2) {
    const p = Math.min(o + 1, outputs - 1);
    for (let t = 0; t < tokens; t += 2) {
      const s = Math.min(t + 1, tokens - 1);
      let [to, tp, so, sp] = [bias[o], bias[p], bias[o], bias[p]];
      for (let i = 0; i < inputs; i++) {
        const u = weight[o * inputs + i];
        const v = weight[p * inputs + i];
        const a = x[t * inputs + i];
        const b = x[s * inputs + i];
        to += a * u;
        tp += a * v;
        so += b * u;
        sp += b * v;
      }
      y[t * outputs + o] = to;
      y[t * outputs + p] = tp;
      y[s * outputs + o] = so;
      y[s * outputs + p] = sp;
    }
  }
  return y;
}

/**
 * softmax(x)_j = exp(x_j) / sum_k exp(x_k), in place. The largest x is subtracted first: the quotient stays the same, and
 * exp cannot overflow.
 */
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

/** The coefficients of q, the one of x^12 first (see minibert/speed/twins.py). */
const PHI = [-5.20990658e-9, 3.85044907e-7, -1.14524286e-5, 0.000159389405, 9.55929434e-5, -0.104838581, -2.3022072];

/** gelu(x) = x Phi(x) ~ x / (1 + 2^(x q(x^2))); Phi is the distribution function of the normal distribution. */
export function gelu(x) {
  const square = x * x;
  let q = 0;
  for (const c of PHI) q = q * square + c;
  return x / (1 + Math.exp(Math.LN2 * x * q));
}

const gelu_tanh = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

/** The activation functions, by their names in a config (hidden_act). */
export const ACTIVATIONS = {
  gelu, gelu_new: gelu_tanh, gelu_pytorch_tanh: gelu_tanh,
  relu: (x) => Math.max(x, 0),
  silu: (x) => x / (1 + Math.exp(-x)),
};

/** x + y, number by number. */
export const sum = (x, y) => x.map((number, i) => number + y[i]);
