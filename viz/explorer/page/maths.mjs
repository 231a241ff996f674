// The very numbers of one query and one key, from the dot product to the share of the value that moves.

import { place } from "./attention.mjs";
import { digits, percent } from "../../web/numbers.mjs";
import { element } from "../../web/dom.mjs";
import { info } from "./info.mjs";
import { distancesFrom, flatDistance } from "./places.mjs";
import { say } from "../../web/words.mjs";

/** All numbers of a pair, computed from what the page holds. attention: [size * size], switched-off tokens left out. */
export function pairNumbers(data, head, sentence, attention, query, key, off) {
  const { size, start } = data.sentences[sentence];
  const scores = head.scores(sentence).subarray(query * size, (query + 1) * size);
  const row = attention.subarray(query * size, (query + 1) * size);
  const kept = [...row.keys()].filter((j) => !off.has(j));
  const highest = Math.max(...kept.map((j) => scores[j]));
  const exponentials = Float64Array.from(scores, (s, j) => (off.has(j) ? 0 : Math.exp(s - highest)));
  const lengths = head.valueLengths(sentence);
  const moved = lengths && Float64Array.from(row, (a, j) => a * lengths[j]);
  const all = moved && moved.reduce((a, b) => a + b, 0);
  return {
    dot: scores[key] * Math.sqrt(data.headSize), root: Math.sqrt(data.headSize), score: scores[key], highest,
    exponential: exponentials[key], total: exponentials.reduce((a, b) => a + b, 0), attention: row[key],
    valueLength: lengths?.[key] ?? null, moved: moved?.[key] ?? null, share: moved ? moved[key] / (all || 1) : null,
    queryVector: head.vector(0, start + query), keyVector: head.vector(1, start + key),
    scores, row, exponentials, place: place(row, key),
  };
}

/** Fills `panel` with the computation for the chosen query and key, or says what to choose. */
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
  if (key < 0) {
    tell(q, " ", say("maths_row"));
  } else if (hidden.has(key)) {
    tell(element("b", { class: "key" }, named(sentence, key)), " ", say("maths_nothing"));
  } else {
    const k = element("b", { class: "key" }, named(sentence, key));
    tell(q, " → ", k);
    if (numbers.queryVector) panel.append(stripes(app, numbers));
    const step = (about, name, ...value) => element("div", { class: "step" }, element("span", {}, name, " ", info(about)), element("output", {}, ...value));
    panel.append(
      step("dot", "q · k", digits(numbers.dot)),
      step("root", `÷ √${data.headSize} = ${digits(numbers.root)}`, digits(numbers.score)),
      step("exponential", `e^(${say("score")} − ${digits(numbers.highest)})`, digits(numbers.exponential, 4)),
      step("attention", say("maths_sum", { total: digits(numbers.total, 4) }), element("strong", { id: "pair-attention" }, numbers.attention.toFixed(3))),
    );
    if (numbers.moved !== null) {
      panel.append(
        step("value", say("maths_value", { length: digits(numbers.valueLength) }), digits(numbers.moved)),
        step("share", say("maths_share"), percent(numbers.share, 1)),
      );
    }
    tell(say("maths_place", { place: numbers.place, count: sentence.size - hidden.size }));
    const moved = ["raw", "attention"].includes(state.method) ? "" : "~";
    panel.append(
      element("h2", {}, say("maths_near", { method: say(`method_${state.method}`) }), " ", info("distance")),
      step("lengths", `|q${moved}|²`, digits(space.query, 2)),
      step("lengths", `+ |k${moved}|²`, digits(space.keys[key], 2)),
      step("product", `− 2 q${moved} · k${moved}`, digits(-2 * space.dots[key], 2)),
      step("distance", `= ${say("distance")}²`, digits(space.distances[key] ** 2, 2)),
      step("distance", say("maths_full"), element("strong", { id: "pair-distance" }, digits(space.distances[key], 2))),
      step("flat", say("maths_flat", { dims: state.dims }), digits(flatDistance(head, state.method, state.dims, sentence.start + query, sentence.start + key), 2)),
    );
    const nearer = (distances) => distances.filter((d, j) => !hidden.has(j) && d < distances[key] - 1e-9).length + 1;
    const flat = sentence.tokens.map((_, j) => flatDistance(head, state.method, state.dims, sentence.start + query, sentence.start + j));
    tell(say("maths_nearest", { full: nearer(space.distances), flat: nearer(flat), count: sentence.size - hidden.size }));
    if (data.code && state.sentence === 0) {
      const place = `array=attention_HTS&layer=${state.layer}&head=${state.head}&row=${query}&column=${key}`;
      tell(element("a", { id: "to-code", href: `${data.code}#${place}` }, say("maths_code")));
    }
  }
  const rows = element("div", { class: "rows" }, rowTable(app, sentence, numbers, space.distances, query, key, hidden));
  panel.append(rows);
  const chosen = rows.querySelector(".chosen");
  if (chosen) rows.scrollTop = chosen.offsetTop - rows.clientHeight / 2;
}

/** A token by its name, and by its position where the name comes more than once. */
function named(sentence, i) {
  const twice = sentence.tokens.indexOf(sentence.tokens[i]) !== sentence.tokens.lastIndexOf(sentence.tokens[i]);
  return twice ? `${sentence.tokens[i]} (${i})` : sentence.tokens[i];
}

/** Softmax over the row: each key with score, attention and distance. */
function rowTable(app, sentence, numbers, distances, query, key, hidden) {
  const order = [...numbers.row.keys()].sort((a, b) => numbers.row[b] - numbers.row[a] || a - b);
  const body = element("tbody", {});
  for (const j of order) {
    const off = hidden.has(j);
    const bar = element("i", { class: "bar" });
    bar.style.width = `${100 * numbers.row[j]}%`;
    const name = element("button", { type: "button", class: "plain key" }, named(sentence, j));
    name.addEventListener("click", () => {
      app.set({ query, key: j });
      document.querySelector("#maths tr.chosen button").focus();
    });
    body.append(element("tr", { class: (j === key ? "chosen " : "") + (off ? "off" : "") },
      element("td", {}, name),
      element("td", {}, digits(numbers.scores[j], 2)),
      element("td", {}, off ? say("off") : numbers.row[j].toFixed(3)),
      element("td", {}, digits(distances[j], 2)),
      element("td", { class: "bars" }, bar)));
  }
  const names = [say("key"), say("score"), say("attention"), say("distance")];
  const head = element("thead", {}, element("tr", {}, ...names.map((t) => element("th", { scope: "col" }, t)), element("td")));
  return element("table", { class: "row-table", "aria-label": say("maths_table", { token: sentence.tokens[query] }) }, head, body);
}

/** q, k and their product, a stripe a coordinate: the dot product is the sum of the last row. */
function stripes(app, { queryVector, keyVector }) {
  const canvas = element("canvas", { width: 560, height: 132, role: "img", "aria-label": say("maths_stripes") });
  const context = canvas.getContext("2d");
  const product = queryVector.map((x, i) => x * keyVector[i]);
  const rows = [["q", queryVector, app.theme.query], ["k", keyVector, app.theme.key], ["q × k", product, app.theme.attention]];
  rows.forEach(([name, values, colour], r) => {
    const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    const [x0, middle, wide] = [76, 22 + r * 44, 560 - 76];
    context.fillStyle = colour;
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
