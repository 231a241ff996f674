// Why this key: the terms of a score as bars, with a way on to the earlier heads that wrote a part of them.

import { textsOf } from "./data.mjs";
import { button, byId, element, heading, option, refill, table } from "../../web/dom.mjs";
import { inside } from "./camera.mjs";
import { named } from "./maths.mjs";
import { fixed } from "../../web/numbers.mjs";
import { paragraph } from "./painter.mjs";
import { reasonsOf, rowOf } from "./reasons.mjs";
import { textWidth } from "../../web/text.mjs";
import { say } from "../../web/words.mjs";

const PAIRS = ["points", "sentence", "near", "why"]; // views with a query and a key

/** What a part is called in the language of the page: "word", "head 0.3". */
export function partName(name) {
  const [kind, number] = name.split(" ");
  return say(`part_${kind.replace("-", "_")}`, { number });
}

const plus = (x) => (x < 0 ? "" : "+") + fixed(x);

/** Whether what is pointed at in the sentence is the pair that is chosen already: then a click asks why. */
export function isChosenPair({ why, state }, { sentence, queries, keys }) {
  if (!why || state.view !== "sentence" || sentence !== state.sentence) return false;
  return queries.includes(state.query) && keys.includes(state.key);
}

/** Layer and head of a part that a head wrote, or null. */
const headOfPart = (name) => /^head (\d+)\.(\d+)$/u.exec(name)?.slice(1).map(Number) ?? null;

/** Asks the model for reasons, and keeps its answers: the terms of one query, and the arrows between all heads. */
export class Why {
  constructor(app) {
    this.app = app;
    this.found = null; // {request, tokens, names, terms}
    this.circuit = null; // {tokens, arrows}
    this.count = 0;
  }

  /**
   * What the view needs of the model, or null. The page's own sentences run as they were written; while no pair is chosen
   * (query -1), the model only runs the sentence, so that the answer is soon there when one is.
   */
  get wanted() {
    const { data, state } = this.app;
    const { view, layer, head, query, key, sentence } = state;
    if (view !== "circuit" && !PAIRS.includes(view)) return null;
    const why = view === "circuit" ? {} : { layer, head, query: view === "why" || key >= 0 ? query : -1 };
    const [text, second = ""] = textsOf(data.sentences[sentence]);
    if (!text && !second) return null;
    if (!data.isTyped(sentence)) return { text, second, off: [], hidden: [], why };
    const { off, hidden } = data.typed.request;
    return why.query === -1 ? null : { text, second, off, hidden, why };
  }

  /** Whether a query and a key are chosen. */
  get hasPair() {
    return (this.wanted?.why.query ?? -1) >= 0;
  }

  ask() {
    const { wanted } = this;
    const asked = JSON.stringify(wanted);
    if (!this.hasPair) this.found = null;
    if (wanted && asked !== this.asked) this.app.live.model?.ask(wanted);
    this.asked = asked;
  }

  receive({ request, tokens, reasons }) {
    if (!reasons || JSON.stringify(request) !== this.asked) return; // another has been asked since
    if (request.why.query === undefined) this.circuit = { tokens, arrows: reasons };
    else this.found = { ...reasons, request, tokens, number: ++this.count };
    this.app.changed();
  }

  /** The name of what is said where there is nothing to show. */
  get nothing() {
    const { app, wanted } = this;
    if (app.secret) return "why_secret";
    if (!app.live.model) return "typing_no_worker";
    if (app.state.view !== "circuit" && !this.hasPair) return "why_choose";
    return wanted ? "why_waiting" : "why_unwritten";
  }

  /** The key that is explained: the chosen one, or the most attended. */
  get key() {
    const { state } = this.app;
    const row = rowOf(this.found);
    return state.key >= 0 && state.key < row.length ? state.key : row.indexOf(Math.max(...row));
  }

  /** Why the query attends to the key, or null while that is not known. */
  get reasons() {
    const { app, found } = this;
    if (!found || app.secret) return null;
    const { query } = found.request.why;
    const { key } = this;
    const instead = app.state.instead < found.tokens.length && app.state.instead !== key ? app.state.instead : -1;
    const hidden = new Set([...app.off].filter((s) => app.hides(query, s)));
    const make = () => ({ ...reasonsOf(found, key, instead, hidden), key, instead });
    return app.remember("reasons", [found.number, key, instead, [...hidden]].join("/"), make);
  }

  /** The names in what is said about the query and the key. */
  get names() {
    const { request: { why: { layer, head, query } }, tokens } = this.found;
    const { key, instead, attention } = this.reasons;
    const name = (i) => (i < 0 ? "" : named({ tokens }, i));
    return { layer, head, query: name(query), key: name(key), instead: name(instead), share: attention.toFixed(2) };
  }

  /** What the sum is. */
  get sumName() {
    return say(this.reasons.instead < 0 ? "why_sum" : "why_sum_instead", this.names);
  }

  /** On to the head that wrote a part, with the token for which it wrote it as the query. */
  follow(part, token) {
    const [layer, head] = headOfPart(part);
    const { why } = this.found.request;
    this.open({ layer, head, query: token, key: -1 }, [...this.trail, [why.layer, why.head, why.query, this.key]]);
  }

  /** Opens a pair, {layer, head, query, key}; key -1 is the most attended one. */
  open(pair, trail = []) {
    this.app.set({ view: "why", instead: -1, trail: trail.map((one) => one.join(".")).join("_"), ...pair });
  }

  /** What a click on a picture leads to. */
  go({ part, token, pair }) {
    if (pair) this.open(pair);
    else this.follow(part, token);
  }

  /** The pairs that led here, [layer, head, query, key]; those that this sentence does not have are left out. */
  get trail() {
    const { data, state } = this.app;
    const { size } = data.sentences[state.sentence];
    const all = state.trail ? state.trail.split("_").map((text) => text.split(".").map(Number)) : [];
    const limits = [data.layers, data.heads, size, size];
    return all.filter((pair) => pair.every((number, i) => number < limits[i]));
  }

  back() {
    const [layer, head, query, key] = this.trail.at(-1);
    this.open({ layer, head, query, key }, this.trail.slice(0, -1));
    if (byId("why-back").hidden) this.app.canvas.focus(); // the button has gone
  }
}

/** The lists to choose the pair from, and the table of its terms with what they mean. */
export function showWhy(app) {
  const { data, state, why } = app;
  const sentence = data.sentences[state.sentence];
  const tokens = sentence.tokens.map((_, i) => option(i, named(sentence, i)));
  const lists = { query: [], key: [option(-1, say("why_most"))], instead: [option(-1, say("why_mean"))] };
  for (const [name, first] of Object.entries(lists)) {
    const list = byId(`why-${name}`);
    list.replaceChildren(...first, ...tokens.map((one) => one.cloneNode(true)));
    list.value = String(state[name]);
  }
  const { reasons } = why;
  const back = byId("why-back");
  back.hidden ||= !why.trail.length;
  if (!back.hidden) back.textContent = backText(sentence, why.trail.at(-1));
  const parts = [];
  if (reasons) {
    parts.push(element("p", {}, say("why_heading", why.names)), termTable(why));
    parts.push(element("p", { class: "note" }, say("why_legend")));
  } else parts.push(element("p", {}, say(why.nothing)));
  const box = byId("why");
  const focused = box.contains(document.activeElement);
  refill(box, parts);
  if (focused && !box.contains(document.activeElement)) (back.hidden ? app.canvas : back).focus();
  byId("why-open").hidden = !reasons || state.view === "why";
  byId("why-section").hidden ||= app.secret || (state.view !== "why" && !why.hasPair);
}

const backText = (sentence, [layer, head, query, key]) =>
  say("why_back", { layer, head, query: named(sentence, query), key: named(sentence, key) });

/** The terms as a table; a part that an earlier head wrote is a button that leads there. */
function termTable(why) {
  const { reasons: { terms, others, rest, sum, attention, key }, found } = why;
  const part = (name, token) => (headOfPart(name)
    ? button(partName(name), () => why.follow(name, token), { class: "plain", title: followText(found, name, token) })
    : partName(name));
  const { query } = found.request.why;
  const name = ({ ofQuery, ofKey }) => element("td", {}, part(ofQuery, query), " × ", part(ofKey, key));
  const rows = terms.map((term) => [name(term), plus(term.value), term.without.toFixed(2)]);
  if (others) rows.push([say("why_others", { count: others }), plus(rest), ""]);
  rows.push([element("b", {}, why.sumName), element("b", {}, plus(sum)), attention.toFixed(2)]);
  const head = ["terms", "term", "without"].map((title) => heading(say(`why_${title}`)));
  return table(head, rows, { class: "terms-table" });
}

const followText = ({ tokens }, name, token) => say("why_follow", { head: partName(name), token: tokens[token] });

/** What is said of the pair to those who do not see the bars. */
export function whyTold({ why }) {
  if (!why?.reasons) return [];
  const { terms, sum } = why.reasons;
  const term = ({ ofQuery, ofKey, value }) => `${plus(value)} ${partName(ofQuery)} × ${partName(ofKey)}`;
  return [say("why_heading", why.names), ...terms.slice(0, 3).map(term), `${plus(sum)} ${why.sumName}`];
}

const WHY_EDGE = 16;
const ABOVE_TERMS = 58;
const WITHOUT_WIDE = 128; // pixels for the attention without a term
const WITHOUT_NARROW = 72; // on a phone, where its number stands above it
const NUMBER_WIDE = 52; // pixels for the number at the end of a bar

export class WhyView {
  constructor() {
    this.rows = [];
    this.links = [];
  }

  /** On a phone the bar of a term lies below its name. */
  layOut({ why }, box) {
    const { reasons } = why;
    const narrow = box.width < 620;
    this.rows = reasons ? rowsOf(why) : [];
    const high = narrow ? 46 : 27;
    const [left, right] = [box.x + WHY_EDGE, box.x + box.width - WHY_EDGE];
    const wide = (side) => Math.max(0, ...this.rows.map((row) => textWidth(row[side] ?? "", 13, 600)));
    const start = narrow ? left : left + Math.max(wide("ofQuery") + 20 + wide("ofKey"), wide("label")) + 18;
    const bars = { x: start, width: right - start - 16 - (narrow ? WITHOUT_NARROW : WITHOUT_WIDE) };
    this.columns = { narrow, high, left, right, middle: left + wide("ofQuery") + 10, bars };
    this.top = box.y + ABOVE_TERMS + (narrow ? 18 : 0);
    this.height = this.top + high * this.rows.length + (narrow ? 90 : 60) - box.y;
  }

  draw(painter, app, box) {
    const { theme, why, data } = app;
    this.links = [];
    if (!this.rows.length) {
      const look = { color: theme.ink, size: 13 };
      paragraph(painter, say(why.nothing), box.x + WHY_EDGE, box.y + 30, box.width - 2 * WHY_EDGE, look);
      return false;
    }
    const { narrow, left, right, bars, high } = this.columns;
    const faint = { color: theme.faint, size: 12 };
    const bold = { color: theme.ink, size: 14, weight: 600 };
    paragraph(painter, say("why_heading", why.names), left, box.y + 16, right - left, bold);
    const title = (text, x, align = "left") => painter.text(text, x, this.top - 14, { ...faint, weight: 600, align });
    title(say("why_terms"), left);
    if (!narrow) title(say("why_term"), bars.x);
    title(narrow ? `${say("why_term")} · ${say("why_without")}` : say("why_without"), right, "right");
    const values = this.rows.map(({ value }) => value);
    const [low, top] = [Math.min(0, ...values), Math.max(0, ...values)];
    const room = bars.width - (narrow ? 0 : (low < 0 ? 2 : 1) * NUMBER_WIDE);
    const scale = room / (top - low || 1);
    const zero = bars.x + (narrow || low >= 0 ? 0 : NUMBER_WIDE) - low * scale;
    this.rows.forEach((row, i) => this.drawRow(painter, app, row, this.top + i * high, zero, scale));
    const bottom = this.top + high * this.rows.length;
    painter.line([[left, bottom - high], [right, bottom - high]], theme.rule);
    if (!narrow) painter.line([[zero, this.top], [zero, bottom]], theme.faint);
    paragraph(painter, say("why_equation", { size: data.headSize }), left, bottom + 18, right - left, faint);
    return false;
  }

  drawRow(painter, app, row, y, zero, scale) {
    const { theme } = app;
    const { narrow, high, left, right } = this.columns;
    const middle = y + (narrow ? 14 : high / 2);
    const look = { size: 13, color: theme.ink };
    if (row.label) painter.text(row.label, left, middle, { ...look, weight: row.sum ? 600 : 400 });
    else this.drawNames(painter, app, row, middle);
    const [from, to] = [zero, zero + row.value * scale];
    const fill = row.sum ? theme.ink : row.label ? theme.other : row.value < 0 ? theme.mark : theme.attention;
    const thick = narrow ? 8 : 13;
    const at = narrow ? y + 28 : middle - thick / 2;
    painter.rect(Math.min(from, to), at, Math.max(1, Math.abs(to - from)), thick, { fill });
    if (narrow) painter.line([[zero, at - 3], [zero, at + thick + 3]], theme.faint);
    const number = { ...look, weight: row.sum ? 600 : 400 };
    const without = row.without === undefined ? "" : row.without.toFixed(2);
    if (narrow) {
      painter.text(`${plus(row.value)}${without && ` · ${without}`}`, right, middle, { ...number, align: "right" });
      if (without) this.drawWithout(painter, app, row.without, at + thick / 2, WITHOUT_NARROW);
      return;
    }
    const [away, align] = row.value < 0 ? [-5, "right"] : [5, "left"];
    painter.text(plus(row.value), to + away, middle, { ...number, align });
    if (!without) return;
    painter.text(without, right - WITHOUT_WIDE + 38, middle, { ...look, align: "right" });
    this.drawWithout(painter, app, row.without, middle, WITHOUT_WIDE - 44);
  }

  /** The attention without the term, as a bar from 0 to 1 with a mark where it is with all terms. */
  drawWithout(painter, { theme, why }, share, y, width) {
    const x = this.columns.right - width;
    painter.rect(x, y - 4, width, 8, { fill: theme.panel, stroke: theme.rule });
    painter.rect(x, y - 4, width * share, 8, { fill: theme.attention });
    const mark = x + width * why.reasons.attention;
    painter.line([[mark, y - 8], [mark, y + 8]], theme.ink, 1.5);
  }

  /** Both parts of a term; one that an earlier head wrote is underlined, and leads there. */
  drawNames(painter, { theme, why }, { ofQuery, ofKey, parts }, y) {
    const { narrow, left, middle } = this.columns;
    const at = narrow ? left + textWidth(ofQuery, 13) + 10 : middle;
    painter.text("×", at, y, { size: 13, color: theme.faint, align: "center" });
    const name = (text, part, token, color, x, align) => {
      painter.text(text, x, y, { size: 13, color, align });
      if (!headOfPart(part)) return;
      const width = textWidth(text, 13);
      const start = align === "right" ? x - width : x;
      painter.line([[start, y + 8], [start + width, y + 8]], color);
      this.links.push({ x: start - 3, y: y - 12, width: width + 6, height: 24, part, token });
    };
    name(ofQuery, parts[0], why.found.request.why.query, theme.query, at - 10, "right");
    name(ofKey, parts[1], why.reasons.key, theme.key, at + 10, "left");
  }

  /** A part that leads on to the head that wrote it. */
  hit({ why }, x, y) {
    const link = this.links.find((box) => inside(box, x, y));
    if (!link) return null;
    return { lines: [followText(why.found, link.part, link.token)], go: { part: link.part, token: link.token } };
  }
}

/** The rows of the picture: the largest terms, the others together, and the sum. */
function rowsOf(why) {
  const { terms, others, rest, sum, attention } = why.reasons;
  const rows = terms.map(({ ofQuery, ofKey, value, without }) =>
    ({ ofQuery: partName(ofQuery), ofKey: partName(ofKey), parts: [ofQuery, ofKey], value, without }));
  if (others) rows.push({ label: say("why_others", { count: others }), value: rest });
  return [...rows, { label: why.sumName, value: sum, without: attention, sum: true }];
}
