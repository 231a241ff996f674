// The controls beside the picture: bound to the state by name, <select data-state="colour">.

import { COLOURINGS } from "./colours.mjs";
import { byId, element } from "./dom.mjs";
import { hits } from "./find.mjs";
import { isOneSentence } from "./lines.mjs";
import { showMaths } from "./maths.mjs";
import { orderedHeads, readValue, shadeScale } from "./matrix.mjs";
import { offText } from "./state.mjs";

const option = (value, label) => element("option", { value }, label);

const HABITS = ["to_previous", "to_next", "to_self", "to_cls", "to_sep"]; // the columns of the first kinds of heads
const LEADERS = 10; // heads in the list beside the grid
const MOVES = {
  none: "As the model has them.",
  paper: "As in AttentionViz: both clouds share a centre, and one scale is chosen for both.",
  exact: "Keys lifted onto a sphere: the more attended key is the nearer one, until drawn flat.",
};

/** Fills the lists once and lets every control set its part of the state. */
export function bindControls(app) {
  const { data } = app;
  const fill = (name, options) => document.querySelectorAll(`select[data-state="${name}"]`).forEach((select) => select.replaceChildren(...options.map(([v, l]) => option(v, l))));
  const columns = data.columns.map((column) => [column.name, column.label]);
  fill("colour", COLOURINGS.filter(([name]) => name !== "segment" || data.sentences.some((s) => s.segments.includes(1))));
  fill("shade", columns);
  fill("order", [["layer", "layer and head"], ...columns]);
  fill("sentence", data.sentences.map((s) => [s.number, `${s.number + 1}. ${data.sentenceText(s.number).slice(0, 80)}${data.isWhole(s.number) ? "" : " (points only)"}`]));
  fill("layer", Array.from({ length: data.layers }, (_, i) => [i, i]));
  fill("head", Array.from({ length: data.heads }, (_, i) => [i, i]));

  for (const control of document.querySelectorAll("[data-state]")) {
    const name = control.dataset.state;
    const change = () => {
      if (control.type === "checkbox") app.set({ [name]: control.checked });
      else if (control.type === "radio") app.set({ [name]: name === "dims" ? Number(control.value) : control.value });
      else if (["sentence", "layer", "head", "top", "above"].includes(name)) app.choose({ [name]: Number(control.value) });
      else app.set({ [name]: control.value });
    };
    control.addEventListener(control.type === "range" || control.type === "search" ? "input" : "change", change);
  }
  document.querySelectorAll("[data-step]").forEach((button) => {
    const [name, by] = button.dataset.step.split(" ");
    button.addEventListener("click", () => app.step(name, Number(by)));
  });
  document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => app.act(button.dataset.do)));
  byId("notes").replaceChildren(...data.notes.map((note) => element("p", {}, note)));
  byId("title").textContent = data.title;
}

/** Brings the controls and what is written beside them up to date with the state. */
export function showPanel(app) {
  const { data, state } = app;
  for (const control of document.querySelectorAll("[data-state]")) {
    const value = state[control.dataset.state];
    if (control.type === "checkbox") control.checked = value;
    else if (control.type === "radio") control.checked = control.value === String(value);
    else if (control.value !== String(value)) control.value = String(value);
  }
  for (const section of document.querySelectorAll("[data-views]")) section.hidden = !section.dataset.views.split(" ").includes(state.view);
  byId("top-value").textContent = String(state.top);
  byId("above-value").textContent = state.above.toFixed(2);
  showHead(app);
  showLegend(app);
  showTokens(app);
  showFound(app);
  byId("method-note").textContent = MOVES[state.method];
  byId("clear").hidden = state.query < 0 && state.key < 0;
  byId("all-on").hidden = app.off.size === 0;
  if (data.sentences.length === 1) byId("only").hidden = true;
  if (state.view === "points") byId("all-lines").hidden = !isOneSentence(data, state.only);
  if (["points", "sentence"].includes(state.view)) showMaths(byId("maths"), app);
  if (state.view === "heads") showRanking(app);
  byId("off-note").hidden = app.off.size === 0 || !["points", "sentence"].includes(state.view);
  byId("off-note").textContent = `${app.off.size} token${app.off.size === 1 ? "" : "s"} switched off: rows are renormalised over the others. The points stay where they are.`;
  byId("words-note").hidden = !state.words || state.view !== "sentence";
}

/** What is known of the current head, and the measures of the three pictures beside each other. */
function showHead(app) {
  const { data, state } = app;
  const value = (name) => readValue(data.column(name), data.columnValue(name, state.layer, state.head));
  const habit = HABITS[data.columnValue("kind", state.layer, state.head)];
  byId("head-kind").textContent = `Kind: ${value("kind")}${habit ? `, with ${value(habit)} of the attention` : ""}`;
  byId("means").textContent = `Means over ${data.sentences.length > 1 ? `all ${data.sentences.length} sentences` : "one sentence"}.`;
  byId("profile").replaceChildren(element("tbody", {}, ...[...HABITS, "entropy"].map((name) => element("tr", {}, element("th", { scope: "row" }, data.column(name).label), element("td", {}, value(name))))));
  const measures = [["nearest1_2d", "nearest@1, 2-D"], ["nearest1_full", "nearest@1, full"], ["rank_correlation_2d", "rank corr., 2-D"], ["rank_correlation_full", "rank corr., full"]];
  const rows = measures.map(([name, label]) => element("tr", {}, element("th", { scope: "row" }, label),
    ...data.methods.map((method) => element("td", { class: method === state.method ? "chosen" : "" }, value(`${method}_${name}`)))));
  byId("measures").replaceChildren(
    element("caption", { class: "note" }, "nearest@1: queries whose most attended key is the nearest"),
    element("thead", {}, element("tr", {}, element("td"), ...data.methods.map((m) => element("th", { scope: "col", class: m === state.method ? "chosen" : "" }, m)))),
    element("tbody", {}, ...rows));
}

function swatch(colour, shape = "square") {
  const mark = element("i", { class: `swatch ${shape}` });
  mark.style.background = colour;
  return mark;
}

function showLegend(app) {
  const { legend } = app;
  const box = byId("legend");
  const shapes = app.state.colour === "type"
    ? [element("span", {}, swatch(app.theme.query, "disc"), "query"), element("span", {}, swatch(app.theme.key, "diamond"), "key")]
    : [element("span", {}, swatch(app.theme.faint, "disc"), "query"), element("span", {}, swatch(app.theme.faint, "diamond"), "key")];
  box.replaceChildren(...shapes);
  if (app.state.colour === "type") return;
  if (legend.swatches) box.append(...legend.swatches.map(([label, colour]) => element("span", {}, swatch(colour), label)));
  else {
    const strip = element("i", { class: "strip" });
    strip.style.background = `linear-gradient(90deg, ${legend.colours.join(",")})`;
    box.append(element("span", { class: "scale" }, legend.low, strip, legend.high));
  }
}

/** Legend of the column that marks the heads, and the heads that lead it. */
function showRanking(app) {
  const { data, state, theme } = app;
  const column = data.column(state.shade);
  const colour = shadeScale(column, theme);
  byId("about").textContent = column.about;
  const legend = byId("shade-legend");
  if (column.labels) {
    const count = (i) => column.values.filter((value) => value === i).length;
    legend.replaceChildren(...column.labels.map((label, i) => element("span", {}, swatch(colour(i)), `${label} (${count(i)})`)));
  } else {
    const known = column.values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const strip = element("i", { class: "strip" });
    strip.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((t) => colour(low + t * (high - low))).join(",")})`;
    legend.replaceChildren(element("span", { class: "scale" }, low.toFixed(column.digits), strip, high.toFixed(column.digits)));
  }
  const valueOf = ({ layer, head }) => (state.find ? hits(data, data.head(layer, head), app.found) : column.values[layer * data.heads + head]);
  const heads = orderedHeads(data, "layer").map((h) => ({ ...h, value: valueOf(h) }));
  heads.sort((a, b) => (column.labels && !state.find ? a.value - b.value : b.value - a.value));
  byId("ranking-title").textContent = state.find ? "Hits: queries that attend to it most" : `Heads by ${column.label.replace(" of head", "")}`;
  byId("ranking").replaceChildren(...heads.slice(0, LEADERS).map(({ layer, head, value }) => {
    const button = element("button", { type: "button", class: "plain" }, `layer ${layer}, head ${head}`);
    button.addEventListener("click", () => app.set({ view: "points", layer, head }));
    return element("li", {}, button, element("output", {}, state.find ? value : readValue(column, value)));
  }));
}

/** Each token a switch. */
function showTokens(app) {
  const { data, state } = app;
  if (state.view !== "sentence") return;
  const sentence = data.sentences[state.sentence];
  byId("tokens").replaceChildren(...sentence.tokens.map((token, i) => {
    const on = !app.off.has(i);
    const button = element("button", { type: "button", "aria-pressed": String(on), class: on ? "" : "off", title: on ? "switch off" : "switch on" }, token);
    button.addEventListener("click", () => {
      const off = new Set(app.off);
      if (on) off.add(i);
      else off.delete(i);
      if (off.size < sentence.size) app.set({ off: offText(off) });
      byId("tokens").children[i]?.focus();
    });
    return button;
  }));
}

function showFound(app) {
  const { data, state } = app;
  const box = byId("found");
  if (!state.find) return box.replaceChildren();
  const tokens = app.found.reduce((a, b) => a + b, 0);
  if (tokens === 0) return box.replaceChildren("not found");
  const among = data.whole < data.sentences.length ? ` (in the ${data.whole} sentences kept whole)` : "";
  const count = hits(data, data.head(state.layer, state.head), app.found);
  return box.replaceChildren(`${tokens} token${tokens === 1 ? "" : "s"}; ${count} queries of layer ${state.layer}, head ${state.head} attend to it most${among}`);
}
