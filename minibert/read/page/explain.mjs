// How a number came about: block by block, from the line that made it back through the functions it came from.

import { Unknown, Unpacked, fitted, nodes } from "./arithmetic.mjs";
import { bareName } from "./recording.mjs";

const DEEP = 4; // blocks at most: the line, and what it called
const WHERE = 6; // names explained below an expression

/** @typedef {{how: string, what: string, heads: string[], rows: number[][], total: number, axis: [string, number] | null}} Sum */
/** @typedef {{name: string, again: boolean, text: string, written: string, value: number}} Where a name in an expression, and its own expression */
/** @typedef {{name: string, made: string, visit: number, index: any}} Origin where a given array was made */
/** @typedef {{visit: number, name: string, index: number[], source: string, notes: string[], written?: string, value?: number, sums: Sum[], where: Where[], origins: Origin[]}} Block a line, and what it computed */

/**
 * How the number at an index of what `name` was bound to by a visit came about, unpacking what is needed on the way.
 * @returns {Promise<Block[]>}
 */
export async function explanation(arithmetic, visit, name, index) {
  for (;;) {
    try {
      const explained = new Explanation(arithmetic);
      explained.visit(visit, name, index);
      return explained.blocks;
    } catch (missing) {
      if (!(missing instanceof Unpacked)) throw missing;
      await arithmetic.recording.numbers(missing.array);
    }
  }
}

class Explanation {
  constructor(arithmetic) {
    this.arithmetic = arithmetic;
    this.recording = arithmetic.recording;
    /** @type {Block[]} */
    this.blocks = [];
  }

  /** The tree of one of the names that a visit made. */
  treeOf(visit, name) {
    const statement = this.recording.statement(visit);
    const which = statement?.names.indexOf(name) ?? -1;
    if (which < 0) return null;
    if (statement.names.length === 1) return { tree: statement.value };
    if (statement.value[0] === "tuple") return { tree: statement.value[1 + which] };
    return { tree: statement.value, which };
  }

  visit(visit, name, index) {
    const { made, calls } = this.recording.visits[visit];
    const block = { visit, name, index, source: this.recording.sourceLine(visit), notes: [], sums: [], where: [], origins: [] };
    this.blocks.push(block);
    const found = this.treeOf(visit, name);
    if (!found) return;
    this.choose(found.tree, visit, made[name], index);
    const tree = found.tree[0] === "choice" ? this.arithmetic.chosen : found.tree;
    if (this.arithmetic.chosen) block.notes.push(`The branch that ran: \`${this.arithmetic.text(this.arithmetic.chosen)}\`.`);
    const [child, which] = this.childOf(tree, visit, calls, made[name]?.[0], found.which ?? 0);
    if (child !== undefined) return void this.call(block, child, which, index);
    try {
      const value = this.arithmetic.value(tree, visit);
      if (value.to) this.view(block, value, visit, index);
      else if (tree[0] === "name") this.origin(block, tree[1], visit, index);
      else this.write(block, tree, visit, index);
    } catch (problem) {
      if (!(problem instanceof Unknown)) throw problem;
      if (problem.message) block.notes.push(`Not written out: ${problem.message}.`);
      block.sums = [];
    }
  }

  /** The call that made an array, and which of its results the array is: a call by name, or by a name that stands for a function. */
  childOf(tree, visit, calls, array, which) {
    if (tree[0] === "call" && this.arithmetic.child(tree, visit) !== undefined) return [this.arithmetic.child(tree, visit), which];
    const last = calls.at(-1);
    const at = last === undefined ? -1 : this.recording.calls[last].returned.indexOf(array);
    return (tree[0] === "call" || tree[0] === "?") && at >= 0 ? [last, at] : [];
  }

  /** Of `a if ... else b` the one that ran is the one with the numbers that came out. */
  choose(tree, visit, made, index) {
    this.arithmetic.chosen = null;
    const choice = [...nodes(tree)].findLast(([kind]) => kind === "choice");
    if (!choice) return;
    const wanted = Array.isArray(made) ? this.arithmetic.array(made[0]).at(index) : NaN;
    const near = (branch) => {
      this.arithmetic.chosen = branch;
      try {
        const value = this.arithmetic.value(tree, visit);
        return Math.abs(value.at(fitted(index, value.shape)) - wanted);
      } catch (problem) {
        if (problem instanceof Unpacked) throw problem;
        return Infinity;
      }
    };
    const [first, second] = [near(choice[1]), near(choice[2])];
    this.arithmetic.chosen = second < first ? choice[2] : choice[1];
  }

  call(block, child, which, index) {
    const { function: { name }, visits } = this.recording.calls[child];
    block.notes.push(`\`${bareName(name)}\` returned it.`);
    const last = visits.at(-1);
    if (last === undefined || this.blocks.length >= DEEP) return;
    const statement = this.recording.statement(last);
    const returned = statement?.names[which];
    if (!returned?.startsWith("returned")) return;
    const tree = statement.names.length > 1 && statement.value[0] === "tuple" ? statement.value[1 + which] : statement.value;
    if (tree[0] === "name") this.origin(null, tree[1], last, index);
    else this.visit(last, returned, index);
  }

  write(block, tree, visit, index) {
    const value = this.arithmetic.value(tree, visit);
    const names = new Set();
    block.written = this.arithmetic.written(tree, index, visit, block.sums, names);
    block.value = value.at(fitted(index, value.shape));
    this.where(block, names, visit, index);
    this.origins(block, tree, visit, index);
  }

  /** Where the arrays come from that a function was given: one can go on from there. */
  origins(block, tree, visit, index) {
    const { call } = this.recording.visits[visit];
    const by = (name) => this.recording.bound(call, name, visit)?.visit ?? visit;
    const where = block.where.map(({ name }) => this.treeOf(by(name), name)?.tree);
    const named = [...nodes([tree, ...where])].filter(([kind]) => kind === "name");
    for (const name of new Set(named.map((node) => node[1]))) {
      const found = this.recording.bound(call, name, visit);
      const maker = found?.visit === null && Array.isArray(found.value) ? this.maker(found.value[0], visit, true) ?? this.maker(found.value[0], visit) : undefined;
      if (maker === undefined) continue;
      const made = this.recording.nameOf(maker, found.value[0]);
      const { shape, rows } = this.recording.arrays[found.value[0]];
      const place = shape.length <= index.length ? fitted(index, shape) : null;
      const inside = place?.every((i, axis) => i < (axis === 0 && rows !== null ? rows : shape[axis]));
      block.origins.push({ name, made, visit: maker, index: inside ? place : { head: 0 } });
    }
  }

  /** A view moves no number: go on with the number it shows. */
  view(block, value, visit, index) {
    const from = value.to(index);
    block.value = value.at(index);
    let [inner, place] = [value.tree, from];
    for (let next = this.arithmetic.value(inner, visit); next.to; next = this.arithmetic.value(inner, visit)) {
      place = next.to(place);
      inner = next.tree;
    }
    if (inner[0] === "name") this.origin(block, inner[1], visit, place, "The same number in another place of");
    else if (inner[0] === "call" && this.arithmetic.child(inner, visit) !== undefined) this.call(block, this.arithmetic.child(inner, visit), 0, place);
    else this.write(block, inner, visit, place);
  }

  /** Go on where the array was made that a name stands for. */
  origin(block, name, visit, index, words = "The same number as") {
    const { call } = this.recording.visits[visit];
    const found = this.recording.bound(call, name, visit);
    if (!Array.isArray(found?.value)) return;
    if (block) {
      if (!block.notes.length) block.notes.push(`${words} \`${name}\`.`); // else the branch that ran is this name
      block.value = this.arithmetic.array(found.value[0]).at(index);
    }
    if (this.blocks.length >= DEEP) return;
    const maker = found.visit ?? this.maker(found.value[0], visit);
    if (maker === undefined) return;
    this.visit(maker, this.recording.nameOf(maker, found.value[0]) ?? name, index);
  }

  /** The visit that was done first of those that made an array, and were done before; with letters in its name if asked. */
  maker(array, before, lettered = false) {
    const { visits } = this.recording;
    let first;
    for (let v = 0; v < before; v++) {
      const { made, end } = visits[v];
      if (end > before || (first !== undefined && end > visits[first].end)) continue;
      if (Object.entries(made).some(([name, x]) => Array.isArray(x) && x[0] === array && (!lettered || /_[A-Z]+$/u.test(name)))) first = v;
    }
    return first;
  }

  /** "where e = exp(safe) = exp(1.20) = 3.32": the names of an expression that the same call has made, and theirs. */
  where(block, names, visit, index) {
    const { call } = this.recording.visits[visit];
    const waiting = [...names].map((name) => [name, visit]);
    const done = new Set();
    while (waiting.length && block.where.length < WHERE) {
      const [name, before] = waiting.shift();
      const found = this.recording.bound(call, name, before);
      if (!found || found.visit === null || !Array.isArray(found.value) || done.has(`${name} ${found.visit}`)) continue;
      done.add(`${name} ${found.visit}`);
      const tree = this.treeOf(found.visit, name)?.tree;
      if (!tree) continue;
      const again = block.where.some((line) => line.name === name) || block.name === name;
      try {
        const value = this.arithmetic.array(found.value[0]);
        const place = fitted(index, value.shape);
        this.choose(tree, found.visit, found.value, place);
        const more = new Set();
        const written = this.arithmetic.written(tree, place, found.visit, block.sums, more);
        block.where.push({ name, again, text: this.arithmetic.text(tree), written, value: value.at(place) });
        waiting.push(...[...more].map((next) => [next, found.visit]));
      } catch (problem) {
        if (!(problem instanceof Unknown)) throw problem;
        if (problem.message) block.notes.push(`\`${name} = ${this.arithmetic.text(tree)}\` is not written out: ${problem.message}.`);
      }
    }
  }
}
