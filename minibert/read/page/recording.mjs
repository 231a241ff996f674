// What was recorded, in the order in which it ran: calls of functions, visits of lines, arrays.

import { bytes } from "../../../viz/web/bytes.mjs";

/** @typedef {number[] | number | string | boolean | null} Value [number of an array], or a scalar, or its text */
/** @typedef {{name: string, first: number, def: number, last: number}} Source a function: its lines */
/** @typedef {{first: number, last: number, blocks: import("./prose.mjs").Block[]}} Doc */
/** @typedef {{names: string[], value: any}} Statement what it binds, and the tree of what it computes */
/** @typedef {{name: string, lines: string[][][], docs: Doc[], functions: Source[], statements: Record<string, Statement>}} Chapter */
/**
 * @typedef {object} Call
 * @property {number} chapter
 * @property {Source} function
 * @property {number | null} parent the visit that called it
 * @property {Record<string, Value>} given
 * @property {(number | null)[]} returned
 * @property {number[]} visits
 * @property {number} [index] its number among `like`: that of a layer, say
 * @property {number[]} [like] the calls from the same line of one call
 */
/** @typedef {{call: number, line: number, made: Record<string, Value>, end: number, calls: number[]}} Visit */
/**
 * @typedef {object} Stored
 * @property {number[]} shape
 * @property {string} letters
 * @property {number | null} rows how many rows are in the page, where not all are
 * @property {number} step every how many rows, where a weight is not whole
 * @property {string} partly what of it is not in the page
 * @property {number | null} low
 * @property {number | null} high
 * @property {number | null} mean
 * @property {number | null} spread
 * @property {boolean} wide
 * @property {string} data
 * @property {Float32Array | Float64Array} [numbers]
 */
/** @typedef {{text: string, name: string, where: any, answer: string, table?: string[][]}} Question */

/** Base64 of deflated byte planes -> numbers. @param {string} base64 @param {boolean} wide */
async function inflate(base64, wide) {
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = wide ? 8 : 4;
  const count = planes.length / width;
  const woven = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < count; i++) woven[i * width + plane] = planes[plane * count + i];
  }
  return wide ? new Float64Array(woven.buffer) : new Float32Array(woven.buffer);
}

/** The last part of a name: "Bert._forward" -> "_forward". @param {string} name */
export const bareName = (name) => name.slice(name.lastIndexOf(".") + 1);

/** The steps: each visit when it begins, and once more after the functions that it called, the innermost first. @param {Visit[]} visits */
function stepsOf(visits) {
  const begin = visits.map((_, visit) => ({ visit, back: false, at: visit }));
  const back = begin.filter(({ visit }) => visits[visit].end > visit + 1).map(({ visit }) => ({ visit, back: true, at: visits[visit].end - 0.5 }));
  return [...begin, ...back].sort((a, b) => a.at - b.at || b.visit - a.visit);
}

export class Recording {
  /** @param {any} raw */
  constructor(raw) {
    /** @type {{text: string, model: string, tokens: string[], vocabulary: string[], student: string, leftOut: string, explorer: string, legend: [string, number][]}} */
    this.about = raw;
    /** @type {Record<string, string>} */
    this.differs = raw.differs ?? {};
    /** @type {Question[]} */
    this.questions = raw.questions;
    /** @type {[string, string, string][]} */
    this.parts = raw.parts;
    /** @type {Chapter[]} */
    this.chapters = raw.chapters;
    /** @type {Stored[]} */
    this.arrays = raw.arrays;
    /** @type {Call[]} */
    this.calls = raw.calls.map((/** @type {any} */ [chapter, number, parent, given, returned]) => ({
      chapter, parent, given, returned, visits: [], function: this.chapters[chapter].functions[number],
    }));
    /** @type {Visit[]} */
    this.visits = raw.visits.map((/** @type {any} */ [call, line, made, end], i) => {
      this.calls[call].visits.push(i);
      return { call, line, made, end, calls: [] };
    });
    this.calls.forEach((call, i) => call.parent !== null && this.visits[call.parent].calls.push(i));
    this.calls.forEach((call, i) => this.number(call, i));
    this.steps = stepsOf(this.visits);
    /** @type {Map<number, Promise<Float32Array | Float64Array>>} */
    this.waiting = new Map();
  }

  /** A call that is one of several from the same line of one call has a number, from 0. @param {Call} call @param {number} i */
  number(call, i) {
    if (call.parent === null) return;
    const { call: owner, line } = this.visits[call.parent];
    const like = this.calls[owner].visits.filter((v) => this.visits[v].line === line)
      .flatMap((v) => this.visits[v].calls).filter((c) => this.calls[c].function === call.function);
    if (like.length > 1) Object.assign(call, { index: like.indexOf(i), like });
  }

  /** The calls from the outermost to this one. @param {number} call */
  path(call) {
    const path = [call];
    for (let { parent } = this.calls[call]; parent !== null; { parent } = this.calls[path[0]]) path.unshift(this.visits[parent].call);
    return path;
  }

  /** The file and the line of a visit: "attention.py", 45. @param {number} visit @returns {[string, number]} */
  place(visit) {
    const { call, line } = this.visits[visit];
    return [this.chapters[this.calls[call].chapter].name.split("/").at(-1) ?? "", line];
  }

  /** The name of a call: "encoder layer 2"; where a function is called for several arrays, "linear for query_HTK". @param {number} call */
  label(call) {
    const { function: { name }, index, parent } = this.calls[call];
    const bare = bareName(name);
    const plain = bare.startsWith("_") ? bare : bare.replaceAll("_", " ");
    if (index !== undefined) return `${plain} ${index}`;
    if (parent === null) return plain;
    const again = this.children(this.visits[parent].call).filter((c) => this.calls[c].function.name === name).length > 1;
    const made = Object.keys(this.visits[parent].made).filter((n) => !n.startsWith("returned"));
    return again && made.length && made.length < 3 ? `${plain} for ${made.join(", ")}` : plain;
  }

  /** "encoder layer 2 › attention block › … › softmax for attention_HTS". @param {number} call */
  pathText(call) {
    const path = this.path(call);
    const from = path.findIndex((c) => this.calls[c].index !== undefined);
    return path.slice(from < 0 ? Math.max(0, path.length - 2) : from).map((c) => this.label(c)).join(" › ");
  }

  /** The layer of a call: the number of the first call on its path that is one of several; -1 if there is none. @param {number} call */
  layerOf(call) {
    const found = this.path(call).find((c) => this.calls[c].index !== undefined);
    return found === undefined ? -1 : this.calls[found].index ?? -1;
  }

  /** The same call below `other`, a call like `ancestor`: the same place of another layer. @param {number} call @param {number} ancestor @param {number} other */
  twin(call, ancestor, other) {
    let at = other;
    const path = this.path(call);
    for (let i = path.indexOf(ancestor) + 1; i < path.length; i++) {
      at = this.children(at)[this.children(path[i - 1]).indexOf(path[i])] ?? at;
    }
    return at;
  }

  /** @param {number} call */
  children(call) {
    return this.calls[call].visits.flatMap((v) => this.visits[v].calls);
  }

  /**
   * What a name was bound to when a visit began, and by which visit; null: it was given to the call.
   * @param {number} call @param {string} name @param {number} before
   * @returns {{value: Value, visit: number | null} | undefined}
   */
  bound(call, name, before) {
    const { visits, given } = this.calls[call];
    const visit = visits.findLast((v) => v < before && Object.hasOwn(this.visits[v].made, name));
    if (visit !== undefined) return { value: this.visits[visit].made[name], visit };
    return Object.hasOwn(given, name) ? { value: given[name], visit: null } : undefined;
  }

  /** The name under which a visit made an array. @param {number} visit @param {number} array */
  nameOf(visit, array) {
    return Object.entries(this.visits[visit].made).find(([, x]) => Array.isArray(x) && x[0] === array)?.[0];
  }

  /** What a statement computes; undefined where it makes no array. @param {number} visit @returns {Statement | undefined} */
  statement(visit) {
    const { call, line } = this.visits[visit];
    return this.chapters[this.calls[call].chapter].statements[line];
  }

  /** @param {number} visit */
  sourceLine(visit) {
    const { call, line } = this.visits[visit];
    return this.chapters[this.calls[call].chapter].lines[line - 1].map(([, text]) => text).join("").trim();
  }

  /** The numbers of an array, unpacked when they are first needed. @param {number} i */
  numbers(i) {
    let waiting = this.waiting.get(i);
    if (!waiting) {
      const array = this.arrays[i];
      waiting = inflate(array.data, array.wide).then((numbers) => (array.numbers = numbers));
      this.waiting.set(i, waiting);
    }
    return waiting;
  }
}
