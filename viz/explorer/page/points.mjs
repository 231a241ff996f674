// One head seen large: the joint cloud, the lines of attention, labels. Also the small cloud beside a sentence.

import { isOneSentence, lineOpacity, lineWidth, linesOf } from "./attention.mjs";
import { shorten } from "../../web/text.mjs";
import { say } from "../../web/words.mjs";

const LONGEST_TRAIL = 64; // tokens: beyond that it would be a thicket

export class PointsView {
  constructor(cloud) {
    this.cloud = cloud;
  }

  /** 1 for each token that is not faded: the hits of a search, else the sentence of the chosen point or of the field above, else all. */
  bright(app) {
    const { data, state } = app;
    if (state.find && app.found.includes(1)) return app.found;
    const all = data.live ? state.color !== "type" && !data.isTyped(state.sentence) : true; // other colours compare all points
    if (state.query < 0 && state.key < 0 && all) return new Uint8Array(data.size).fill(1);
    return app.ofSentence;
  }

  /** Returns true while something moves. only: show nothing but the chosen sentence. */
  draw(painter, app, box, only = app.state.only) {
    const { data, state, theme } = app;
    const { cloud } = this;
    const moving = cloud.move(state, only, app.calm.matches, app.time);
    cloud.layOut(state, box);
    this.shown = only ? new Uint8Array(data.size).fill(1) : this.bright(app);
    const { start } = data.sentences[state.sentence];
    painter.clip(box, () => {
      cloud.draw(painter, app, this.shown, true);
      cloud.drawAxes(painter, app);
      if (this.hasTrail(app)) cloud.drawTrail(painter, theme, start, start + data.sentences[state.sentence].size);
      this.drawLines(painter, app, only);
      cloud.draw(painter, app, this.shown);
      const chosen = [];
      const ring = (side, position, color) => {
        if (!cloud.shown[start + position]) return;
        painter.ring(...cloud.place(side, start + position), 9, color, 2.5);
        chosen.push(side * data.size + start + position);
      };
      if (state.query >= 0) ring(0, state.query, theme.mark);
      if (state.key >= 0) ring(1, state.key, theme.mark);
      for (const side of [0, 1]) for (const position of app.hovered(side)) ring(side, position, theme.ink);
      cloud.drawLabels(painter, app, this.shown, chosen);
      if (!only && this.shown.includes(0)) painter.text(say(state.find ? "pale_found" : "pale"), box.x + 34, box.y + 14, { color: theme.faint, halo: theme.paper });
      if (cloud.count === 0) {
        painter.text(say("points_left_out", { drawn: say(`method_${data.drawn}`) }), box.x + box.width / 2, box.y + box.height / 2,
          { color: theme.faint, align: "center" });
      }
    });
    return moving;
  }

  /** The small cloud of one sentence beside other drawings: a title, the points, a frame. */
  drawBeside(painter, app, box, title) {
    const { theme } = app;
    painter.text(shorten(title, box.width, 12, 600), box.x, box.y - 13, { color: theme.faint, weight: 600 });
    const moving = this.draw(painter, app, box, true);
    painter.rect(box.x, box.y, box.width, box.height, { stroke: theme.rule });
    return moving;
  }

  /** Until something else is chosen. */
  hasTrail({ data, state }) {
    const { start, size } = data.sentences[state.sentence];
    return Boolean(this.cloud.trail) && this.cloud.trailOf === `${state.query} ${state.key}` && size <= LONGEST_TRAIL && this.cloud.shown[start] === 1;
  }

  drawLines(painter, app, only) {
    const { data, state, theme } = app;
    const attention = app.attention();
    const { start, size } = data.sentences[state.sentence];
    if (!attention || !this.cloud.shown[start]) return;
    const all = state.lines && isOneSentence(data, only);
    for (const { query, key, weight } of linesOf(attention, size, state, all)) {
      const pair = query === state.query && key === state.key;
      const ends = [this.cloud.place(0, start + query), this.cloud.place(1, start + key)];
      painter.line(ends, pair ? theme.mark : theme.attention, lineWidth(weight), pair ? 1 : lineOpacity(weight));
    }
  }

  hit(app, x, y) {
    const found = this.cloud.pick(x, y, this.shown);
    if (!found) return null;
    const sentence = app.data.sentenceOf[found.token];
    const position = app.data.positionOf[found.token];
    return { sentence, queries: found.side === 0 ? [position] : [], keys: found.side === 1 ? [position] : [], point: found };
  }
}
