// The first section: what the page is, what the letters stand for here, and questions to begin with.

import { button, byId, element, heading, table } from "../../../viz/web/dom.mjs";
import { shapeInWords } from "./letters.mjs";
import { inline } from "./prose.mjs";

/** Fills the section of the template with what depends on the recording. @param {import("./read.mjs").Page} page */
export function welcome(page) {
  const { about, questions } = page.recording;
  byId("model").textContent = about.model;
  byId("text").textContent = about.text || about.tokens.join(" ");
  byId("legend").replaceChildren(...legend(page.recording));
  byId("to-begin").hidden = !questions.length;
  byId("questions").replaceChildren(...questions.map(({ text, name, where, answer, table: numbers }) => {
    const full = [element("summary", {}, "Answer"), element("p", {}, ...inline(answer)), ...(numbers ? [rows(numbers)] : [])];
    const open = button(text, () => page.find(name, where), { class: "link" });
    return element("li", {}, open, element("details", {}, ...full));
  }));
  const notes = [about.student, about.leftOut].filter(Boolean);
  byId("welcome").append(...notes.map((note) => element("p", { class: "note" }, note)));
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
