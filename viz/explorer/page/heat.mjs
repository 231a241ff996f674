// The colour scale of a heatmap, drawn below it.

import { attentionColor } from "../../web/colors.mjs";
import { textWidth } from "../../web/text.mjs";
import { say } from "../../web/words.mjs";

const STEPS = 25;
const WIDTH = 100;

/** How wide it is. */
export const heatScaleWidth = () => WIDTH + 18 + textWidth(say("heat_scale"), 11);

/** 0 to 1 from left to right; small weights are stretched, as in the cells. */
export function drawHeatScale(painter, theme, x, y) {
  painter.text("0", x, y, { color: theme.faint, size: 11 });
  const step = WIDTH / STEPS;
  for (let i = 0; i < STEPS; i++) painter.rect(x + 12 + i * step, y - 5, step + 0.5, 10, { fill: attentionColor(i / (STEPS - 1), theme) });
  painter.rect(x + 12, y - 5, WIDTH, 10, { stroke: theme.rule });
  painter.text(say("heat_scale"), x + WIDTH + 18, y, { color: theme.faint, size: 11 });
}
