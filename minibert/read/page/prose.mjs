// Docstrings as text: paragraphs, `names` as code, equations with their powers, indices and roots.

import { element } from "../../../viz/web/dom.mjs";

/** `code` in a sentence. */
export function inline(text) {
  return text.replaceAll("->", "→").replace(/\bsqrt\((\w+)\)/gu, "√$1").split(/(`[^`]+`)/u).filter(Boolean).map((part) =>
    (part.startsWith("`") && part.endsWith("`") ? element("code", {}, part.slice(1, -1)) : document.createTextNode(part)));
}

const SIGNS = [[/<=/gu, "≤"], [/>=/gu, "≥"], [/->/gu, "→"], [/ ~ /gu, " ≈ "], [/~/gu, "̃"], [/ - /gu, " − "], [/(?<![\w)])-(?=[\w(|])/gu, "−"], [/\.\.\./gu, "…"], [/\bsum(?=_)/gu, "Σ"], [/\bPhi\b/gu, "Φ"], [/\bpi\b/gu, "π"]];

/** An equation with sup and sub: key^T, x_j, 2^(x q), sqrt(K). */
export function maths(text) {
  let rest = SIGNS.reduce((t, [from, to]) => t.replace(from, to), text);
  const made = [];
  while (rest) {
    const mark = /\^|_(?=[A-Za-z0-9](?![A-Za-z0-9_]))|\bsqrt\(/u.exec(rest); // of layer_norm the _ is no index
    if (!mark) {
      made.push(...words(rest));
      break;
    }
    made.push(...words(rest.slice(0, mark.index)));
    rest = rest.slice(mark.index + mark[0].length);
    const root = mark[0] === "sqrt(";
    let inner;
    if (root || rest.startsWith("(")) {
      const end = closing(rest, root ? 1 : 0);
      inner = rest.slice(root ? 0 : 1, end);
      rest = rest.slice(end + 1);
    } else {
      inner = /^(?:[A-Za-z0-9]+|.)/u.exec(rest)?.[0] ?? "";
      rest = rest.slice(inner.length);
    }
    if (root) made.push("√", element("span", { class: "root" }, ...maths(inner)));
    else made.push(element(mark[0] === "^" ? "sup" : "sub", {}, ...maths(inner)));
  }
  return made;
}

/** Where the bracket closes that is open `depth` times already. */
function closing(text, depth) {
  let open = depth;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") open++;
    if (text[i] === ")" && --open === 0) return i;
  }
  return text.length;
}

const UPRIGHT = /\b(?:exp|softmax|max|min|tanh|erf|sign|act|gelu|relu|silu|layer_norm|activation|mean|of)\b/u;

/** Names slanted, functions and signs upright. */
function words(text) {
  return text.split(/([A-Za-zΦπ][\w]*)/u).filter(Boolean).map((part) =>
    (/^[A-Za-zΦπ]/u.test(part) && !UPRIGHT.test(part) ? element("i", {}, part) : document.createTextNode(part)));
}

/** The blocks of a docstring. */
export function prose(blocks) {
  return blocks.map((block) => {
    if (block.kind === "paragraph") return element("p", {}, ...inline(block.text));
    const remarks = block.rows.some((row) => row[3]);
    const rows = block.rows.map(([left, relation, right, remark]) => {
      const cells = [
        element("td", { class: "left" }, ...maths(left)),
        element("td", {}, relation === "~" ? "≈" : relation),
        element("td", { class: "right" }, ...maths(right)),
      ];
      if (remarks) cells.push(element("td", { class: "remark" }, ...inline(remark)));
      return element("tr", {}, ...cells);
    });
    return element("table", { class: "equations", role: "presentation" }, element("tbody", {}, ...rows));
  });
}
