// Why one query attends to one key, from the terms of its scores: the largest, the rest, their sum, and what the
// attention would be without each.

import { exponentialsOf } from "./attention.mjs";

/** Terms that are shown by themselves, as `minibert why` prints them. */
export const SHOWN = 8;

const total = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** The row of scores that the terms [P * P * S] add up to. */
export function rowOf({ names, terms }) {
  const row = new Float64Array(terms.length / names.length ** 2);
  terms.forEach((term, i) => (row[i % row.length] += term));
  return row;
}

/**
 * The reasons for one key. found: {names, terms} of the query. instead: another key to compare with; -1: the mean over
 * the keys. hidden: keys that the query does not see.
 * Returns {attention, terms: [{ofQuery, ofKey, value, without}, ...] (largest first), others, rest, sum}; rest is the
 * sum of the `others` terms that are not shown. without: the attention if the term is taken out of the scores.
 */
export function reasonsOf(found, key, instead, hidden) {
  const { names, terms } = found;
  const row = rowOf(found);
  const size = row.length;
  const keys = [...row.keys()].filter((s) => !hidden.has(s));
  const term = (i) => terms.subarray(i * size, (i + 1) * size);
  const mean = (numbers) => total(keys.map((s) => numbers[s])) / keys.length;
  const less = (numbers) => numbers[key] - (instead < 0 ? mean(numbers) : numbers[instead]);
  const values = Array.from({ length: names.length ** 2 }, (_, i) => less(term(i)));
  const attention = (scores) => {
    const { exponentials, total: all } = exponentialsOf(scores, hidden);
    return exponentials[key] / all;
  };
  const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
  const shown = order.slice(0, SHOWN).map((i) => ({
    ofQuery: names[Math.floor(i / names.length)], ofKey: names[i % names.length], value: values[i],
    without: attention(row.map((score, s) => score - (term(i)[s] - mean(term(i))))),
  }));
  const sum = total(values);
  const rest = sum - total(shown.map(({ value }) => value));
  return { attention: attention(row), terms: shown, others: values.length - shown.length, rest, sum };
}
