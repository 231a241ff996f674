// The controls beside the picture: bound to the state by name, <select data-state="color">.

import { ACTIONS } from "./actions.mjs";
import { isOneSentence } from "./attention.mjs";
import { COLORINGS } from "./coloring.mjs";
import { percent, rangeOf } from "../../web/numbers.mjs";
import { all, button, byId, element, heading, option, refill, table } from "../../web/dom.mjs";
import { hits } from "./find.mjs";
import { bindFlat, showFlat } from "./flat.mjs";
import { info } from "./info.mjs";
import { doubtText, isShownOff, leadText } from "./describe.mjs";
import { showCircuit } from "./circuit.mjs";
import { showMaths } from "./maths.mjs";
import { isOfKind, orderedHeads, readValue, shadeScale } from "./matrix.mjs";
import { parkedHead } from "./parked.mjs";
import { showWhy } from "./why.mjs";
import { say } from "../../web/words.mjs";

export const HABITS = ["to_previous", "to_next", "to_self", "to_cls", "to_sep"]; // columns of whom a head attends to
const LEADERS = 10; // heads in the list beside the grid, before one asks for all

/** Fills the lists once and lets every control set its part of the state. */
export function bindControls(app) {
  const { data } = app;
  const fill = (name, options) => {
    for (const select of all(`select[data-state="${name}"]`)) select.replaceChildren(...options.map(([value, label]) => option(value, label)));
  };
  const columns = data.columns.map((column) => [column.name, column.label]);
  fill("color", COLORINGS.filter((name) => name !== "segment" || data.live || data.sentences.some((s) => s.segments.includes(1))).map((name) => [name, say(`colour_${name}`)]));
  fill("shade", columns);
  fill("order", [["layer", say("order_layer")], ...columns]);
  fill("layer", Array.from({ length: data.layers }, (_, i) => [i, i]));
  fill("head", Array.from({ length: data.heads }, (_, i) => [i, i]));

  for (const control of all("[data-state]")) {
    const name = control.dataset.state;
    control.addEventListener("input", () => {
      const value = typeof app.state[name] === "number" ? Number(control.value) : control.value;
      app.choose({ [name]: control.type === "checkbox" ? control.checked : value });
    });
  }
  for (const one of all("[data-step]")) {
    const [name, by] = one.dataset.step.split(" ");
    one.addEventListener("click", () => app.step(name, Number(by)));
  }
  for (const one of all("[data-do]")) one.addEventListener("click", () => ACTIONS[one.dataset.do](app));
  bindFlat(app);
  byId("notes").replaceChildren(...data.notes.map((note) => element("p", {}, note)));
  byId("title").textContent = data.title;
  all("[data-do=link]")[0].hidden = location.protocol === "about:"; // a frame in a notebook has no address
  byId("method-attention").hidden = !data.methods.includes("attention");
}

/** The sentences to choose from; the typed one is the last. */
function showSentences({ data }) {
  const [select] = all('select[data-state="sentence"]');
  data.sentences.forEach(({ number, kept }) => {
    const name = data.isTyped(number) ? say("typed") : `${number + 1}.`;
    const label = `${name} ${data.sentenceText(number).slice(0, 80)}${kept?.size === 0 ? ` ${say("points_only")}` : kept ? ` ${say("some_heads")}` : ""}`;
    if (!select.options[number]) select.append(option(number, label));
    else if (select.options[number].textContent !== label) select.options[number].textContent = label;
  });
}

/** Brings the controls and what is written beside them up to date with the state. */
export function showPanel(app) {
  const { data, state } = app;
  showSentences(app);
  byId("way-token").replaceChildren(...app.sentence.tokens.map((token, i) => option(i, `${i}  ${token}`)));
  for (const control of all("[data-state]")) {
    const value = state[control.dataset.state];
    if (control.type === "checkbox") control.checked = value;
    else if (control.type === "radio") control.checked = control.value === String(value);
    else if (control.value !== String(value)) control.value = String(value);
  }
  for (const section of all("[data-views], [data-live]")) {
    const { views = state.view, live } = section.dataset;
    section.hidden = !views.split(" ").includes(state.view) || (live !== undefined && !data.live);
  }
  byId("top-value").textContent = String(state.top);
  byId("above-value").textContent = state.above.toFixed(2);
  showHead(app);
  showLegend(app);
  showTokens(app);
  showFound(app);
  byId("method-note").textContent = moveNote(app);
  const off = isShownOff(app) ? element("b", { class: "mark" }, say("head_is_off", { name: `${state.layer}.${state.head}` }), " ") : "";
  byId("lead").replaceChildren(off, leadText(app));
  const doubts = doubtText(app);
  byId("doubts").hidden = !doubts;
  if (byId("doubts").textContent !== doubts) byId("doubts").textContent = doubts;
  byId("clear").hidden = state.query < 0 && state.key < 0;
  byId("all-on").hidden = app.off.size === 0;
  if (data.sentences.length === 1) byId("only").hidden = true;
  if (state.view === "points") byId("all-lines").hidden = !isOneSentence(data, state.only);
  if (["points", "sentence", "near"].includes(state.view)) showMaths(byId("maths"), app);
  showFlat(app);
  if (state.view === "heads") showRanking(app);
  if (app.why) showWhy(app);
  if (state.view === "circuit") showCircuit(app);
  byId("off-note").hidden = app.off.size === 0 || !["points", "sentence", "near"].includes(state.view);
  byId("off-note").textContent = say(data.isTyped(state.sentence) ? "off_note_typed" : "off_note", { count: app.off.size });
}

/** What the chosen move does, with this head's own numbers where one head is seen. */
function moveNote({ data, state }) {
  const about = say(`move_${state.method}`);
  if (state.view === "heads" || ["raw", "attention"].includes(state.method)) return about;
  const value = (name) => data.columnValue(`${state.method}_${name}`, state.layer, state.head).toFixed(2);
  return `${about} ${say("move_numbers", { scale: value("scale"), length: value("translation_norm") })}`;
}

/** What is known of the current head, and the measures of the three pictures beside each other. */
function showHead(app) {
  const { data, state } = app;
  const value = (name) => readValue(data.column(name), data.columnValue(name, state.layer, state.head));
  const evidence = data.evidence[state.layer * data.heads + state.head];
  byId("head-kind").replaceChildren(say("kind_line", { kind: value("kind") }), " ", info("kind"));
  const kind = data.column("kind").kinds[data.columnValue("kind", state.layer, state.head)];
  const plain = ["special", "broad", "mixed"].includes(kind);
  const numbers = { share: percent(evidence.share), left: percent(evidence.left), queries: evidence.queries, kind: value("kind") };
  const habit = { "-1": "to_previous", 1: "to_next", 0: "to_self" }[kind];
  const open = () => app.choose({ sentence: evidence.best, view: "sentence" });
  const best = button(say("evidence_best", { sentence: evidence.best + 1 }), open, { class: "plain" });
  const share = habit ? `${say("evidence_all", { value: value(habit) })} ` : "";
  byId("head-evidence").replaceChildren(say(plain ? `evidence_${kind}` : "evidence", numbers), " ", share, plain ? "" : best);
  const parks = parkedHead(app);
  byId("head-parking").hidden = !parks;
  byId("head-parking").replaceChildren(parks, " ", info("parked"));
  byId("means").textContent = say("means", { count: data.own });
  const named = (label, about) => heading([label, " ", info(about)], "row");
  const known = (name, about) => [named(data.column(name).label, about), value(name)];
  const profile = [...HABITS.map((name) => known(name, "habit")), known("entropy", "entropy")];
  byId("profile").replaceChildren(...table(null, profile).children);
  const chosen = (method) => ({ class: method === state.method ? "chosen" : "" });
  const measures = ["nearest1_2d", "nearest1_full", "rank_correlation_2d", "rank_correlation_full", "scale"];
  const rows = measures.map((name) => [named(say(`measure_${name}`), name.replace(/_(2d|full)$/u, "")),
    ...data.methods.map((method) => element("td", chosen(method), value(`${method}_${name}`)))]);
  const methods = data.methods.map((method) => heading(say(`method_${method}`), "col", chosen(method)));
  byId("measures").replaceChildren(...table(["", ...methods], rows).children);
}

const swatch = (color, shape = "square") => element("i", { class: `swatch ${shape}`, style: `background: ${color}` });

/** A strip of colours from a low to a high value. */
function strip(low, colors, high) {
  const style = `background: linear-gradient(90deg, ${colors.join(",")})`;
  return element("span", { class: "scale" }, low, element("i", { class: "strip", style }), high);
}

function showLegend(app) {
  const { legend, state, data, theme } = app;
  const kinds = state.color === "type";
  const shape = (side, name) => element("span", {}, swatch(kinds ? theme[side] : theme.faint, name), say(side));
  const box = byId("legend");
  box.replaceChildren(shape("query", "disc"), shape("key", "diamond"));
  if (state.view === "heads" && state.find) box.append(element("span", {}, say("pale_found")));
  else if (state.view === "heads" && data.isTyped(state.sentence)) box.append(element("span", {}, say("pale")));
  if (kinds) return;
  if (legend.swatches) box.append(...legend.swatches.map(([label, color]) => element("span", {}, swatch(color), label)));
  else box.append(strip(legend.low, legend.colors, legend.high));
}

/** Legend of the column that marks the heads, and the heads that lead it. */
function showRanking(app) {
  const { data, state, theme } = app;
  const column = data.column(state.shade);
  const color = shadeScale(column, theme);
  byId("about").textContent = column.about;
  const legend = byId("shade-legend");
  if (column.labels) {
    const count = (i) => column.values.filter((value) => value === i).length;
    refill(legend, column.labels.map((label, i) => {
      const show = () => app.set({ kind: state.kind === label ? "" : label });
      const pressed = { class: "kind", "aria-pressed": String(state.kind === label), title: say("kind_show") };
      return button([swatch(color(i)), `${label} (${count(i)})`], show, pressed);
    }));
  } else {
    const [low, high] = rangeOf(column.values);
    const colors = [0, 0.25, 0.5, 0.75, 1].map((t) => color(low + t * (high - low)));
    legend.replaceChildren(strip(low.toFixed(column.digits), colors, high.toFixed(column.digits)));
  }
  const valueOf = ({ layer, head }) => (state.find ? hits(data, data.head(layer, head), app.found) : column.values[layer * data.heads + head]);
  const heads = orderedHeads(data, "layer").map((h) => ({ ...h, value: valueOf(h) }));
  heads.sort((a, b) => (column.labels && !state.find ? a.value - b.value : b.value - a.value));
  const wanted = heads.filter((head) => isOfKind(app, head));
  byId("ranking-title").textContent = state.find ? say("ranking_hits") : say("ranking", { column: column.label });
  byId("ranking").replaceChildren(...wanted.slice(0, app.all ? Infinity : LEADERS).map(({ layer, head, value }) => {
    const open = button(say("layer_head", { layer, head }), () => app.set({ view: "points", layer, head }), { class: "plain" });
    return element("li", {}, open, element("output", {}, state.find ? value : readValue(column, value)));
  }));
  const more = byId("ranking-all");
  more.hidden = wanted.length <= LEADERS;
  more.textContent = app.all ? say("ranking_fewer") : say("ranking_all", { count: wanted.length });
}

/** Each token a switch. */
function showTokens(app) {
  const { data, state } = app;
  if (["heads", "average"].includes(state.view)) return;
  const shown = `${state.sentence} ${data.typed?.number} ${state.off}`;
  if (byId("tokens").dataset.shown === shown) return;
  byId("tokens").dataset.shown = shown;
  refill(byId("tokens"), app.sentence.tokens.map((token, i) => {
    const on = !app.off.has(i);
    const looks = { "aria-pressed": String(on), class: on ? "" : "off", title: say(on ? "switch_off" : "switch_on") };
    return button(token, () => app.switchToken(i), looks);
  }));
}

function showFound(app) {
  const { data, state } = app;
  const box = byId("found");
  if (!state.find) return box.replaceChildren();
  const tokens = app.found.reduce((a, b) => a + b, 0);
  if (tokens === 0) return box.replaceChildren(say("found_nothing"));
  const count = hits(data, app.head, app.found);
  const sentences = [...new Set(data.sentenceOf.filter((_, n) => app.found[n]))];
  box.replaceChildren(say("found", { tokens, count, layer: state.layer, head: state.head }), " ");
  const go = say(sentences.length === 1 ? "found_go_one" : "found_go", { count: sentences.length });
  const next = () => app.choose({ sentence: sentences.find((number) => number > state.sentence) ?? sentences[0] });
  return box.append(button(go, next, { class: "plain" }));
}
