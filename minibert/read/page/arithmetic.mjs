// One number, and the arithmetic that made it: the expression of its line followed with the numbers of its call.
// A value here is {shape, at(index)}: nothing is computed but what is asked for.

import { bareName } from "./recording.mjs";

/** Thrown where the numbers of an array are not unpacked yet. */
export class Unpacked extends Error {
  constructor(array) {
    super("not unpacked yet");
    this.array = array;
  }
}
/** Thrown where the page cannot follow: a function it does not know, or a row it does not hold. */
export class Unknown extends Error {}

const BINARY = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "**": (a, b) => a ** b,
  "//": (a, b) => Math.floor(a / b), maximum: Math.max, minimum: Math.min, copysign: (a, b) => Math.sign(b) * Math.abs(a),
};
const NAMED = { multiply: "*", divide: "/", add: "+", subtract: "-" };
const UNARY = {
  exp: Math.exp, exp2: (x) => 2 ** x, log: Math.log, sqrt: Math.sqrt, tanh: Math.tanh, abs: Math.abs, sign: Math.sign, square: (x) => x * x,
  float: (x) => x, int: Math.trunc,
};
const SAME = new Set(["ascontiguousarray", "asarray", "array"]);
const REDUCE = { sum: (t) => t.reduce((a, b) => a + b, 0), mean: (t) => t.reduce((a, b) => a + b, 0) / t.length, max: (t) => Math.max(...t), min: (t) => Math.min(...t) };
const RANK = { "+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "@": 2, "**": 3 };
const SIGN = { "+": " + ", "-": " − ", "*": " × ", "/": " / ", "//": " // ", "**": " ^ ", "@": " · " };

/** The numbers of x in other places; `to` says in which, `tree` what x is. */
const view = (x, shape, to, tree) => ({ shape, at: (index) => x.at(to(index)), to, tree });
const scalar = (x) => ({ shape: [], at: () => x });
const range = (n) => Array.from({ length: n }, (_, i) => i);

/** The part of a longer index that an array of this shape has, where axes are set against each other from the last. */
export const fitted = (index, shape) => shape.map((size, axis) => (size === 1 ? 0 : index[index.length - shape.length + axis]));

function broadcast(a, b) {
  const long = a.length > b.length ? a : b;
  return long.map((_, i) => Math.max(a[a.length - long.length + i] ?? 1, b[b.length - long.length + i] ?? 1));
}

/** All parts of a tree, each after those that are in it: in the order in which they are computed. */
export function* nodes(tree) {
  if (!Array.isArray(tree)) return;
  for (const part of tree) yield* nodes(part);
  yield tree;
}

/** Why a row of an array is not in the page. */
function missing(rows, step, row) {
  if (rows === 0) return "one of its arrays did not fit into this page";
  if (step === 1) return "this page has only the first row of one of its arrays";
  return `it needs row ${row} of a weight. This page has rows 0, ${step}, ${2 * step} and so on: choose one of these to see the sum`;
}

export class Arithmetic {
  constructor(recording, digits) {
    this.recording = recording;
    this.digits = digits;
    this.chosen = null; // the branch of `a if ... else b` that ran
  }

  array(i) {
    const { shape, rows, step, numbers } = this.recording.arrays[i];
    return {
      shape,
      array: i,
      at: (index) => {
        if (!numbers) throw new Unpacked(i);
        const row = index[0] / step;
        if (rows !== null && (row >= rows || !Number.isInteger(row))) {
          throw new Unknown(missing(rows, step, index[0]));
        }
        return numbers[index.reduce((flat, place, axis) => flat * shape[axis] + (axis ? place : place / step), 0)];
      },
    };
  }

  /** The value of a tree at a visit. */
  value(tree, visit) {
    const [kind, ...parts] = tree;
    const of = (part) => this.value(part, visit);
    if (kind === "number") return scalar(parts[0]);
    if (kind === "name") return this.named(parts[0], visit);
    if (kind === "choice") return of(this.chosen ?? parts[0]);
    if (BINARY[kind]) return this.pair(kind, of(parts[0]), of(parts[1]));
    if (kind === "@") return this.product(of(parts[0]), of(parts[1]));
    if (kind === "turned") {
      const x = of(parts[0]);
      const turn = (list) => [...list.slice(0, -2), list.at(-1), list.at(-2)];
      return view(x, turn(x.shape), turn, parts[0]);
    }
    if (kind === "size") return scalar(of(parts[0]).shape.at(of(parts[1]).at([])));
    if (kind === "reduce") {
      const x = of(parts[1]);
      const n = x.shape.at(-1);
      const shape = parts[2] ? [...x.shape.slice(0, -1), 1] : x.shape.slice(0, -1);
      return { shape, at: (index) => REDUCE[parts[0]](range(n).map((k) => x.at([...index.slice(0, x.shape.length - 1), k]))) };
    }
    if (kind === "transpose") {
      const x = of(parts[0]);
      const order = parts.slice(1).map((p) => of(p).at([]));
      if (order.length !== x.shape.length) throw new Unknown("");
      return view(x, order.map((axis) => x.shape[axis]), (index) => range(order.length).map((axis) => index[order.indexOf(axis)]), parts[0]);
    }
    if (kind === "reshape") return this.reshaped(parts[0], of(parts[0]), parts.slice(1).map((p) => of(p).at([])));
    if (kind === "part") return this.part(parts[0], of(parts[0]), parts.slice(1), visit);
    if (kind === "call") return this.called(tree, visit);
    throw new Unknown(kind === "?" ? `${parts[0]} is not among the arrays of this page` : "");
  }

  named(name, visit) {
    const { call } = this.recording.visits[visit];
    const found = this.recording.bound(call, name, visit);
    if (found === undefined) {
      const constants = this.recording.chapters[this.recording.calls[call].chapter].statements;
      const made = Object.values(constants).find(({ names, value }) => names[0] === name && value[0] === "number");
      if (made) return scalar(made.value[1]);
      throw new Unknown("");
    }
    if (Array.isArray(found.value)) return this.array(found.value[0]);
    if (typeof found.value === "string") return { ...scalar(NaN), text: found.value };
    return scalar(Number(found.value));
  }

  pair(kind, a, b) {
    const shape = broadcast(a.shape, b.shape);
    return { shape, at: (index) => BINARY[kind](a.at(fitted(index, a.shape)), b.at(fitted(index, b.shape))) };
  }

  product(a, b) {
    const [x, y] = this.factors(a, b);
    const n = a.shape.at(-1);
    const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...lead, ...(a.shape.length > 1 ? [a.shape.at(-2)] : []), ...(b.shape.length > 1 ? [b.shape.at(-1)] : [])];
    return { shape, at: (index) => range(n).reduce((sum, k) => sum + x(index, k) * y(index, k), 0) };
  }

  /** The k-th factors of the number at an index of a matrix product. */
  factors(a, b) {
    const x = (index, k) => {
      const rest = b.shape.length > 1 ? index.slice(0, -1) : index;
      return a.at([...fitted(rest, a.shape.slice(0, -1)), k]);
    };
    const y = (index, k) => {
      if (b.shape.length === 1) return b.at([k]);
      const lead = index.slice(0, a.shape.length > 1 ? -2 : -1);
      return b.at([...fitted(lead, b.shape.slice(0, -2)), k, index.at(-1)]);
    };
    return [x, y];
  }

  reshaped(tree, x, sizes) {
    const total = x.shape.reduce((a, b) => a * b, 1);
    const known = sizes.filter((n) => n >= 0).reduce((a, b) => a * b, 1);
    const shape = sizes.map((n) => (n < 0 ? total / known : n));
    const to = (index) => {
      let flat = index.reduce((sum, place, axis) => sum * shape[axis] + place, 0);
      const from = [];
      for (let axis = x.shape.length - 1; axis >= 0; axis--) {
        from.unshift(flat % x.shape[axis]);
        flat = Math.floor(flat / x.shape[axis]);
      }
      return from;
    };
    return view(x, shape, to, tree);
  }

  part(tree, x, cuts, visit) {
    const numberOf = (cut) => {
      const found = this.value(cut, visit);
      if (found.text) return { start: Number(found.text.split(":")[0] || 0) };
      if (found.shape.length) throw new Unknown("");
      return found.at([]);
    };
    /** @type {{axis?: number, start?: number, fixed?: number}[]} of the result, and those of x that are fixed at a place */
    const axes = [];
    let axis = 0;
    const fromEnd = (place) => (place < 0 ? x.shape[axis] + place : place);
    const keep = (start) => axes.push({ start: fromEnd(start), axis: axis++ });
    for (const [kind, cut] of cuts) {
      if (kind === "new") axes.push({});
      else if (kind === "from") keep(numberOf(cut));
      else if (kind === "rest") {
        const left = x.shape.length - cuts.filter(([k]) => k === "at" || k === "from").length;
        for (let i = 0; i < left; i++) keep(0);
      } else {
        const at = numberOf(cut);
        if (typeof at === "object") keep(at.start);
        else axes.push({ fixed: fromEnd(at), axis: axis++ });
      }
    }
    while (axis < x.shape.length) keep(0);
    const kept = axes.filter((a) => a.fixed === undefined);
    const own = axes.filter((a) => a.axis !== undefined);
    const to = (index) => own.map((a) => a.fixed ?? index[kept.indexOf(a)] + a.start);
    return view(x, kept.map((a) => (a.axis === undefined ? 1 : x.shape[a.axis] - a.start)), to, tree);
  }

  called(tree, visit) {
    const [, name, ...given] = tree;
    const child = this.child(tree, visit);
    if (child !== undefined) {
      const [number] = this.recording.calls[child].returned;
      if (number === null || number === undefined) throw new Unknown("");
      return { ...this.array(number), call: child };
    }
    if (NAMED[name] && given.length > 1) return this.value([NAMED[name], ...given.slice(0, 2)], visit);
    if (SAME.has(name)) return this.value(given[0], visit);
    if (UNARY[name] && given.length) {
      const x = this.value(given[0], visit);
      return { shape: x.shape, at: (index) => UNARY[name](x.at(index)) };
    }
    if (BINARY[name]) return this.pair(name, this.value(given[0], visit), this.value(given[1], visit));
    if (name === "vecdot") return this.value(["reduce", "sum", ["*", ...given], false], visit);
    throw new Unknown("");
  }

  /** The recorded call that a call in an expression is, if it was recorded. */
  child(tree, visit) {
    const { calls } = this.recording.visits[visit];
    const statement = this.recording.statement(visit);
    const like = [...nodes(statement?.value)].filter(([kind, name]) => kind === "call" && name === tree[1]);
    const named = calls.filter((c) => bareName(this.recording.calls[c].function.name) === tree[1]);
    return named[Math.max(0, like.indexOf(tree))];
  }

  // ---- in writing

  /** The tree as source. */
  text(tree) {
    const [kind, ...parts] = tree;
    const inner = (part) => (RANK[part[0]] && RANK[part[0]] < (RANK[kind] ?? 9) ? `(${this.text(part)})` : this.text(part));
    if (kind === "name" || kind === "number" || kind === "?") return String(parts[0]);
    if (RANK[kind]) return `${inner(parts[0])} ${kind} ${inner(parts[1])}`;
    if (kind === "turned") return `${inner(parts[0])}ᵀ`;
    if (kind === "reduce") return `${parts[0]}(${this.text(parts[1])})`;
    if (kind === "call") return `${parts[0]}(${parts.slice(1).map((p) => this.text(p)).join(", ")})`;
    if (kind === "part") return `${inner(parts[0])}[…]`;
    if (kind === "choice") return this.text(this.chosen ?? parts[0]);
    if (kind === "size") return `${this.text(parts[0])}.shape[${this.text(parts[1])}]`;
    return Array.isArray(parts[0]) ? this.text(parts[0]) : "…";
  }

  /** The tree with the numbers of one index in the place of its names. Sums are collected in `sums`, to be shown term by
   * term; names that this call has made in `names`. */
  written(tree, index, visit, sums, names, above = 0) {
    const [kind, ...parts] = tree;
    const go = (part, rank = 0) => this.written(part, index, visit, sums, names, rank);
    const number = (x) => {
      const s = this.digits(x);
      return x < 0 && above > 0 ? `(${s})` : s;
    };
    const here = () => {
      const x = this.value(tree, visit);
      return number(x.at(fitted(index, x.shape)));
    };
    if (kind === "number") return this.digits(parts[0]);
    if (kind === "choice") return this.written(this.chosen ?? parts[0], index, visit, sums, names, above);
    if (kind === "name") {
      names.add(parts[0]);
      return here();
    }
    if (RANK[kind] && kind !== "@") {
      const body = `${go(parts[0], RANK[kind])}${SIGN[kind]}${go(parts[1], RANK[kind] + 0.5)}`;
      return RANK[kind] < above ? `(${body})` : body;
    }
    if (kind === "@" || kind === "reduce") {
      sums.push(this.terms(tree, index, visit));
      return here();
    }
    if (kind === "call" && this.child(tree, visit) === undefined && (UNARY[parts[0]] || BINARY[parts[0]])) {
      const inside = parts.slice(1).map((p) => go(p)).join(", ");
      return parts[0] === "sqrt" ? `√(${inside})` : `${parts[0]}(${inside})`;
    }
    return here();
  }

  /** A sum (a product of matrices, a mean, a largest) term by term. */
  terms(tree, index, visit) {
    const [kind, first, second] = tree;
    const whole = this.value(tree, visit);
    const place = fitted(index, whole.shape);
    const sum = { what: this.text(tree), total: whole.at(place) };
    if (kind === "@") {
      const a = this.value(first, visit);
      const factors = this.factors(a, this.value(second, visit));
      const pairs = range(a.shape.at(-1)).map((k) => factors.map((factor) => factor(place, k)));
      const heads = [this.text(first), this.text(second)];
      return { ...sum, how: "sum", heads, rows: pairs.map(([p, q]) => [p, q, p * q]), axis: this.axisOf(first, visit) };
    }
    const x = this.value(second, visit);
    const lead = index.slice(-x.shape.length).slice(0, x.shape.length - 1);
    const rows = range(x.shape.at(-1)).map((k) => [x.at([...lead, k])]);
    return { ...sum, how: first, heads: [], rows, axis: this.axisOf(second, visit) };
  }

  /** [name, array] that the last axis of a tree belongs to, for its labels. */
  axisOf(tree, visit) {
    if (tree[0] === "name") {
      const found = this.recording.bound(this.recording.visits[visit].call, tree[1], visit);
      return Array.isArray(found?.value) ? [tree[1], found.value[0]] : null;
    }
    if (tree[0] === "call" && this.child(tree, visit) !== undefined) return null;
    for (const part of tree.slice(1)) {
      const found = Array.isArray(part) && tree[0] !== "turned" ? this.axisOf(part, visit) : null;
      if (found) return found;
    }
    return null;
  }
}
