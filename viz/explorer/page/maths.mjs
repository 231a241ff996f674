// The numbers of one query and one key, from the dot product to the share of the value that moves.

import { exponentialsOf, largestFirst, rankOf } from "./attention.mjs";
import { digits, percent } from "../../web/numbers.mjs";
import { button, byId, element, heading, table, tableRow } from "../../web/dom.mjs";
import { info } from "./info.mjs";
import { parkedText } from "./parked.mjs";
import { CanvasPainter } from "./painter.mjs";
import { distancesFrom, flatDistances } from "./places.mjs";
import { say } from "../../web/words.mjs";

/** The variable of minibert/attention.py whose number the link to its code opens. A test compares it with that file. */
export const ATTENTION_IN_PYTHON = "attention_HTS";

/** Fills `panel` with the computation for the chosen query and key, or with what to choose first. */
export function showMaths(panel, app) {
  const { data, state } = app;
  const { query, key } = state;
  const sentence = data.sentences[state.sentence];
  panel.replaceChildren();
  const tell = (...parts) => panel.append(element("p", {}, ...parts));
  if (!app.attention()) return tell(say("sentence_left_out"));
  if (query < 0) return tell(say("maths_choose"));
  const token = (i) => sentence.tokens[i];
  if (app.off.has(query) && !data.isTyped(state.sentence)) return tell(say("maths_no_row", { token: token(query) }));

  const hidden = new Set([...app.off].filter((j) => app.hides(query, j)));
  const scores = app.head.scores(state.sentence).subarray(query * sentence.size, (query + 1) * sentence.size);
  const space = distancesFrom(app.head, state.sentence, state.method, query);
  const q = element("b", { class: "query" }, named(sentence, query));
  if (key < 0) tell(q, " ", say("maths_row"));
  else if (hidden.has(key)) tell(element("b", { class: "key" }, named(sentence, key)), " ", say("maths_nothing"));
  else {
    tell(q, " → ", element("b", { class: "key" }, named(sentence, key)));
    panel.append(...attentionSteps(app, scores, hidden), ...distanceSteps(app, space, hidden));
  }
  const parked = parkedText(app);
  if (parked) panel.append(element("p", { id: "parked" }, parked, " ", info("parked")));
  const rows = element("div", { class: "rows" }, rowTable(app, scores, space.distances, hidden));
  panel.append(rows);
  const chosen = rows.querySelector(".chosen");
  if (chosen) rows.scrollTop = chosen.offsetTop - rows.clientHeight / 2;
}

const step = (about, name, ...value) => element("div", { class: "step" }, element("span", {}, name, " ", info(about)), element("output", {}, ...value));

/** From the dot product to the share of the value. scores: those of the query; hidden: keys that it does not see. */
function attentionSteps(app, scores, hidden) {
  const { data, head, sentence: { start, size }, state: { sentence, query, key } } = app;
  const row = app.row(query);
  const root = Math.sqrt(data.headSize);
  const { highest, exponentials, total } = exponentialsOf(scores, hidden);
  const steps = [
    step("dot", "q · k", digits(scores[key] * root)),
    step("root", `÷ √${data.headSize} = ${digits(root)}`, digits(scores[key])),
    step("exponential", `e^(${say("score")} − ${digits(highest)})`, digits(exponentials[key], 4)),
    step("attention", say("maths_sum", { total: digits(total, 4) }), element("strong", { id: "pair-attention" }, row[key].toFixed(3))),
  ];
  const vectors = [head.vector(0, start + query), head.vector(1, start + key)];
  if (vectors[0]) steps.unshift(stripes(app.theme, ...vectors));
  const lengths = head.valueLengths(sentence);
  if (lengths) {
    const moved = row.map((a, j) => a * lengths[j]);
    const share = moved[key] / (moved.reduce((a, b) => a + b) || 1);
    steps.push(step("value", say("maths_value", { length: digits(lengths[key]) }), digits(moved[key])), step("share", say("maths_share"), percent(share, 1)));
  }
  return [...steps, element("p", {}, say("maths_place", { place: rankOf(row, key), count: size - hidden.size }))];
}

/** From both lengths and the dot product to the distance, in the full space and in the picture. */
function distanceSteps(app, space, hidden) {
  const { data, state } = app;
  const { query, key, method } = state;
  const moved = ["raw", "attention"].includes(method) ? "" : "~";
  const flat = flatDistances(app.head, state);
  const steps = [
    element("h2", {}, say("maths_near", { method: say(`method_${method}`) }), " ", info("distance")),
    step("lengths", `|q${moved}|²`, digits(space.query, 2)),
    step("lengths", `+ |k${moved}|²`, digits(space.keys[key], 2)),
    step("product", `− 2 q${moved} · k${moved}`, digits(-2 * space.dots[key], 2)),
    step("distance", `= ${say("distance")}²`, digits(space.distances[key] ** 2, 2)),
    step("distance", say("maths_full"), element("strong", { id: "pair-distance" }, digits(space.distances[key], 2))),
    step("flat", say("maths_flat", { dims: state.dims }), digits(flat[key], 2)),
    element("p", {}, say("maths_nearest", { full: app.nearness(space.distances, key), flat: app.nearness(flat, key), count: flat.length - hidden.size })),
  ];
  if (data.code && state.sentence === 0) {
    const place = `array=${ATTENTION_IN_PYTHON}&layer=${state.layer}&head=${state.head}&row=${query}&column=${key}`;
    steps.push(element("p", {}, element("a", { id: "to-code", href: `${data.code}#${place}` }, say("maths_code"))));
  }
  return steps;
}

/** A token by its name, and by its position where the name comes more than once. */
export function named(sentence, i) {
  const twice = sentence.tokens.indexOf(sentence.tokens[i]) !== sentence.tokens.lastIndexOf(sentence.tokens[i]);
  return twice ? `${sentence.tokens[i]} (${i})` : sentence.tokens[i];
}

/** Softmax over the row: each key with score, attention and distance. */
function rowTable(app, scores, distances, hidden) {
  const { sentence, state: { query, key } } = app;
  const row = app.row(query);
  const rows = largestFirst(row).map((j) => {
    const off = hidden.has(j);
    const bar = element("i", { class: "bar", style: `width: ${100 * row[j]}%` });
    const name = button(named(sentence, j), () => {
      app.set({ query, key: j });
      byId("maths").querySelector("tr.chosen button").focus();
    }, { class: "plain key" });
    const attention = off ? say("off") : row[j].toFixed(3);
    const cells = [name, digits(scores[j], 2), attention, digits(distances[j], 2)];
    const looks = { class: (j === key ? "chosen " : "") + (off ? "off" : "") };
    return tableRow([...cells, element("td", { class: "bars" }, bar)], looks);
  });
  const head = ["key", "score", "attention", "distance"].map((name) => heading(say(name)));
  const label = say("maths_table", { token: sentence.tokens[query] });
  return table([...head, ""], rows, { class: "row-table", "aria-label": label });
}

/** q, k and their product, a stripe a coordinate: the dot product is the sum of the last row. */
function stripes(theme, query, key) {
  const canvas = element("canvas", { width: 560, height: 132, role: "img", "aria-label": say("maths_stripes") });
  const painter = new CanvasPainter(canvas, 1);
  const rows = [["q", query, theme.query], ["k", key, theme.key], ["q × k", query.map((x, i) => x * key[i]), theme.attention]];
  rows.forEach(([name, values, color], r) => {
    const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    const [x0, middle, wide] = [76, 22 + r * 44, (560 - 76) / values.length];
    painter.text(name, 4, middle, { color, size: 24 });
    values.forEach((value, i) => {
      const height = (value / largest) * 19;
      painter.rect(x0 + i * wide, middle - Math.max(height, 0), Math.max(1, wide - 1), Math.max(1, Math.abs(height)), { fill: color });
    });
  });
  return element("figure", {}, canvas, element("figcaption", {}, say("maths_stripes_sum")));
}
