// The joint cloud of queries and keys: where the points are, how they look, which one is under the pointer.

import { ball, bounds, camera, mixBounds, project, ticks } from "./camera.mjs";
import { placeLabels } from "./labels.mjs";
import { rangeOf, within } from "../../web/numbers.mjs";
import { textWidth } from "../../web/text.mjs";
import { say } from "../../web/words.mjs";

const MOVE = 700; // milliseconds from one picture to the next
const BUCKETS = 7; // point sizes

/** 0 .. count - 1 in steps of a large prime, so that no sentence lies on top of all others. */
const shuffled = (count) => Uint32Array.from({ length: count }, (_, i) => (i * 2654435761) % count);

export class Cloud {
  constructor(data) {
    this.data = data;
    this.picture = null;
    this.resize();
  }

  /** As many places as there are points: a typed sentence grows and shrinks. */
  resize() {
    const { points } = this.data;
    if (this.order?.length === points) return;
    this.now = new Float32Array(3 * points);
    this.screen = new Float32Array(2 * points);
    this.depth = new Float32Array(points);
    this.order = shuffled(points);
    this.picture = null;
  }

  /** Move towards the picture of the state. Call it before each drawing. Returns true while points still move. */
  move(state, only, still, time) {
    this.resize();
    const picture = [state.layer, state.head, state.method, state.dims, only ? state.sentence : "all"].join();
    if (picture === this.picture && this.typed !== this.data.typed) this.picture = null; // typed words land at once
    this.typed = this.data.typed;
    if (picture !== this.picture) {
      const target = this.target(state, only);
      const instant = still || this.picture === null;
      const around = picture.replace(`,${state.method},`, ",");
      const turned = this.picture !== null && around === this.around; // the same points, moved in another way
      this.trail = turned ? this.goal.positions.map((x) => (x * this.goal.extent) / target.extent) : null;
      this.trailOf = `${state.query} ${state.key}`;
      this.around = around;
      this.start = instant ? null : { positions: this.now.slice(), world: this.world, turning: this.turning, time };
      this.goal = target;
      this.picture = picture;
      this.shown = target.shown;
    }
    const t = this.start ? Math.min(1, (time - this.start.time) / MOVE) : 1;
    if (t === 1) this.start = null;
    const eased = t * t * (3 - 2 * t);
    const { goal } = this;
    const { positions, world, turning } = this.start ?? goal;
    for (let i = 0; i < positions.length; i++) this.now[i] = positions[i] + (goal.positions[i] - positions[i]) * eased;
    this.world = mixBounds(world, goal.world, eased);
    this.turning = turning + (goal.turning - turning) * eased;
    return this.start !== null;
  }

  target(state, only) {
    const { data } = this;
    const head = data.head(state.layer, state.head);
    const positions = head.positions(state.method).slice();
    if (state.dims === 2) for (let p = 0; p < data.points; p++) positions[3 * p + 2] = 0;
    let shown = head.shown(state.method, state.dims);
    if (only) shown = shown.map((one, n) => (data.sentenceOf[n] === state.sentence ? one : 0));
    const world = (state.dims === 3 ? ball : bounds)(positions, shown);
    return { positions, world, turning: state.dims - 2, shown, extent: head.extent(state.method) };
  }

  /** Put the points on the screen. */
  layOut(state, box) {
    const look = { ...state, turn: state.turn * this.turning, tilt: state.tilt * this.turning };
    this.eye = camera(this.world, box, look, this.turning > 0 ? 3 : 2, box.width < 300 ? 24 : 54);
    project(this.eye, this.now, this.screen, this.depth);
  }

  visible(p) {
    const { box } = this.eye;
    const [x, y] = [this.screen[2 * p] - box.x, this.screen[2 * p + 1] - box.y];
    return this.shown[p % this.data.size] === 1 && x > -9 && y > -9 && x < box.width + 9 && y < box.height + 9;
  }

  /** Thin lines from where the points of some tokens were before the last move to where they are. */
  drawTrail(painter, theme, from, to) {
    if (!this.trail) return;
    const before = new Float32Array(this.screen.length);
    project(this.eye, this.trail, before, new Float32Array(this.depth.length));
    for (let side = 0; side < 2; side++) {
      for (let n = from; n < to; n++) {
        const p = side * this.data.size + n;
        painter.line([[before[2 * p], before[2 * p + 1]], this.place(side, n)], side ? theme.key : theme.query, 1, 0.35);
      }
    }
  }

  /** How many tokens are to be seen. */
  get count() {
    return this.shown.reduce((total, one) => total + one, 0);
  }

  place(side, token) {
    const p = side * this.data.size + token;
    return [this.screen[2 * p], this.screen[2 * p + 1]];
  }

  /** Size of a point, as a number of a sprite: by norm if there are norms, by nearness to the eye in 3-D. */
  bucket(p, norms, longest, shortest) {
    let size = norms ? (norms[p] - shortest) / (longest - shortest || 1) : 0.5;
    if (this.turning > 0) size = 0.6 * size + 0.4 * (0.5 + 0.5 * this.turning * this.depth[p]);
    return within(Math.round(size * (BUCKETS - 1)), 0, BUCKETS - 1);
  }

  /** The points that are bright, or those that are not. The faded ones are drawn opaque and then veiled together: many at
   * one place are no darker than one. */
  draw(painter, app, bright, faded = false) {
    if (faded && !bright.includes(0)) return;
    const { data } = this;
    const { state, theme } = app;
    const head = data.head(state.layer, state.head);
    const colors = app.coloringOf(head);
    const count = 2 * this.count;
    const basic = (count > 4000 ? 2.1 : count > 1500 ? 2.6 : count > 400 ? 3.4 : 4.8) * Math.min(1.8, Math.max(1, state.zoom) ** 0.2);
    const edge = count > 1500 ? null : theme.paper;
    const norms = state.sized ? head.norms : null;
    const [shortest, longest] = norms ? rangeOf(norms) : [0, 1];

    const sprites = [];
    const spriteOf = (side, color, bucket) => {
      const name = (side * 64 + color) * BUCKETS + bucket;
      sprites[name] ??= painter.sprite(side ? "diamond" : "disc", basic * (0.55 + (0.9 * bucket) / (BUCKETS - 1)), colors.palette[color], edge);
      return sprites[name];
    };
    const { screen, eye: { box } } = this;
    painter.stamps(box, count > 1500, () => {
      painter.alpha(count > 3000 && !faded ? 0.8 : 1);
      for (const p of this.order) {
        if ((bright[p % data.size] === 1) === faded || !this.visible(p)) continue;
        const bucket = this.bucket(p, norms, longest, shortest);
        painter.stamp(spriteOf(p < data.size ? 0 : 1, colors.index[p], bucket), screen[2 * p], screen[2 * p + 1]);
      }
    });
    painter.alpha(count > 3000 ? 0.87 : 0.8);
    if (faded) painter.rect(box.x, box.y, box.width, box.height, { fill: theme.paper });
    painter.alpha(1);
  }

  /** Token names beside the points, as many as fit; those of `first` (points) before all others. */
  drawLabels(painter, app, bright, first) {
    const { data } = this;
    const { state, theme } = app;
    const box = this.eye.box;
    const size = box.width < 300 ? 11 : 12;
    const count = 2 * this.count;
    const most = state.labels ? Math.min(250, count > 600 ? 40 * Math.max(1, state.zoom) : 250) : 0;
    const chosen = new Set(first);
    const wanted = [];
    const want = (p) => {
      if (this.visible(p)) wanted.push({ p, x: this.screen[2 * p], y: this.screen[2 * p + 1], text: data.tokenOf[p % data.size], gap: chosen.has(p) ? 13 : 6 });
    };
    chosen.forEach(want);
    for (const p of this.order) {
      if (wanted.length > first.length + 4 * most) break;
      if (most > 0 && bright[p % data.size] && !chosen.has(p)) want(p);
    }
    const taken = [];
    const few = 2 * bright.reduce((sum, one) => sum + one, 0) <= 400;
    for (const p of few ? this.order : []) {
      const [x, y] = [this.screen[2 * p] - 6, this.screen[2 * p + 1] - 6];
      if (bright[p % data.size] && this.visible(p)) taken.push({ x, y, width: 12, height: 12 });
    }
    const frame = { x: box.x + 2, y: box.y + 2, width: box.width - 4, height: box.height - 4 };
    const placed = placeLabels(wanted, (text) => textWidth(text, size), frame, { most: most + first.length, taken });
    for (const { p, text, left, middle } of placed) {
      const color = p < data.size ? theme.query : theme.key;
      painter.text(text, left, middle, { size, color, halo: theme.paper, weight: chosen.has(p) ? 700 : 400 });
    }
  }

  /** The point within reach of the pointer: {side, token} or null. */
  pick(x, y, bright, reach = 12) {
    let best = null;
    let least = reach;
    for (let p = 0; p < this.data.points; p++) {
      const away = Math.hypot(this.screen[2 * p] - x, this.screen[2 * p + 1] - y) + (bright[p % this.data.size] ? 0 : 4);
      if (away < least && this.visible(p)) [best, least] = [p, away];
    }
    return best === null ? null : { side: best < this.data.size ? 0 : 1, token: best % this.data.size };
  }

  /** Axes with units: round numbers along the edges in 2-D, three turned arrows in 3-D. */
  drawAxes(painter, app) {
    const { state, theme, data } = app;
    const head = data.head(state.layer, state.head);
    const { eye } = this;
    const { box } = eye;
    const shares = head.packed.variance[state.method];
    const name = (i) => shares === null ? say("axis", { number: i + 1 }) : say("component", { number: i + 1, share: (100 * shares[i]).toFixed(0) });
    if (this.turning > 0) {
      for (let i = 0; i < 3; i++) {
        const length = this.world.width / 2;
        const end = [eye.mx + (eye.turn[0][i] * length - eye.cx) * eye.scale, eye.my - (eye.turn[1][i] * length - eye.cy) * eye.scale];
        painter.line([[eye.mx - eye.cx * eye.scale, eye.my + eye.cy * eye.scale], end], theme.rule, 1.5);
        painter.text(`${i + 1}`, end[0], end[1], { color: theme.faint, size: 11, align: "center", halo: theme.paper });
      }
      [2, 1, 0].forEach((i, line) => painter.text(name(i), box.x + box.width - 8, box.y + box.height - 10 - 15 * line, { color: theme.faint, size: 11, align: "right" }));
      return;
    }
    const unit = head.extent(state.method);
    const span = (middle, half) => [(middle - half / eye.scale) * unit, (middle + half / eye.scale) * unit];
    for (const t of ticks(...span(eye.cx, box.width / 2), box.width / (box.width < 500 ? 70 : 110))) {
      const x = eye.mx + (t / unit - eye.cx) * eye.scale;
      painter.line([[x, box.y], [x, box.y + box.height]], theme.rule, t === 0 ? 1.5 : 0.5);
      if (x > box.x + 34 && x < box.x + box.width - 12) painter.text(String(t), x, box.y + box.height - 24, { color: theme.faint, size: 10, align: "center" });
    }
    for (const t of ticks(...span(eye.cy, box.height / 2), box.height / (box.height < 500 ? 70 : 110))) {
      const y = eye.my - (t / unit - eye.cy) * eye.scale;
      painter.line([[box.x, y], [box.x + box.width, y]], theme.rule, t === 0 ? 1.5 : 0.5);
      if (y > box.y + 12 && y < box.y + box.height - 36) painter.text(String(t), box.x + 24, y, { color: theme.faint, size: 10 });
    }
    painter.text(name(0), box.x + box.width - 8, box.y + box.height - 9, { color: theme.faint, size: 11, align: "right" });
    painter.text(name(1), box.x + 10, box.y + 8, { color: theme.faint, size: 11, align: "right", turned: true });
  }
}
