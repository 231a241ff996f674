// The first section: what the page is, what the letters stand for here, and four questions to begin with.

import { element } from "../../../viz/web/dom.mjs";
import { shapeInWords } from "./letters.mjs";

export function welcome(page) {
  const { recording } = page;
  const counts = {}; // of each letter, how often each size: ALBERT's embeddings have a smaller D, "exact" has one more K
  for (const { letters, shape } of recording.arrays) {
    [...letters].forEach((letter, axis) => {
      counts[letter] ??= {};
      counts[letter][shape[axis]] = (counts[letter][shape[axis]] ?? 0) + 1;
    });
  }
  const usual = ([letter, sizes]) => [letter, Number(Object.keys(sizes).reduce((one, other) => (sizes[other] > sizes[one] ? other : one)))];
  const sizes = new Map(Object.entries(counts).map(usual));
  const legend = [..."TSHKDFVN"].filter((letter) => sizes.has(letter)).map((letter) =>
    element("li", {}, element("b", {}, letter), ` ${letter === "S" ? `${sizes.get(letter)} tokens as keys` : shapeInWords(letter, [sizes.get(letter)])}`));
  const ask = (text, name, where) => {
    const button = element("button", { type: "button", class: "link" }, text);
    button.addEventListener("click", () => page.find(name, where));
    return element("li", {}, button);
  };
  const made = (name) => recording.visits.some((visit) => Array.isArray(visit.made[name]));
  const questions = [
    ["Where does the largest share of attention in layer 1, head 2 come from?", "attention_HTS", { layer: 1, head: 2 }],
    ["Which line moves information from one token to another?", "context_HTK", { layer: 1 }],
    ["Why must what is added (the residual) have the same shape?", "mixed_TD", { layer: 1, last: true }],
    ["What would change without the division by √K?", "scores_HTS", { layer: 1, head: 2 }],
  ].filter(([, name]) => made(name)).map(([text, name, where]) => ask(text, name, where));
  const parts = [
    element("h1", {}, "The code that ran, beside the arrays it made"),
    element("p", {}, "Here is the true source of minibert, and beside each line the arrays that this line made. It ran once, on ",
      element("q", {}, recording.text || recording.tokens.join(" ")), `, with the model ${recording.model}. Open any picture: it shows every number, and the arithmetic behind it.`),
    element("p", {}, "Letters at the end of a name are its axes. Here:"),
    element("ul", { class: "legend" }, ...legend),
    element("p", {}, "A line may run many times: in each layer, for queries, keys and values. Which call is shown stands above each function and in the bar at the top; both can be changed. ",
      element("kbd", {}, "→"), " and ", element("kbd", {}, "←"), " go through the forward pass as it ran, line by line, into functions and out; with ", element("kbd", {}, "Shift"), " past them. Colours: indigo above 0, amber below, paper for 0."),
  ];
  if (questions.length) parts.push(element("p", {}, "Four questions to begin with:"), element("ol", {}, ...questions));
  for (const note of [recording.student, recording.leftOut]) if (note) parts.push(element("p", { class: "note" }, note));
  return parts;
}
