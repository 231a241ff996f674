// The whole way of one token: what each head and each half adds to it, and the guesses of the model after each half.

import { inside } from "./camera.mjs";
import { shorten, textWidth } from "../../web/text.mjs";
import { paragraph } from "./painter.mjs";
import { fixed, percent } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

const STEP_HIGH = 21;
const STEPS_BELOW = 46;
const EDGE = 10;

const BARS = { head: "attention", attention: "attention", feed_forward: "mark" }; // colours of the theme

const isWhole = (step) => step.name === "norm" || step.name === "embeddings";
const isPart = (step) => step.head !== undefined || step.name === "bias";

/** What a step is called; `last` is the step before it. */
function nameOf(step, last, without) {
  if (step.name === "norm") return say(last.name === "feed_forward" ? "way_out" : "way_middle", step);
  if (step.name !== "head") return say(`way_${step.name}`);
  const name = say("way_head", step);
  return without.has(`${step.layer}.${step.head}`) ? say("way_off", { name }) : name;
}

export class WayView {
  rows = [];

  /** On a phone a step's bars lie below its name, and its guesses below them. */
  layOut({ live, without }, box) {
    const steps = live.way;
    const narrow = box.width < 700; // then a title would be cut
    this.rows = [];
    let y = box.y + STEPS_BELOW - STEP_HIGH / 2;
    let widest = 0;
    for (const [i, step] of (steps ?? []).entries()) {
      const height = narrow ? STEP_HIGH + (isWhole(step) ? 24 : 8) : STEP_HIGH;
      const [name, indent, weight] = [nameOf(step, steps[i - 1], without), isPart(step) ? 16 : 0, isWhole(step) ? 600 : 400];
      widest = Math.max(widest, indent + textWidth(name, 12, weight));
      this.rows.push({ x: box.x, y, width: box.width, height, step, name, indent, weight });
      y += height;
    }
    this.height = steps ? y - box.y + 10 : box.height;
    const [right, wide] = [box.x + box.width - EDGE, box.width - 2 * EDGE];
    const names = narrow ? wide - 88 : Math.min(widest + 16, wide * 0.42);
    const bars = narrow ? { x: box.x + EDGE, width: wide - 56 } : { x: box.x + EDGE + names, width: wide * 0.2 };
    const towards = narrow ? { x: right - 52, width: 52 } : { x: bars.x + bars.width + 12, width: wide * 0.19 };
    const guesses = narrow ? { x: box.x + EDGE, width: wide } : { x: towards.x + towards.width + 12, width: right - towards.x - towards.width - 12 };
    this.columns = { narrow, names, bars, towards, guesses };
  }

  draw(painter, app, box) {
    const { theme } = app;
    const { rows } = this;
    const { narrow, names, bars, towards, guesses } = this.columns;
    if (!rows.length) {
      paragraph(painter, say(app.live.nothing), box.x + 16, box.y + 30, box.width - 32, { color: theme.ink, size: 13 });
      return false;
    }
    const title = (text, x, width, align = "left") => painter.text(shorten(text, width, 12, 600), x, box.y + 18, { color: theme.faint, weight: 600, align });
    title(say("way_step"), box.x + EDGE, narrow ? 100 : names);
    if (narrow) title(`${say("way_length")} · ${say("way_towards")}`, box.x + box.width - EDGE, box.width - 120, "right");
    else {
      title(say("way_length"), bars.x, bars.width);
      title(say("way_towards"), towards.x, towards.width);
      title(say("way_guess"), guesses.x, guesses.width);
    }
    this.longest = Math.max(...rows.map(({ step }) => step.length));
    rows.forEach((row, i) => this.drawStep(painter, app, row, rows[i - 1]?.step));
    return false;
  }

  /** The row of a step: its name, a bar as long as what it added, its cosine, and the guesses after it. */
  drawStep(painter, { theme }, { x, y, width, height, step, name, indent, weight }, last) {
    const { names, bars, towards, narrow } = this.columns;
    const middle = y + STEP_HIGH / 2;
    const whole = isWhole(step);
    if (whole) painter.rect(x, y, width, height, { fill: theme.panel });
    if (step.name === "residual" && (last.name === "embeddings" || last.layer < step.layer)) painter.line([[x, y], [x + width, y]], theme.rule);
    painter.text(shorten(name, names - indent - 6, 12, weight), x + EDGE + indent, middle, { color: theme.ink, weight });
    const fill = theme[BARS[step.name] ?? "other"];
    const length = Math.max(1, (bars.width - (narrow ? 0 : 48)) * (step.length / this.longest));
    const look = { size: 11, color: theme.ink };
    if (narrow) {
      painter.rect(bars.x, middle + 10, length, 5, { fill });
      painter.text(fixed(step.length), towards.x - 8, middle, { ...look, align: "right" });
      painter.text(fixed(step.towards), x + width - EDGE, middle, { ...look, align: "right" });
    } else {
      painter.rect(bars.x, middle - 5, length, 10, { fill });
      painter.text(fixed(step.length), bars.x + length + 5, middle, look);
      this.drawTowards(painter, theme, step.towards, middle);
    }
    this.drawGuesses(painter, theme, step.guesses ?? [], narrow ? middle + 25 : middle);
  }

  /** A bar to the right where the vector points to the last state, to the left where it points away from it. */
  drawTowards(painter, theme, cosine, y) {
    const { x, width } = this.columns.towards;
    const [middle, reach] = [x + width * 0.4, width * 0.55 * cosine];
    painter.line([[middle, y - 8], [middle, y + 8]], theme.rule);
    painter.rect(Math.min(middle, middle + reach), y - 4, Math.max(1, Math.abs(reach)), 8, { fill: cosine < 0 ? theme.key : theme.query });
    painter.text(fixed(cosine), middle + (cosine < 0 ? Math.min(reach, 0) : 0) - 6, y, { size: 11, color: theme.ink, align: "right" });
  }

  drawGuesses(painter, theme, list, y) {
    const { guesses, narrow } = this.columns;
    let { x } = guesses;
    for (const [i, [token, p]] of list.entries()) {
      const text = `${token} ${percent(p)}`;
      const look = { size: narrow ? 11 : 12, weight: i ? 400 : 700 };
      if (x + textWidth(text, look.size, look.weight) > guesses.x + guesses.width) break;
      painter.text(text, x, y, { ...look, color: theme.ink });
      x += textWidth(text, look.size, look.weight) + 12;
    }
  }

  /** A head can be opened from its row. */
  hit(app, x, y) {
    const row = this.rows.find((one) => inside(one, x, y));
    return row?.step.head === undefined ? null : { layer: row.step.layer, head: row.step.head };
  }
}
