// The very numbers of one query and one key, from the dot product to the share of the value that moves.

import { place } from "./attention.mjs";
import { element } from "./dom.mjs";

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

const digits = (x, n = 3) => (Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(2) : x.toFixed(n)).replace("-", "−");

/** Fills `panel` with the computation for the chosen query and key, or says what to choose. */
export function showMaths(panel, app) {
  const { data, state } = app;
  const { query, key } = state;
  const sentence = data.sentences[state.sentence];
  panel.replaceChildren();
  const say = (...parts) => panel.append(element("p", {}, ...parts));
  const attention = app.attention();
  if (!attention) return say("The scores of this sentence did not fit into the file.");
  if (query < 0) return say("Choose a query and a key: click a point, a word or a cell of the heatmap.");
  const token = (i) => sentence.tokens[i];
  if (app.off.has(query)) return say(element("b", {}, token(query)), " is switched off: it has no row.");

  const numbers = pairNumbers(data, data.head(state.layer, state.head), state.sentence, attention, query, Math.max(key, 0), app.off);
  const q = element("b", { class: "query" }, token(query));
  if (key < 0) {
    say("The row of ", q, ": how it shares out its attention. Choose a key to see its numbers.");
  } else if (app.off.has(key)) {
    say(element("b", { class: "key" }, token(key)), " is switched off: it gets nothing.");
  } else {
    const k = element("b", { class: "key" }, token(key));
    say(q, " asks, ", k, " offers:");
    if (numbers.queryVector) panel.append(stripes(app, numbers));
    const step = (name, ...value) => element("div", { class: "step" }, element("span", {}, name), element("output", {}, ...value));
    panel.append(
      step("q · k", digits(numbers.dot)),
      step(`÷ √${data.headSize} = ${digits(numbers.root)}`, digits(numbers.score)),
      step(`e^(score − ${digits(numbers.highest)})`, digits(numbers.exponential, 4)),
      step(`÷ their sum ${digits(numbers.total, 4)}`, element("strong", { id: "pair-attention" }, numbers.attention.toFixed(3))),
    );
    if (numbers.moved !== null) {
      panel.append(
        step(`× length of the value ${digits(numbers.valueLength)}`, digits(numbers.moved)),
        step("share of all that moves", `${(100 * numbers.share).toFixed(1)} %`),
      );
    }
    say(`Key number ${numbers.place} of ${sentence.size - app.off.size} for this query. The share compares lengths, attention × |value|.`);
  }
  const rows = element("div", { class: "rows" }, rowTable(app, sentence, numbers, query, key));
  panel.append(rows);
  const chosen = rows.querySelector(".chosen");
  if (chosen) rows.scrollTop = chosen.offsetTop - rows.clientHeight / 2;
}

/** Softmax over the row: each key with score and attention. */
function rowTable(app, sentence, numbers, query, key) {
  const order = [...numbers.row.keys()].sort((a, b) => numbers.row[b] - numbers.row[a] || a - b);
  const body = element("tbody", {});
  for (const j of order) {
    const off = app.off.has(j);
    const bar = element("i", { class: "bar" });
    bar.style.width = `${100 * numbers.row[j]}%`;
    const name = element("button", { type: "button", class: "plain key", title: `position ${j}` }, sentence.tokens[j]);
    name.addEventListener("click", () => {
      app.set({ query, key: j });
      document.querySelector("#maths tr.chosen button").focus();
    });
    body.append(element("tr", { class: (j === key ? "chosen " : "") + (off ? "off" : "") },
      element("td", {}, name),
      element("td", {}, digits(numbers.scores[j], 2)),
      element("td", {}, off ? "off" : numbers.row[j].toFixed(3)),
      element("td", { class: "bars" }, bar)));
  }
  const head = element("thead", {}, element("tr", {}, ...["key", "score", "attention"].map((t) => element("th", { scope: "col" }, t)), element("td")));
  return element("table", { class: "row-table", "aria-label": `attention of ${sentence.tokens[query]}` }, head, body);
}

/** q, k and their product, a stripe a coordinate: the dot product is the sum of the last row. */
function stripes(app, { queryVector, keyVector }) {
  const canvas = element("canvas", { width: 560, height: 132, role: "img", "aria-label": "coordinates of the query, the key and their product" });
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
  return element("figure", {}, canvas, element("figcaption", {}, "q · k is the sum of the last row"));
}
