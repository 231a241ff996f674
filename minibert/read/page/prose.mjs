// Docstrings as text: paragraphs, `names` as code, lists, equations with their powers, indices and roots.

import { element, table } from "../../../viz/web/dom.mjs";

/** `code` in a sentence. @param {string} text @returns {Node[]} */
export function inline(text) {
  return text.replaceAll("->", "→").replace(/\bsqrt\((\w+)\)/gu, "√$1").split(/(`[^`]+`)/u).filter(Boolean).map((part) =>
    (part.startsWith("`") && part.endsWith("`") ? element("code", {}, part.slice(1, -1)) : document.createTextNode(part)));
}

/** @type {[RegExp, string][]} */
const SIGNS = [
  [/<=/gu, "≤"], [/>=/gu, "≥"], [/->/gu, "→"], [/ ~ /gu, " ≈ "], [/ - /gu, " − "], [/(?<![\w)])-(?=[\w(|])/gu, "−"],
  [/\.\.\./gu, "…"], [/\bsum(?=_)/gu, "Σ"], [/\bPhi\b/gu, "Φ"], [/\bpi\b/gu, "π"], [/ \. /gu, " · "],
];
const UPRIGHT = /^(?:exp|log|softmax|max|min|tanh|erf|sign|act|gelu|relu|silu|sigmoid|layer_norm|activation|mean|variance|covariance|of|over|in|the|its|for|with|and|concat|cos|sin|sqrt|rank)$/u;

/** What comes next in an equation: a root, a power or an index, a name, anything else. */
const NEXT = /^(?:(sqrt\()|([_^])(\(|−?[A-Za-z0-9]+(?:\/\d+)?|.)|([A-Za-zΦπΣ]\w*~?)|(\s+|.))/u;

/** An equation with sup and sub: key^T, x_j, 2^(x q), sqrt(K). @param {string} text @returns {(Node | string)[]} */
export function maths(text) {
  let rest = SIGNS.reduce((t, [from, to]) => t.replace(from, to), text);
  const made = [];
  while (rest) {
    const [all, root, mark, small, name, other] = NEXT.exec(rest) ?? [rest];
    rest = rest.slice(all.length);
    if (root) {
      const end = closing(rest);
      made.push("√", element("span", { class: "root" }, ...maths(rest.slice(0, end))));
      rest = rest.slice(end + 1);
    } else if (mark) {
      const end = small === "(" ? closing(rest) : 0;
      made.push(element(mark === "^" ? "sup" : "sub", {}, ...maths(small === "(" ? rest.slice(0, end) : small)));
      if (small === "(") rest = rest.slice(end + 1);
    } else if (name) made.push(...named(name));
    else made.push(other ?? all);
  }
  return made;
}

/** Where the bracket closes that stands before a text. @param {string} text */
function closing(text) {
  let open = 1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") open++;
    if (text[i] === ")" && --open === 0) return i;
  }
  return text.length;
}

/** A name: slanted, but functions upright. Letters of axes and one or two letters behind "_" are an index; "~" is a tilde. @param {string} name */
function named(name) {
  const [, stem, index] = /^(.*?)(?:_([A-Z]+|[a-z0-9]{1,2}))?$/u.exec(name.replace("~", "\u0303")) ?? [];
  const upright = UPRIGHT.test(stem) || stem === "Σ";
  const words = stem.replaceAll("_", "\u00a0");
  return [upright ? words : element("i", {}, words), ...(index ? [element("sub", {}, index)] : [])];
}

/** @typedef {{kind: string, text: string, rows: string[][]}} Block */

/** The blocks of a docstring. @param {Block[]} blocks */
export const prose = (blocks) => blocks.map((block) => {
  if (block.kind === "paragraph") return element("p", {}, ...inline(block.text));
  if (block.kind === "list") {
    return element("dl", {}, ...block.rows.flatMap(([term, text]) => [element("dt", {}, ...inline(term)), element("dd", {}, ...inline(text))]));
  }
  const remarks = block.rows.some((row) => row[3]);
  const rows = block.rows.map(([left, relation, right, remark]) => [
    element("td", { class: "left" }, ...maths(left)),
    element("td", {}, ...maths(` ${relation} `)),
    element("td", { class: "right" }, ...maths(right)),
    ...(remarks ? [element("td", { class: "remark" }, ...inline(remark))] : []),
  ]);
  return table(null, rows, { class: "equations", role: "presentation" });
});
