// The numbers of one query and one key, from the dot product to the share of the value that moves.

import { exponentialsOf, rankOf } from "./attention.mjs";
import { digits, percent } from "../../web/numbers.mjs";
import { button, byId, element, heading, table, tableRow } from "../../web/dom.mjs";
import { info } from "./info.mjs";
import { distancesFrom, flatDistance } from "./places.mjs";
import { say } from "../../web/words.mjs";

/** The variable of minibert/attention.py whose number the link to its code opens. A test compares it with that file. */
export const ATTENTION_IN_PYTHON = "attention_HTS";

/** All numbers of a pair, computed from what the page holds. attention: [size * size], switched-off tokens left out. */
export function pairNumbers(data, head, sentence, attention, query, key, off) {
  const { size, start } = data.sentences[sentence];
  const scores = head.scores(sentence).subarray(query * size, (query + 1) * size);
  const row = attention.subarray(query * size, (query + 1) * size);
  const { highest, exponentials, total } = exponentialsOf(scores, off);
  const lengths = head.valueLengths(sentence);
  const moved = lengths && Float64Array.from(row, (a, j) => a * lengths[j]);
  const all = moved && moved.reduce((a, b) => a + b, 0);
  return {
    dot: scores[key] * Math.sqrt(data.headSize), root: Math.sqrt(data.headSize), score: scores[key], highest,
    exponential: exponentials[key], total, attention: row[key],
    valueLength: lengths?.[key] ?? null, moved: moved?.[key] ?? null, share: moved ? moved[key] / (all || 1) : null,
    queryVector: head.vector(0, start + query), keyVector: head.vector(1, start + key),
    scores, row, place: rankOf(row, key),
  };
}

/** Fills `panel` with the computation for the chosen query and key, or with what to choose first. */
export function showMaths(panel, app) {
  const { data, state } = app;
  const { query, key } = state;
  const sentence = data.sentences[state.sentence];
  panel.replaceChildren();
  const tell = (...parts) => panel.append(element("p", {}, ...parts));
  const attention = app.attention();
  if (!attention) return tell(say("sentence_left_out"));
  if (query < 0) return tell(say("maths_choose"));
  const token = (i) => sentence.tokens[i];
  if (app.off.has(query) && !data.isTyped(state.sentence)) return tell(say("maths_no_row", { token: token(query) }));

  const head = data.head(state.layer, state.head);
  const hidden = new Set([...app.off].filter((j) => app.hides(query, j)));
  const numbers = pairNumbers(data, head, state.sentence, attention, query, Math.max(key, 0), hidden);
  const space = distancesFrom(head, state.sentence, state.method, query);
  const q = element("b", { class: "query" }, named(sentence, query));
  if (key < 0) tell(q, " ", say("maths_row"));
  else if (hidden.has(key)) tell(element("b", { class: "key" }, named(sentence, key)), " ", say("maths_nothing"));
  else {
    tell(q, " → ", element("b", { class: "key" }, named(sentence, key)));
    panel.append(...attentionSteps(app, numbers, sentence.size - hidden.size), ...distanceSteps(app, head, space, hidden));
  }
  const rows = element("div", { class: "rows" }, rowTable(app, sentence, numbers, space.distances, query, key, hidden));
  panel.append(rows);
  const chosen = rows.querySelector(".chosen");
  if (chosen) rows.scrollTop = chosen.offsetTop - rows.clientHeight / 2;
}

const step = (about, name, ...value) => element("div", { class: "step" }, element("span", {}, name, " ", info(about)), element("output", {}, ...value));

/** From the dot product to the share of the value; `count` keys are looked at. */
function attentionSteps(app, numbers, count) {
  const steps = [
    step("dot", "q · k", digits(numbers.dot)),
    step("root", `÷ √${app.data.headSize} = ${digits(numbers.root)}`, digits(numbers.score)),
    step("exponential", `e^(${say("score")} − ${digits(numbers.highest)})`, digits(numbers.exponential, 4)),
    step("attention", say("maths_sum", { total: digits(numbers.total, 4) }), element("strong", { id: "pair-attention" }, numbers.attention.toFixed(3))),
  ];
  if (numbers.queryVector) steps.unshift(stripes(app, numbers));
  if (numbers.moved !== null) {
    steps.push(
      step("value", say("maths_value", { length: digits(numbers.valueLength) }), digits(numbers.moved)),
      step("share", say("maths_share"), percent(numbers.share, 1)),
    );
  }
  return [...steps, element("p", {}, say("maths_place", { place: numbers.place, count }))];
}

/** From both lengths and the dot product to the distance, in the full space and in the picture. */
function distanceSteps({ data, state }, head, space, hidden) {
  const { query, key, method } = state;
  const { start, size, tokens } = data.sentences[state.sentence];
  const moved = ["raw", "attention"].includes(method) ? "" : "~";
  const flat = tokens.map((_, j) => flatDistance(head, method, state.dims, start + query, start + j));
  const nearer = (distances) => distances.filter((d, j) => !hidden.has(j) && d < distances[key] - 1e-9).length + 1;
  const steps = [
    element("h2", {}, say("maths_near", { method: say(`method_${method}`) }), " ", info("distance")),
    step("lengths", `|q${moved}|²`, digits(space.query, 2)),
    step("lengths", `+ |k${moved}|²`, digits(space.keys[key], 2)),
    step("product", `− 2 q${moved} · k${moved}`, digits(-2 * space.dots[key], 2)),
    step("distance", `= ${say("distance")}²`, digits(space.distances[key] ** 2, 2)),
    step("distance", say("maths_full"), element("strong", { id: "pair-distance" }, digits(space.distances[key], 2))),
    step("flat", say("maths_flat", { dims: state.dims }), digits(flat[key], 2)),
    element("p", {}, say("maths_nearest", { full: nearer(space.distances), flat: nearer(flat), count: size - hidden.size })),
  ];
  if (data.code && state.sentence === 0) {
    const place = `array=${ATTENTION_IN_PYTHON}&layer=${state.layer}&head=${state.head}&row=${query}&column=${key}`;
    steps.push(element("p", {}, element("a", { id: "to-code", href: `${data.code}#${place}` }, say("maths_code"))));
  }
  return steps;
}

/** A token by its name, and by its position where the name comes more than once. */
function named(sentence, i) {
  const twice = sentence.tokens.indexOf(sentence.tokens[i]) !== sentence.tokens.lastIndexOf(sentence.tokens[i]);
  return twice ? `${sentence.tokens[i]} (${i})` : sentence.tokens[i];
}

/** Softmax over the row: each key with score, attention and distance. */
function rowTable(app, sentence, numbers, distances, query, key, hidden) {
  const order = [...numbers.row.keys()].sort((a, b) => numbers.row[b] - numbers.row[a] || a - b);
  const rows = order.map((j) => {
    const off = hidden.has(j);
    const bar = element("i", { class: "bar", style: `width: ${100 * numbers.row[j]}%` });
    const name = button(named(sentence, j), () => {
      app.set({ query, key: j });
      byId("maths").querySelector("tr.chosen button").focus();
    }, { class: "plain key" });
    const attention = off ? say("off") : numbers.row[j].toFixed(3);
    const cells = [name, digits(numbers.scores[j], 2), attention, digits(distances[j], 2)];
    const looks = { class: (j === key ? "chosen " : "") + (off ? "off" : "") };
    return tableRow([...cells, element("td", { class: "bars" }, bar)], looks);
  });
  const head = ["key", "score", "attention", "distance"].map((name) => heading(say(name)));
  const label = say("maths_table", { token: sentence.tokens[query] });
  return table([...head, ""], rows, { class: "row-table", "aria-label": label });
}

/** q, k and their product, a stripe a coordinate: the dot product is the sum of the last row. */
function stripes(app, { queryVector, keyVector }) {
  const canvas = element("canvas", { width: 560, height: 132, role: "img", "aria-label": say("maths_stripes") });
  const context = canvas.getContext("2d");
  const product = queryVector.map((x, i) => x * keyVector[i]);
  const rows = [["q", queryVector, app.theme.query], ["k", keyVector, app.theme.key], ["q × k", product, app.theme.attention]];
  rows.forEach(([name, values, color], r) => {
    const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    const [x0, middle, wide] = [76, 22 + r * 44, 560 - 76];
    context.fillStyle = color;
    context.font = "24px sans-serif";
    context.textBaseline = "middle";
    context.fillText(name, 4, middle);
    values.forEach((value, i) => {
      const height = (value / largest) * 19;
      context.fillRect(x0 + (i * wide) / values.length, middle - Math.max(height, 0), Math.max(1, wide / values.length - 1), Math.max(1, Math.abs(height)));
    });
  });
  return element("figure", {}, canvas, element("figcaption", {}, say("maths_stripes_sum")));
}
