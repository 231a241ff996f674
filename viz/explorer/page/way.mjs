// The whole way of one token: what each head and each half adds to it, and what the model would say after each layer.

import { inside } from "./camera.mjs";
import { shorten, textWidth } from "../../web/text.mjs";
import { paragraph } from "./painter.mjs";
import { fixed, percent } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

const STEP_HIGH = 21;
const STEPS_BELOW = 46;
const EDGE = 10;

const isWhole = (step) => step.name === "norm" || step.name === "embeddings";

export class WayView {
  constructor() {
    this.rows = [];
  }

  /** On a phone a step's bars lie below its name, and its guesses below them. */
  layOut({ data, state }, box) {
    const steps = data.isTyped(state.sentence) ? data.typed.way : null;
    const narrow = box.width < 560;
    this.rows = [];
    let y = box.y + STEPS_BELOW - STEP_HIGH / 2;
    for (const step of steps ?? []) {
      const height = narrow ? STEP_HIGH + (isWhole(step) ? 24 : 8) : STEP_HIGH;
      this.rows.push({ x: box.x, y, width: box.width, height, step });
      y += height;
    }
    this.height = steps ? y - box.y + 10 : box.height;
    const [right, wide] = [box.x + box.width - EDGE, box.width - 2 * EDGE];
    const names = narrow ? wide - 120 : Math.min(250, wide * 0.3);
    const bars = narrow ? { x: box.x + EDGE, width: wide - 56 } : { x: box.x + EDGE + names, width: wide * 0.2 };
    const towards = narrow ? { x: right - 52, width: 52 } : { x: bars.x + bars.width + 12, width: wide * 0.19 };
    const guesses = narrow ? { x: box.x + EDGE, width: wide } : { x: towards.x + towards.width + 12, width: right - towards.x - towards.width - 12 };
    Object.assign(this, { narrow, names, bars, towards, guesses });
  }

  draw(painter, app, box) {
    const { theme } = app;
    this.layOut(app, box);
    const { rows, narrow, names, bars, towards, guesses } = this;
    if (!rows.length) {
      paragraph(painter, say("way_choose"), box.x + 16, box.y + 30, box.width - 32, { colour: theme.ink, size: 13 });
      return false;
    }
    const title = (text, x, width, align = "left") => painter.text(shorten(text, width, 12, 600), x, box.y + 18, { colour: theme.faint, weight: 600, align });
    title(say("way_step"), box.x + EDGE, narrow ? 90 : names);
    if (narrow) title(`${say("way_length")} · ${say("way_towards")}`, box.x + box.width - EDGE, box.width - 120, "right");
    else {
      title(say("way_length"), bars.x, bars.width);
      title(say("way_towards"), towards.x, towards.width);
      title(say("way_guess"), guesses.x, guesses.width);
    }
    const longest = Math.max(...rows.map(({ step }) => step.length));
    rows.forEach((row, i) => {
      const { step } = row;
      const y = row.y + STEP_HIGH / 2;
      const whole = isWhole(step);
      const ofHead = step.head !== undefined;
      const last = rows[i - 1]?.step;
      if (whole) painter.rect(box.x, row.y, box.width, row.height, { fill: theme.panel });
      if (step.name === "residual" && (last.name === "embeddings" || last.layer < step.layer)) painter.line([[box.x, row.y], [box.x + box.width, row.y]], theme.rule);
      let name = ofHead ? say("way_head", step) : say(`way_${step.name}`);
      if (step.name === "norm") name = say(last.name === "feed_forward" ? "way_out" : "way_middle", step);
      if (ofHead && app.without.has(`${step.layer}.${step.head}`)) name = say("way_off", { name });
      const indent = ofHead || step.name === "bias" ? 16 : 0;
      painter.text(shorten(name, names - indent - 6, 12, whole ? 600 : 400), box.x + EDGE + indent, y, { colour: theme.ink, weight: whole ? 600 : 400 });
      const colour = ofHead || step.name === "attention" ? theme.attention : step.name === "feed_forward" ? theme.mark : theme.other;
      const length = Math.max(1, (bars.width - (narrow ? 0 : 48)) * (step.length / longest));
      if (narrow) {
        painter.rect(bars.x, y + 10, length, 5, { fill: colour });
        painter.text(step.length.toFixed(2), towards.x - 8, y, { size: 11, colour: theme.ink, align: "right" });
        if (!whole) painter.text(fixed(step.towards), box.x + box.width - EDGE, y, { size: 11, colour: theme.ink, align: "right" });
      } else {
        painter.rect(bars.x, y - 5, length, 10, { fill: colour });
        painter.text(step.length.toFixed(2), bars.x + length + 5, y, { size: 11, colour: theme.ink });
        if (!whole) this.drawTowards(painter, theme, step.towards, y);
      }
      this.drawGuesses(painter, theme, step.guesses ?? [], narrow ? y + 25 : y);
    });
    return false;
  }

  /** A bar to the right where the step points to the outcome, to the left where it points away from it. */
  drawTowards(painter, theme, cosine, y) {
    const { x, width } = this.towards;
    const [middle, reach] = [x + width * 0.4, width * 0.55 * cosine];
    painter.line([[middle, y - 8], [middle, y + 8]], theme.rule);
    painter.rect(Math.min(middle, middle + reach), y - 4, Math.max(1, Math.abs(reach)), 8, { fill: cosine < 0 ? theme.key : theme.query });
    painter.text(fixed(cosine), middle + (cosine < 0 ? Math.min(reach, 0) : 0) - 6, y, { size: 11, colour: theme.ink, align: "right" });
  }

  drawGuesses(painter, theme, list, y) {
    let { x } = this.guesses;
    for (const [i, [token, p]] of list.entries()) {
      const text = `${token} ${percent(p)}`;
      const look = { size: this.narrow ? 11 : 12, weight: i ? 400 : 700 };
      if (x + textWidth(text, look.size, look.weight) > this.guesses.x + this.guesses.width) break;
      painter.text(text, x, y, { ...look, colour: theme.ink });
      x += textWidth(text, look.size, look.weight) + 12;
    }
  }

  /** A head can be opened from its row. */
  hit(app, x, y) {
    const row = this.rows.find((one) => inside(one, x, y));
    return row?.step.head === undefined ? null : { layer: row.step.layer, head: row.step.head };
  }
}
