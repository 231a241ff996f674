// The source as text: chapters, docstrings and lines, with an empty place beside each line.

import { button, byId, element } from "../../../viz/web/dom.mjs";
import { inline, prose } from "./prose.mjs";

/** @typedef {import("./recording.mjs").Recording} Recording */
/** @typedef {{row: HTMLElement, made: HTMLElement}} Row a line, and the place beside it */

export class Chapters {
  /** Writes all chapters into the page. @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
    /** @type {Row[][]} by chapter and line */
    this.rows = recording.chapters.map(() => []);
    /** @type {Map<import("./recording.mjs").Source, {head: HTMLElement, calls: number[]}>} what stands above a function, and its calls */
    this.functions = new Map();
    let part = "";
    recording.chapters.forEach(({ name }, i) => {
      const folder = name.split("/")[0];
      if (folder !== part) this.divider(folder);
      part = folder;
      this.chapter(i);
    });
  }

  /** What follows: the model, the geometry. @param {string} folder */
  divider(folder) {
    const [, title, text] = this.recording.parts.find(([name]) => name === folder) ?? [folder, folder, ""];
    byId("source").append(element("header", { class: "part" }, element("h2", {}, title), element("p", {}, ...inline(text))));
    byId("chapters").append(element("span", {}, title));
  }

  /** @param {number} i */
  chapter(i) {
    const { name, functions } = this.recording.chapters[i];
    for (const f of functions) {
      this.functions.set(f, { head: element("div", { class: "calls" }), calls: this.recording.calls.flatMap((call, c) => (call.function === f ? [c] : [])) });
    }
    const title = (name.split("/").pop() ?? "").replace(/\.py$/u, "").replaceAll("_", " ");
    const section = element("section", { class: "chapter", id: `chapter-${i}`, "aria-label": name }, element("h3", {}, title, " ", element("small", {}, name)), ...this.lines(i));
    byId("source").append(section);
    const ran = functions.some((f) => this.functions.get(f)?.calls.length);
    byId("chapters").append(button(title, () => section.scrollIntoView({ block: "start" }), { class: ran ? "" : "idle", title: ran ? "" : "it did not run for this text" }));
  }

  /** The lines of a chapter, those of each function together. @param {number} i */
  lines(i) {
    const { lines, docs, functions } = this.recording.chapters[i];
    const body = element("div");
    let at = body; // where the next line goes
    lines.forEach((pieces, k) => {
      const line = k + 1;
      const begins = functions.find((f) => f.first === line);
      if (begins) {
        const { head, calls } = this.functions.get(begins) ?? { head: "", calls: [] };
        at = element("div", { class: calls.length ? "function" : "function idle" }, head);
        body.append(at);
      } else if (!functions.some((f) => f.first <= line && line <= f.last)) at = body;
      const doc = docs.find((d) => d.first <= line && line <= d.last);
      const indent = /^ */u.exec(pieces.map(([, text]) => text).join(""))?.[0].length ?? 0;
      if (doc?.first === line) {
        at.append(element("div", { class: "doc", style: `--indent: ${Math.min(indent, 4)}ch` }, ...prose(doc.blocks)));
      }
      at.append(this.line(i, line, pieces, indent, Boolean(doc)));
    });
    return body.childNodes;
  }

  /** @param {number} chapter @param {number} line @param {string[][]} pieces @param {number} indent @param {boolean} string */
  line(chapter, line, pieces, indent, string) {
    const words = pieces.map(([kind, text]) => (kind ? element("span", { class: kind }, text) : text));
    const code = element("code", { style: `--indent: ${indent}ch` }, ...words);
    const made = element("div", { class: "made" });
    const kind = string ? "row string" : pieces.length ? "row" : "row blank";
    const row = element("div", { class: kind, "data-line": line }, element("span", { class: "line", "aria-hidden": "true" }, line), code, made);
    this.rows[chapter][line] = { row, made };
    return row;
  }

  /** The line of a visit. @param {number} visit */
  rowOf(visit) {
    const { call, line } = this.recording.visits[visit];
    return this.rows[this.recording.calls[call].chapter][line];
  }

  /** The innermost function that a line is in. @param {number} chapter @param {number} line */
  innermost(chapter, line) {
    return this.recording.chapters[chapter].functions.findLast((f) => f.first <= line && line <= f.last);
  }
}
