// The data in the page: decoded when a head is first looked at.

import { float32, int16, uint16 } from "../../web/bytes.mjs";
import { readable } from "../../web/tokens.mjs";
import { landed, length } from "./places.mjs";

const QUANTA = 32767; // steps of a packed coordinate

/**
 * All data of the page. Token n of N (all sentences, end to end) has query point n and key point N + n. A sentence is
 * whole in a head whose scores of it are here; of the others only the points of the picture named `drawn` are.
 * The last sentence, number `own`, is the typed one, if there is one: always whole, and new at every keystroke.
 */
export class Data {
  constructor(raw) {
    Object.assign(this, raw);
    this.own = raw.sentences.length;
    this.names = raw.packed.map((_, i) => `${Math.floor(i / raw.heads)}.${i % raw.heads}`); // of all heads
    this.typed = /** @type {import("./types.d.ts").Answer | null} */ (null);
    this.decoded = new Map();
    this.sentences = [];
    for (const { tokens, kept, ...more } of raw.sentences) {
      this.sentences.push({ ...more, tokens: tokens.map((id) => raw.vocabulary[id]), kept: kept && new Set(kept) });
    }
    this.number();
    this.ownSize = this.size;
  }

  /** Lay all sentences end to end. */
  number() {
    let start = 0;
    for (const [number, sentence] of this.sentences.entries()) {
      Object.assign(sentence, { number, start, size: sentence.tokens.length });
      start += sentence.size;
    }
    this.size = start;
    this.tokenOf = this.sentences.flatMap(({ tokens }) => tokens);
    this.sentenceOf = this.sentences.flatMap(({ tokens, number }) => tokens.map(() => number));
    this.positionOf = this.sentences.flatMap(({ tokens }) => [...tokens.keys()]);
    this.points = 2 * this.size;
    this.frequency = new Map();
    for (const token of this.tokenOf) this.frequency.set(token, (this.frequency.get(token) ?? 0) + 1);
  }

  /** The result of the model for a typed sentence takes the last place among the sentences. */
  type(answer) {
    const { tokens, words, types, spans } = answer.encoding;
    const { text, second } = answer.request;
    const sentence = { tokens, words, segments: types, spans, text: second ? `${text} ||| ${second}` : text, kept: null };
    this.sentences.splice(this.own, 1, sentence);
    this.typed = answer;
    this.number();
    for (const head of this.decoded.values()) head.forget();
  }

  isTyped(sentence) {
    return sentence === this.own;
  }

  isWhole(sentence, layer, head) {
    const { kept } = this.sentences[sentence];
    return !kept || kept.has(layer * this.heads + head);
  }

  head(layer, head) {
    const index = layer * this.heads + head;
    if (!this.decoded.has(index)) this.decoded.set(index, new Head(this, this.packed[index], layer, head));
    return this.decoded.get(index);
  }

  /** A sentence as it was written, or, where that is not known, put together from its pieces. */
  sentenceText(number) {
    const { text, tokens, words } = this.sentences[number];
    return text ? textsOf(this.sentences[number]).join(" / ") : readable(tokens, words);
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
    this.cache = new Map();
  }

  /** What depends on the typed sentence. */
  forget() {
    for (const name of this.cache.keys()) if (name.startsWith("all ")) this.cache.delete(name);
  }

  once(name, make) {
    if (!this.cache.has(name)) this.cache.set(name, make());
    return this.cache.get(name);
  }

  /** Where each of the page's own tokens lies among those of the sentences that are whole in this head, or -1. */
  get lane() {
    return this.once("lane", () => {
      const lane = new Int32Array(this.data.ownSize).fill(-1);
      let at = 0;
      for (let n = 0; n < lane.length; n++) if (this.data.isWhole(this.data.sentenceOf[n], this.layer, this.head)) lane[n] = at++;
      return Object.assign(lane, { count: at });
    });
  }

  /** 1 for each token that a picture shows. */
  shown(method, dims) {
    return this.once(`all shown ${method} ${dims}`, () => {
      const all = method === this.data.drawn && dims === 2;
      return Uint8Array.from({ length: this.data.size }, (_, n) => (all || n >= this.data.ownSize || this.lane[n] >= 0 ? 1 : 0));
    });
  }

  /** Places of the points in a picture: [3 * points] x, y, z in units of `extent(method)`; z is 0 where unknown. */
  positions(method) {
    return this.once(`all ${method}`, () => {
      const { size, ownSize, points, typed } = this.data;
      const xy = this.once(`xy ${method}`, () => int16(this.packed.xy[method]));
      const z = this.once(`z ${method}`, () => int16(this.packed.z[method]));
      const { lane } = this;
      const all = method === this.data.drawn;
      const count = all ? ownSize : lane.count;
      const result = new Float32Array(3 * points);
      for (let side = 0; side < 2; side++) {
        for (let n = 0; n < ownSize; n++) {
          const from = side * count + (all ? n : lane[n]);
          const to = 3 * (side * size + n);
          if (!all && lane[n] < 0) continue;
          result[to] = xy[2 * from] / QUANTA;
          result[to + 1] = xy[2 * from + 1] / QUANTA;
          if (lane[n] >= 0) result[to + 2] = z[side * lane.count + lane[n]] / QUANTA;
        }
        if (typed) result.set(landed(this, method, side), 3 * (side * size + ownSize));
      }
      return result;
    });
  }

  extent(method) {
    return this.packed.extent[method];
  }

  /** Lengths |q| and |k| of all points, before any move. */
  get norms() {
    return this.once("all norms", () => {
      const { size, ownSize, typed } = this.data;
      const quantised = this.once("norms", () => uint16(this.packed.norms));
      return Float32Array.from({ length: 2 * size }, (_, p) => {
        const [side, n] = [p < size ? 0 : 1, p % size];
        if (n >= ownSize) return typed ? length(this.vector(side, n)) : 0;
        return (quantised[side * ownSize + n] / 65535) * this.packed.longest;
      });
    });
  }

  /** scores[i * size + j] = q_i . k_j / sqrt(K) of a sentence that is whole in this head. */
  scores(sentence) {
    if (this.data.isTyped(sentence)) return this.part(this.data.typed.layers[this.layer].scores);
    const all = this.once("scores", () => float32(this.packed.scores));
    const starts = this.once("starts", () => {
      let at = 0;
      return this.data.sentences.slice(0, this.data.own).map(({ number, size }) => {
        const start = at;
        if (this.data.isWhole(number, this.layer, this.head)) at += size * size;
        return start;
      });
    });
    return all.subarray(starts[sentence], starts[sentence] + this.data.sentences[sentence].size ** 2);
  }

  /** This head's part of an array [heads, T, T] or [heads, T] of the typed sentence. */
  part(all) {
    const size = all.length / this.data.heads;
    return all.subarray(this.head * size, (this.head + 1) * size);
  }

  /** The length of the value of each token of a whole sentence, or null where they were not given. */
  valueLengths(sentence) {
    if (this.data.isTyped(sentence)) return this.part(this.data.typed.layers[this.layer].valueLength);
    if (!this.packed.values) return null;
    const { start, size } = this.data.sentences[sentence];
    return this.once("values", () => float32(this.packed.values)).subarray(this.lane[start], this.lane[start] + size);
  }

  /** |value W_O| of each token of a whole sentence, by a factor of the head's own, or null where they were not given. */
  movedLengths(sentence) {
    if (this.data.isTyped(sentence)) return this.part(this.data.typed.layers[this.layer].movedLength);
    if (!this.packed.moved) return null;
    const { start, size } = this.data.sentences[sentence];
    return this.once("moved", () => Float64Array.from(uint16(this.packed.moved))).subarray(this.lane[start], this.lane[start] + size);
  }

  /** The head_size numbers of a query (side 0) or key (side 1), or null where they are not in the file. */
  vector(side, token) {
    const K = this.data.headSize;
    if (token >= this.data.ownSize) {
      const layer = this.data.typed.layers[this.layer];
      const from = (token - this.data.ownSize) * K * this.data.heads + this.head * K;
      return (side ? layer.key : layer.query).subarray(from, from + K);
    }
    if (!this.packed.vectors || this.lane[token] < 0) return null;
    const all = this.once("vectors", () => int16(this.packed.vectors));
    const from = (side * this.lane.count + this.lane[token]) * K;
    return Float64Array.from(all.subarray(from, from + K), (x) => (x / QUANTA) * this.packed.steepest);
  }

  /** Mean attention: "relative", by position (index reach + j - i); "average", by (query position, key position). */
  mean(by) {
    return this.once(by, () => Float32Array.from(uint16(this.packed[by]), (x) => x / 65535));
  }
}

/** The one or two texts that a sentence was written as. */
export function textsOf({ text, segments }) {
  const [first, ...more] = (text ?? "").split(" ||| ");
  return segments.includes(1) ? [first, more.join(" ||| ")] : [text ?? ""];
}
