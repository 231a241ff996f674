// The model as a graph, for one sentence: heads in their layers, an arrow where one uses what an earlier one wrote.

import { button, byId, element, heading, refill, table } from "../../web/dom.mjs";
import { inside } from "./camera.mjs";
import { curveAt } from "./curves.mjs";
import { named } from "./maths.mjs";
import { readValue } from "./matrix.mjs";
import { percent, within } from "../../web/numbers.mjs";
import { shorten } from "../../web/text.mjs";
import { paragraph } from "./painter.mjs";
import { say } from "../../web/words.mjs";

const MARGIN = 14;
const TITLES = 34;
const LETTER = 8; // radius of the letters at which arrows end
const ENDS = ["query", "key", "value"];
const END_COLORS = { query: "query", key: "key", value: "attention" }; // names in the theme

const numbersOf = (name) => name.split(".").map(Number);

/** What an arrow says, and what a click on it does. */
function arrowTold({ why: { circuit } }, { from, to, side, share, query, key }) {
  const names = { from, to, share: percent(share), query: named(circuit, query), key: named(circuit, key) };
  return [say(`circuit_${side}`, names), say("circuit_open", names)];
}

const pairOf = ({ to, query, key }) => ({ layer: numbersOf(to)[0], head: numbersOf(to)[1], query, key });

/** As many arrows as the state says; the model gives the largest first. */
const shownArrows = ({ why, state }) => (why.circuit?.arrows ?? []).slice(0, state.arrows);

export class CircuitView {
  constructor() {
    this.curves = [];
    this.nodes = [];
  }

  /** Layers from left to right. A small screen is scrolled. */
  layOut({ data }, box) {
    const column = Math.max(88, (box.width - 2 * MARGIN) / data.layers);
    const row = within((box.height - TITLES - 64) / data.heads, 46, 100);
    const [width, height] = [Math.min(92, column * 0.56), Math.min(48, row - 8)];
    this.nodes = Array.from({ length: data.layers * data.heads }, (_, i) => {
      const [layer, head] = [Math.floor(i / data.heads), i % data.heads];
      const x = box.x + MARGIN + LETTER + layer * column + (layer ? (column - width) / 2 : 0);
      return { layer, head, width, height, x, y: box.y + TITLES + head * row + (row - height) / 2 };
    });
    this.width = 2 * MARGIN + column * data.layers;
    this.height = TITLES + row * data.heads + (box.width < 620 ? 120 : 64);
    this.below = box.y + TITLES + row * data.heads + 16;
  }

  node(name) {
    const [layer, head] = numbersOf(name);
    return this.nodes.find((node) => node.layer === layer && node.head === head);
  }

  /** Where an arrow leaves its head, and the letter of the other head where it ends. */
  ends({ from, to, side }) {
    const [a, b] = [this.node(from), this.node(to)];
    return [[a.x + a.width, a.y + a.height / 2], [b.x, b.y + (b.height * (ENDS.indexOf(side) + 0.5)) / 3]];
  }

  draw(painter, app, box) {
    const { theme, why, hover } = app;
    const arrows = shownArrows(app);
    this.curves = arrows.map((arrow) => ({ arrow, points: this.ends(arrow) }));
    const faint = { color: theme.faint, size: 12 };
    for (const { layer, head, x } of this.nodes) {
      if (head === 0) painter.text(say("layer_number", { layer }), x, box.y + 16, { ...faint, weight: 600 });
    }
    for (const { arrow, points } of [...this.curves].reverse()) {
      const lit = hover?.arrow === arrow;
      painter.line(points, lit ? theme.mark : theme[END_COLORS[arrow.side]], 1 + 14 * arrow.share, lit ? 1 : 0.7, true);
    }
    for (const node of this.nodes) this.drawNode(painter, app, node);
    for (const { arrow: { side }, points: [, [x, y]] } of this.curves) {
      painter.stamp(painter.sprite("disc", LETTER, theme[END_COLORS[side]], theme.paper), x, y);
      painter.text(side[0], x, y - 0.5, { color: theme.paper, size: 11, weight: 700, align: "center" });
    }
    const note = arrows.length ? "circuit_legend" : why.circuit ? "circuit_none" : why.nothing;
    paragraph(painter, say(note), box.x + MARGIN, this.below, Math.min(box.width, this.width) - 2 * MARGIN, faint);
    return false;
  }

  /** A head with its kind; one that is off is pale. */
  drawNode(painter, { data, theme, without }, { layer, head, x, y, width, height }) {
    const off = without.has(`${layer}.${head}`);
    painter.rect(x, y, width, height, { fill: theme.panel, stroke: theme.rule });
    const [middle, up] = [x + width / 2 + LETTER / 2, y + height / 2];
    const kind = off ? say("off") : readValue(data.column("kind"), data.columnValue("kind", layer, head));
    const look = { color: theme.faint, size: 11, align: "center" };
    const color = off ? theme.faint : theme.ink;
    painter.text(`${layer}.${head}`, middle, up - 8, { ...look, color, weight: 700, size: 13 });
    painter.text(shorten(kind, width - 2 * LETTER, 11), middle, up + 9, look);
  }

  hit(app, x, y) {
    const node = this.nodes.find((one) => inside(one, x, y));
    if (node) return { layer: node.layer, head: node.head };
    const arrow = curveAt(this.curves, x, y)?.arrow;
    return arrow ? { arrow, lines: arrowTold(app, arrow), go: { pair: pairOf(arrow) } } : null;
  }
}

/** The arrows as a list: the larger share first. A press opens the pair of tokens where the share is largest. */
export function showCircuit(app) {
  const rows = shownArrows(app).map((arrow) => {
    const attributes = { class: "plain", title: arrowTold(app, arrow).join(". ") };
    const open = button(`${arrow.from} → ${arrow.to}`, () => app.why.open(pairOf(arrow)), attributes);
    return [open, say(arrow.side), percent(arrow.share)];
  });
  const head = ["circuit_arrow", "circuit_side", "circuit_share"].map((name) => heading(say(name)));
  const nothing = () => element("p", {}, say(app.why.circuit ? "circuit_none" : app.why.nothing));
  refill(byId("circuit"), [rows.length ? table(head, rows) : nothing()]);
  byId("arrows-value").textContent = String(app.state.arrows);
}
