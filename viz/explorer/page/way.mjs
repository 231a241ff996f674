// The whole way of one token: what each head and each half adds to it, and what the model would say after each layer.

import { inside } from "./camera.mjs";
import { shorten, textWidth } from "./painter.mjs";
import { say } from "./words.mjs";

const STEP_HIGH = 21;
const STEPS_BELOW = 46;

export class WayView {
  constructor() {
    this.rows = [];
  }

  draw(painter, app, box) {
    const { theme, data, state } = app;
    const steps = data.isTyped(state.sentence) ? data.typed.way : null;
    this.rows = [];
    this.height = box.height;
    if (!steps) {
      painter.text(say("way_choose"), box.x + 16, box.y + 30, { colour: theme.ink });
      return false;
    }
    const names = Math.min(236, box.width * 0.34);
    const [bars, towards] = [box.x + 10 + names, box.x + 10 + names + (box.width - names) * 0.3];
    const guesses = towards + (box.width - names) * 0.2;
    const longest = Math.max(...steps.map((step) => step.length));
    const title = (text, x, width) => painter.text(shorten(text, width, 12, 600), x, box.y + 22, { colour: theme.faint, weight: 600 });
    title(say("way_step"), box.x + 10, names);
    title(say("way_length"), bars, towards - bars - 8);
    title(say("way_towards"), towards, guesses - towards - 8);
    title(say("way_guess"), guesses, box.x + box.width - guesses - 8);
    steps.forEach((step, i) => {
      const y = box.y + STEPS_BELOW + i * STEP_HIGH;
      const whole = step.name === "norm" || step.name === "embeddings";
      const gone = step.head !== undefined && app.without.has(`${step.layer}.${step.head}`);
      if (whole) painter.rect(box.x, y - STEP_HIGH / 2, box.width, STEP_HIGH, { fill: theme.panel });
      if (step.name === "residual" && (i === 0 || steps[i - 1].name === "embeddings" || steps[i - 1].layer < step.layer)) painter.line([[box.x, y - STEP_HIGH / 2], [box.x + box.width, y - STEP_HIGH / 2]], theme.rule);
      const name = step.head === undefined ? say(`way_${step.name}`) : say("way_head", { layer: step.layer, head: step.head });
      const half = step.name === "norm" ? say(steps[i - 1].name === "feed_forward" ? "way_out" : "way_middle", { layer: step.layer }) : name;
      const indent = step.head !== undefined || step.name === "bias" ? 16 : 0;
      painter.text(shorten(gone ? say("way_off", { name: half }) : half, names - indent - 6), box.x + 10 + indent, y, { colour: theme.ink, weight: whole ? 600 : 400 });
      const width = (towards - bars - 60) * (step.length / longest);
      const colour = step.head !== undefined || step.name === "attention" ? theme.attention : step.name === "feed_forward" ? theme.mark : theme.other;
      painter.rect(bars, y - 5, Math.max(1, width), 10, { fill: colour });
      painter.text(step.length.toFixed(2), bars + width + 5, y, { size: 11, colour: theme.ink });
      if (!whole) {
        const middle = towards + (guesses - towards - 16) / 2;
        const reach = ((guesses - towards - 16) / 2 - 26) * step.towards;
        painter.line([[middle, y - 8], [middle, y + 8]], theme.rule);
        painter.rect(Math.min(middle, middle + reach), y - 4, Math.max(1, Math.abs(reach)), 8, { fill: step.towards < 0 ? theme.key : theme.query });
        painter.text(step.towards.toFixed(2).replace("-", "−"), step.towards < 0 ? middle + 4 : middle - 30, y, { size: 11, colour: theme.ink });
      }
      let x = guesses;
      for (const [token, p] of step.guesses ?? []) {
        const text = `${token} ${(100 * p).toFixed(0)} %`;
        if (x + textWidth(text) > box.x + box.width - 6) break;
        painter.text(text, x, y, { colour: theme.ink, weight: x === guesses ? 700 : 400 });
        x += textWidth(text, 12, 700) + 14;
      }
      this.rows.push({ x: box.x, y: y - STEP_HIGH / 2, width: box.width, height: STEP_HIGH, step });
    });
    this.height = STEPS_BELOW + steps.length * STEP_HIGH + 10;
    return false;
  }

  /** A head can be opened from its row. */
  hit(app, x, y) {
    const row = this.rows.find((one) => inside(one, x, y));
    return row?.step.head === undefined ? null : { layer: row.step.layer, head: row.step.head };
  }
}
