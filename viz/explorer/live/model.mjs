// The model: weights out of one block of float16, a sentence in, all that was computed out.

import { encode } from "./encoder.mjs";
import { guesses, masked_lm_logits } from "./heads.mjs";
import { Tokenizer } from "./tokenizer.mjs";

/** float16 as uint16 -> float32, by a table of all 65536. */
export function from_float16(halves) {
  const table = Float32Array.from({ length: 65536 }, (_, bits) => {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    return bits >> 15 ? -size : size;
  });
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = table[halves[i]];
  return result;
}

/** Arrays by their paths -> nested, as the chapters use them: "layers.0.attention.query.weight". shapes: [[path, shape], ...] */
export function nested(numbers, shapes) {
  const weights = {};
  let start = 0;
  for (const [path, shape] of shapes) {
    const names = path.split(".");
    const size = shape.reduce((a, b) => a * b, 1);
    let part = weights;
    names.slice(0, -1).forEach((name, i) => (part = part[name] ??= /^\d+$/u.test(names[i + 1]) ? [] : {}));
    part[names.at(-1)] = numbers.subarray(start, start + size);
    start += size;
  }
  return weights;
}

export class Bert {
  constructor({ config, tokenizer, shapes }, halves) {
    this.config = config;
    this.tokenizer = new Tokenizer(tokenizer);
    this.weights = nested(from_float16(halves), shapes);
  }

  encode(text, second) {
    const encoding = this.tokenizer.encode(text, second);
    const most = this.config.max_position_embeddings;
    if (encoding.ids.length > most) throw new RangeError("typing_long", { cause: { size: encoding.ids.length, most } });
    return encoding;
  }

  /** A forward pass. off: heads switched off, "layer.head"; hidden: tokens that no other may look at. */
  run(encoding, off = [], hidden = []) {
    const [gone, unseen] = [new Set(off), new Set(hidden)];
    return encode(encoding, this.weights, this.config, (l, h) => gone.has(`${l}.${h}`), unseen);
  }

  /** The most probable words at a place, [[token, probability], ...], from a vector [D] of it. */
  guess(hidden_D, top = 5) {
    const { embeddings, masked_lm } = this.weights;
    if (!masked_lm) return [];
    const logits_V = masked_lm_logits(hidden_D, masked_lm, masked_lm.decoder ?? embeddings.word, this.config);
    return guesses(logits_V, top).map(([id, p]) => [this.tokenizer.vocabulary[id] ?? `[${id}]`, p]);
  }
}
