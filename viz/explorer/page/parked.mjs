// Parked attention of one query: what a word gives to special tokens such as [CLS] and [SEP], and what it is sent from there.
//
//   parked = sum over special j of attention_ij
//   moved  = the same sum of attention_ij |v_j W_O|, as a share of the sum over all j        (viz/measures/parking.py)

import { readValue } from "./matrix.mjs";
import { percent } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

/** {parked, moved: null where the lengths are not known}. special: places in the row. */
export function parkedBy(row, lengths, special) {
  const on = (all) => special.reduce((sum, j) => sum + all[j], 0);
  const sent = lengths && row.map((share, j) => share * lengths[j]);
  return { parked: on(row), moved: sent && on(sent) / (sent.reduce((a, b) => a + b, 0) || 1) };
}

/** What the chosen query parks, in words; nothing for one that is no word, or where no special token is on. */
export function parkedText(app) {
  const { head, sentence: { tokens, words }, state: { sentence, query } } = app;
  const special = words.flatMap((word, j) => (word === null && !app.hides(query, j) ? [j] : []));
  if (words[query] === null || app.off.has(query) || !special.length) return "";
  const row = app.row(query);
  const { parked, moved } = parkedBy(row, head.movedLengths(sentence), special);
  const most = special.reduce((a, b) => (row[b] > row[a] ? b : a));
  const told = say("parked_query", { share: percent(parked), key: tokens[most] });
  return moved === null ? told : `${told} ${say("parked_moved", { share: percent(moved) })}`;
}

/** What the words of all sentences park in the chosen head, in words; nothing for one that does not park. */
export function parkedHead({ data, state: { layer, head } }) {
  const value = (name) => data.columnValue(name, layer, head);
  const column = data.column("parking");
  if (!column || column.kinds[value("parking")] === "words") return "";
  return say("parked_head", { kind: readValue(column, value("parking")), parked: percent(value("parked")), moved: percent(value("parked_moved")) });
}
