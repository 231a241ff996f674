// The first section: what the page is, what the letters stand for here, and questions to begin with.

import { button, byId, element, heading, table } from "../../../viz/web/dom.mjs";
import { shapeInWords } from "./letters.mjs";
import { inline } from "./prose.mjs";

/** Fills the section of the template with what depends on the recording. @param {import("./read.mjs").Page} page */
export function welcome(page) {
  const { about, questions } = page.recording;
  byId("model").textContent = about.model;
  byId("text").textContent = about.text || about.tokens.join(" ");
  byId("legend").replaceChildren(...about.legend.map(([letter, size]) =>
    element("li", {}, element("b", {}, letter), ` ${letter === "S" ? `${size} tokens as keys` : shapeInWords(letter, [size])}`)));
  byId("to-begin").hidden = !questions.length;
  byId("questions").replaceChildren(...questions.map(({ text, name, where, answer, table: numbers }) => {
    const full = [element("summary", {}, "Answer"), element("p", {}, ...inline(answer)), ...(numbers ? [rows(numbers)] : [])];
    const open = button(text, () => page.find(name, where), { class: "link" });
    return element("li", {}, open, element("details", {}, ...full));
  }));
  const notes = [about.student, about.leftOut].filter(Boolean);
  byId("welcome").append(...notes.map((note) => element("p", { class: "note" }, note)));
}

/** @param {string[][]} table its first row is the head */
function rows([head, ...body]) {
  return table(head.map((name) => heading(name)), body.map(([first, ...cells]) => [heading(first, "row"), ...cells]));
}
