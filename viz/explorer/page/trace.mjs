// A trace in a notebook: tokens and an attention heatmap, with a switch for layer and head.

import { THEMES, attentionColour } from "./colours.mjs";
import { uint16 } from "./data.mjs";
import { byId, element } from "./dom.mjs";

const trace = JSON.parse(byId("data").textContent);
const weights = uint16(trace.attention);
const dark = matchMedia("(prefers-color-scheme: dark)");

function show() {
  const theme = THEMES[dark.matches ? "dark" : "light"];
  document.documentElement.dataset.theme = theme.name;
  const size = trace.tokens.length;
  const start = (Number(byId("layer").value) * trace.heads + Number(byId("head").value)) * size * size;
  const cell = (i, j) => {
    const weight = weights[start + i * size + j] / 65535;
    const made = element("td", { title: `${trace.tokens[i]} → ${trace.tokens[j]}: ${weight.toFixed(3)}` });
    made.style.background = attentionColour(weight, theme);
    made.addEventListener("pointerenter", () => {
      byId("note").textContent = made.title;
    });
    return made;
  };
  const head = element("tr", {}, element("td"), ...trace.tokens.map((token) => element("th", { scope: "col" }, token)));
  const rows = trace.tokens.map((token, i) =>
    element("tr", {}, element("th", { scope: "row" }, token), ...trace.tokens.map((_, j) => cell(i, j))));
  byId("map").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

for (const [name, count] of [["layer", trace.layers], ["head", trace.heads]]) {
  byId(name).replaceChildren(...Array.from({ length: count }, (_, i) => element("option", { value: String(i) }, i)));
  byId(name).addEventListener("change", show);
}
dark.addEventListener("change", show);
show();
