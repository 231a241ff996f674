// The data in the page: base64 text -> typed arrays, decoded when a head is first looked at.

const QUANTA = 32767;

function bytes(base64) {
  const text = atob(base64);
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) result[i] = text.charCodeAt(i);
  return result.buffer;
}

export const int16 = (base64) => new Int16Array(bytes(base64));
export const uint16 = (base64) => new Uint16Array(bytes(base64));
export const float32 = (base64) => new Float32Array(bytes(base64));

/**
 * All that the page knows. Token n of N (all sentences, end to end) has query point n and key point N + n.
 * The first `wholeTokens` tokens belong to sentences kept whole: every picture, 3-D, scores. Of the others only
 * the points of the picture named `drawn` are here.
 */
export class Data {
  constructor(raw) {
    Object.assign(this, raw);
    this.sentences = [];
    this.tokenOf = [];
    this.sentenceOf = [];
    this.positionOf = [];
    for (const { tokens, words, segments } of raw.sentences) {
      const start = this.tokenOf.length;
      const number = this.sentences.length;
      tokens.forEach((id, position) => {
        this.tokenOf.push(raw.vocabulary[id]);
        this.sentenceOf.push(number);
        this.positionOf.push(position);
      });
      const texts = tokens.map((id) => raw.vocabulary[id]);
      this.sentences.push({ number, start, size: tokens.length, tokens: texts, words, segments });
    }
    this.size = this.tokenOf.length;
    this.points = 2 * this.size;
    const last = this.sentences[raw.whole - 1];
    this.wholeTokens = last ? last.start + last.size : 0;
    this.frequency = new Map();
    for (const token of this.tokenOf) this.frequency.set(token, (this.frequency.get(token) ?? 0) + 1);
    this.decoded = new Map();
  }

  /** How many tokens (from the first on) a picture shows. */
  shown(method, dims) {
    return method === this.drawn && dims === 2 ? this.size : this.wholeTokens;
  }

  isWhole(sentence) {
    return sentence < this.whole;
  }

  head(layer, head) {
    const index = layer * this.heads + head;
    if (!this.decoded.has(index)) this.decoded.set(index, new Head(this, this.packed[index], layer, head));
    return this.decoded.get(index);
  }

  sentenceText(number) {
    return readable(this.sentences[number].tokens);
  }

  column(name) {
    return this.columns.find((column) => column.name === name);
  }

  columnValue(name, layer, head) {
    return this.column(name).values[layer * this.heads + head];
  }
}

/** One head of one layer. */
export class Head {
  constructor(data, packed, layer, head) {
    Object.assign(this, { data, packed, layer, head });
    this.places = new Map();
    this.cache = new Map();
  }

  /** Places of the points in a picture: [3 * points] x, y, z in units of `extent(method)`; z is 0 where unknown. */
  positions(method) {
    if (!this.places.has(method)) {
      const { size, wholeTokens, points } = this.data;
      const count = this.data.shown(method, 2);
      const xy = int16(this.packed.xy[method]);
      const z = int16(this.packed.z[method]);
      const result = new Float32Array(3 * points);
      for (let side = 0; side < 2; side++) {
        for (let n = 0; n < count; n++) {
          const to = 3 * (side * size + n);
          result[to] = xy[2 * (side * count + n)] / QUANTA;
          result[to + 1] = xy[2 * (side * count + n) + 1] / QUANTA;
          if (n < wholeTokens) result[to + 2] = z[side * wholeTokens + n] / QUANTA;
        }
      }
      this.places.set(method, result);
    }
    return this.places.get(method);
  }

  extent(method) {
    return this.packed.extent[method];
  }

  /** Lengths |q| and |k| of all points, before any move. */
  get norms() {
    return this.once("norms", () => {
      const quantised = uint16(this.packed.norms);
      return Float32Array.from(quantised, (x) => (x / 65535) * this.packed.longest);
    });
  }

  /** scores[i * size + j] = q_i . k_j / sqrt(K) of a sentence kept whole. */
  scores(sentence) {
    const all = this.once("scores", () => float32(this.packed.scores));
    const { size } = this.data.sentences[sentence];
    const start = this.data.sentences.slice(0, sentence).reduce((sum, s) => sum + s.size ** 2, 0);
    return all.subarray(start, start + size * size);
  }

  /** The length of the value of each token of a sentence kept whole, or null where they were not given. */
  valueLengths(sentence) {
    if (!this.packed.values) return null;
    const { start, size } = this.data.sentences[sentence];
    return this.once("values", () => float32(this.packed.values)).subarray(start, start + size);
  }

  /** The head_size numbers of a query (side 0) or key (side 1), or null where the file has no room for them. */
  vector(side, token) {
    if (!this.packed.vectors) return null;
    const all = this.once("vectors", () => int16(this.packed.vectors));
    const from = (side * this.data.wholeTokens + token) * this.data.headSize;
    return Float64Array.from(all.subarray(from, from + this.data.headSize), (x) => (x / QUANTA) * this.packed.steepest);
  }

  /** Mean attention by relative position (index reach + j - i) and by (query position, key position). */
  get relative() {
    return this.once("relative", () => Float32Array.from(uint16(this.packed.relative), (x) => x / 65535));
  }

  get average() {
    return this.once("average", () => Float32Array.from(uint16(this.packed.average), (x) => x / 65535));
  }

  once(name, make) {
    if (!this.cache.has(name)) this.cache.set(name, make());
    return this.cache.get(name);
  }
}

/** Pieces put together again for people to read: "cap ##y ##bara is" -> "capybara is", without [CLS] and [SEP]. */
export function readable(tokens) {
  let text = "";
  for (const token of tokens) {
    if (token === "[CLS]") continue;
    if (token === "[SEP]") text += " /";
    else if (token.startsWith("##") && token.length > 2) text += token.slice(2);
    else if (/^[.,!?;:)\]'’]$/u.test(token)) text += token;
    else text += ` ${token}`;
  }
  return text.trim().replace(/\s*\/$/u, "");
}
