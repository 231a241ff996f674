// A trace in a notebook: tokens and an attention heatmap, with a switch for layer and head.

import { THEMES, attentionColor } from "../../web/colors.mjs";
import { uint16 } from "../../web/bytes.mjs";
import { ARROWS, byId, element, heading, option, table } from "../../web/dom.mjs";

const trace = JSON.parse(byId("data").textContent);
const weights = uint16(trace.attention);
const size = trace.tokens.length;
const dark = matchMedia("(prefers-color-scheme: dark)");
let lit = null; // [query, key]

const weightOf = (i, j) => {
  const start = (Number(byId("layer").value) * trace.heads + Number(byId("head").value)) * size * size;
  return weights[start + i * size + j] / 65535;
};

/** The table, once: what is pointed at stays under the pointer when another head is shown. */
function build() {
  const rows = trace.tokens.map((token) => [heading(token, "row"), ...trace.tokens.map(() => "")]);
  byId("map").replaceChildren(...table(["", ...trace.tokens.map((token) => heading(token))], rows).children);
}

const cellAt = (i, j) => byId("map").tBodies[0].rows[i].cells[j + 1];

function show() {
  const theme = THEMES[dark.matches ? "dark" : "light"];
  document.documentElement.dataset.theme = theme.name;
  trace.tokens.forEach((_, i) => trace.tokens.forEach((__, j) => {
    cellAt(i, j).style.background = attentionColor(weightOf(i, j), theme);
  }));
  if (lit) light(...lit);
}

function light(i, j) {
  lit = [i, j];
  byId("map").querySelector(".lit")?.classList.remove("lit");
  cellAt(i, j).classList.add("lit");
  byId("note").replaceChildren(
    element("b", { class: "query" }, trace.tokens[i]), " → ", element("b", { class: "key" }, trace.tokens[j]), `: ${weightOf(i, j).toFixed(3)}`);
}

byId("map").addEventListener("pointerover", ({ target }) => {
  if (target.tagName === "TD" && target.cellIndex) light(target.parentNode.sectionRowIndex, target.cellIndex - 1);
});
byId("map").addEventListener("keydown", (event) => {
  if (!ARROWS[event.key]) return;
  event.preventDefault();
  const [right, down] = lit ? ARROWS[event.key] : [0, 0];
  light(...[(lit?.[0] ?? 0) + down, (lit?.[1] ?? 0) + right].map((at) => Math.min(size - 1, Math.max(0, at))));
});
for (const [name, count] of [["layer", trace.layers], ["head", trace.heads]]) {
  byId(name).replaceChildren(...Array.from({ length: count }, (_, i) => option(i, i)));
  byId(name).addEventListener("change", show);
}
dark.addEventListener("change", show);
build();
show();
