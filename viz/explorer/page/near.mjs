// Why near: the keys of one query at their true distances in the full space, as a ring, beside the flat picture.

import { largestFirst } from "./attention.mjs";
import { attentionColor } from "../../web/colors.mjs";
import { inside } from "./camera.mjs";
import { takePlace } from "./labels.mjs";
import { rangeOf } from "../../web/numbers.mjs";
import { shorten, textWidth } from "../../web/text.mjs";
import { paragraph } from "./painter.mjs";
import { distancesFrom } from "./places.mjs";
import { say } from "../../web/words.mjs";

const ABOVE_IT = 26;
const TURNS = Array.from({ length: 24 }, (_, i) => ((i % 2 ? -1 : 1) * Math.ceil(i / 2) * Math.PI) / 12); // from the top, by turns left and right
const MANY = 40; // keys; beyond that only those with some attention are named

export class NearView {
  constructor(points) {
    this.points = points;
    this.marks = [];
  }

  layOut(app, box) {
    const wide = box.width >= 700;
    const width = wide ? box.width / 2 - 14 : box.width - 16;
    const height = wide ? box.height - ABOVE_IT - 10 : Math.min(width, 420);
    this.ring = { x: box.x + 8, y: box.y + ABOVE_IT, width, height };
    this.cloudBox = wide
      ? { x: box.x + width + 20, y: box.y + ABOVE_IT, width, height }
      : { x: box.x + 8, y: box.y + height + 2 * ABOVE_IT, width, height };
    this.height = this.cloudBox.y + height + 8 - box.y;
  }

  draw(painter, app, box) {
    const { state, theme } = app;
    this.marks = [];
    const attention = app.attention();
    if (!attention || state.query < 0) {
      paragraph(painter, say(attention ? "near_choose" : "sentence_left_out"), box.x + 16, box.y + 40, this.ring.width - 24, { color: theme.ink, size: 13 });
      if (!attention) return false;
    } else {
      painter.clip(this.ring, () => this.drawRing(painter, app));
      const title = say("near_ring", { token: shorten(app.sentence.tokens[state.query], 80, 12, 600), zero: this.zero.toFixed(2) });
      paragraph(painter, title, this.ring.x, box.y + ABOVE_IT / 2, this.ring.width, { color: theme.faint, size: 12, weight: 600 });
    }
    return this.points.drawBeside(painter, app, this.cloudBox, say("near_flat", state));
  }

  /** The query in the middle; a key straight out from it, as far as it is away; all keys in the order of the sentence. */
  drawRing(painter, app) {
    const { state, theme, sentence: { size, tokens } } = app;
    const { distances } = distancesFrom(app.head, state.sentence, state.method, state.query);
    const row = app.row(state.query);
    const [cx, cy] = [this.ring.x + this.ring.width / 2, this.ring.y + this.ring.height / 2];
    const [least, most] = rangeOf(distances);
    // Distances begin at half the nearest one, so that small differences are seen; the circles say how far they are.
    const zero = (this.zero = least / 2);
    const label = (j) => `${shorten(tokens[j], 90)} ${row[j].toFixed(2)}`;
    const share = (d) => (d - zero) / (most - zero || 1);
    const way = (j) => ((j + 0.5) / size) * 2 * Math.PI - Math.PI / 2;
    const fits = tokens.map((_, j) => { // so far out that its name still stands beside it
      const across = Math.abs(Math.cos(way(j)));
      return (this.ring.width / 2 - textWidth(label(j), 12, 700) - 14) / (across * share(distances[j]) || 1e-9);
    });
    const room = Math.max(40, Math.min(this.ring.height / 2 - 30, ...fits));
    const radius = (d) => share(d) * room;
    const circles = [least, (least + most) / 2, most];
    for (const d of circles) painter.ring(cx, cy, radius(d), theme.rule, 1);
    const order = largestFirst(row);
    const [strongest] = order;
    const taken = [];
    const labels = [];
    for (const j of order) {
      if (app.hides(state.query, j)) continue;
      const [dx, dy] = [Math.cos(way(j)), Math.sin(way(j))];
      const [x, y] = [cx + dx * radius(distances[j]), cy + dy * radius(distances[j])];
      painter.line([[cx, cy], [x, y]], attentionColor(Math.max(0.02, row[j]), theme), 1 + 5 * row[j]);
      painter.stamp(painter.sprite("diamond", 5, theme.key, theme.paper), x, y);
      if (j === state.key || app.hovered(1).includes(j)) painter.ring(x, y, 9, theme.mark, 2.5);
      this.marks.push({ x, y, j });
      taken.push({ x: x - 5, y: y - 5, width: 10, height: 10 });
      const named = j === strongest || j === state.key || app.hovered(1).includes(j);
      if (size > MANY && row[j] < state.above && !named) continue;
      labels.push({ x, y, text: label(j), right: dx > 0, weight: j === strongest || j === state.key ? 700 : 400 });
    }
    const name = tokens[state.query];
    const wideName = textWidth(name, 12, 700);
    taken.push({ x: cx - wideName / 2, y: cy - 8, width: wideName, height: 46 }); // the query, its name and the distance there
    for (const d of circles) { // at its top, or where nothing is
      const wide = textWidth(d.toFixed(2), 11);
      const boxes = TURNS.map((turn) => ({ x: cx - radius(d) * Math.sin(turn) - wide / 2, y: cy - radius(d) * Math.cos(turn) - 7, width: wide, height: 14 }));
      const place = takePlace(boxes, taken, this.ring) ?? boxes[0];
      painter.text(d.toFixed(2), place.x + wide / 2, place.y + 7, { color: theme.faint, size: 11, align: "center", halo: theme.paper });
    }
    for (const { x, y, text, right, weight } of labels) { // when all diamonds are there, so that none covers a name
      const wide = textWidth(text, 12, weight);
      const boxes = [right, !right].flatMap((side) => [0, -8, 8, -14, 14, -20, 20].map((by) =>
        ({ x: side ? x + 8 : x - 8 - wide, y: y + by - 7, width: wide, height: 14 })));
      const place = takePlace(boxes, taken, this.ring) ?? boxes[0];
      painter.text(text, place.x, place.y + 7, { size: 12, color: theme.key, weight, halo: theme.paper });
    }
    painter.stamp(painter.sprite("disc", 7, theme.query, theme.paper), cx, cy);
    painter.text(name, cx - wideName / 2, cy + 16, { size: 12, weight: 700, color: theme.query, halo: theme.paper });
    painter.text(zero.toFixed(2), cx, cy + 31, { color: theme.faint, size: 11, align: "center", halo: theme.paper });
  }

  hit(app, x, y) {
    if (this.cloudBox && inside(this.cloudBox, x, y)) return this.points.hit(app, x, y);
    const mark = this.marks.find((one) => Math.hypot(one.x - x, one.y - y) < 14);
    return mark ? { sentence: app.state.sentence, queries: [], keys: [mark.j] } : null;
  }
}
