// The first section: what the page is, what the letters stand for here, and questions to begin with.

import { button, element, heading, table } from "../../../viz/web/dom.mjs";
import { shapeInWords } from "./letters.mjs";
import { inline } from "./prose.mjs";

/** @param {import("./read.mjs").Page} page */
export function welcome(page) {
  const { about, questions } = page.recording;
  const kbd = (key) => element("kbd", {}, key);
  const parts = [
    element("h1", {}, "The code that ran, beside the arrays it made"),
    element("p", {}, "This is the source of minibert. Beside each line stand the arrays that the line made. The code ran once, with the model ",
      about.model, ", on the text “", element("bdi", {}, about.text || about.tokens.join(" ")), "”. Click a picture to see its numbers, and how each of them was computed."),
    element("p", {}, "Letters at the end of a name are its axes. Here:"),
    element("ul", { class: "legend" }, ...legend(page.recording)),
    element("p", {}, "A line may run many times: in each layer, for queries, keys and values. The line above a function, and the bar at the top, show which call you see. Choose another one there."),
    element("p", {}, kbd("→"), " goes to the next line that ran, into functions; ", kbd("←"), " goes back. ", kbd("Shift →"), " goes to the next line of the same function; ", kbd("Shift ←"), " leaves the function."),
    element("p", {}, "Colours: indigo is above 0, amber below, paper is 0. The strongest colour of a picture is its number farthest from 0; the smallest and the largest number stand beside it."),
  ];
  if (questions.length) {
    parts.push(element("p", {}, "Questions to begin with. Each opens the array that it is about:"));
    parts.push(element("ol", { class: "questions" }, ...questions.map(({ text, name, where, answer, table: numbers }) => element("li", {},
      button(text, () => page.find(name, where), { class: "link" }),
      element("details", {}, element("summary", {}, "Answer"), element("p", {}, ...inline(answer)), ...(numbers ? [rows(numbers)] : []))))));
  }
  for (const note of [about.student, about.leftOut]) if (note) parts.push(element("p", { class: "note" }, note));
  return parts;
}

/** Each letter with its size. Where a letter has several (ALBERT's embeddings have a smaller D), the usual one. @param {import("./recording.mjs").Recording} recording */
function legend({ arrays }) {
  const usual = (letter) => {
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const { letters, shape } of arrays) {
      const size = shape[letters.indexOf(letter)];
      if (size !== undefined) counts.set(size, (counts.get(size) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
  };
  const letters = [..."TSHKDEFVN"].filter((letter) => usual(letter) !== undefined && (letter !== "E" || usual("E") !== usual("D")));
  return letters.map((letter) => element("li", {}, element("b", {}, letter), ` ${letter === "S" ? `${usual(letter)} tokens as keys` : shapeInWords(letter, [usual(letter)])}`));
}

/** @param {string[][]} table its first row is the head */
function rows([head, ...body]) {
  return table(head.map((name) => heading(name)), body.map(([first, ...cells]) => [heading(first, "row"), ...cells]));
}
