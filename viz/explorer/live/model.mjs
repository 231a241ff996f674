// The model: it takes its weights from one block of float16, and runs on a sentence.

import { encode } from "./encoder.mjs";
import { guesses, masked_lm_logits } from "./heads.mjs";
import { Tokenizer } from "./tokenizer.mjs";

/** float16 (as uint16) -> float32, with a table of all 65536 numbers. */
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

/**
 * One array of all numbers -> nested weights: "layers.0.attention.query.weight" becomes layers[0].attention.query.weight.
 * shapes: [[path, shape], ...] in the order of the numbers.
 */
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

  /** Run a forward pass. off: heads switched off, "layer.head"; hidden: tokens that get attention from themselves only. */
  run(encoding, off = [], hidden = []) {
    const [gone, unseen] = [new Set(off), new Set(hidden)];
    return encode(encoding, this.weights, this.config, (l, h) => gone.has(`${l}.${h}`), unseen);
  }

  /** The most probable words in a place, [[token, probability], ...], from its hidden state [D]. */
  guess(hidden_D, top = 5) {
    const { embeddings, masked_lm } = this.weights;
    if (!masked_lm) return [];
    const logits_V = masked_lm_logits(hidden_D, masked_lm, masked_lm.decoder ?? embeddings.word, this.config);
    return guesses(logits_V, top).map(([id, p]) => [this.tokenizer.vocabulary[id] ?? `[${id}]`, p]);
  }
}
