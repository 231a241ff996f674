// node compare_flat.mjs FILE: what the page computes of dimensions, for the cases in a JSON file. Prints it, as JSON.

import { readFileSync } from "node:fs";

import { attentionLeft, heldBy, heldByPicture, neededFor, takenApart } from "../../../viz/explorer/page/flat.mjs";

const cases = JSON.parse(readFileSync(process.argv[2], "utf-8"));
console.log(JSON.stringify(cases.map(({ scores, size, off, most, x, y, count }) => {
  const parts = takenApart(scores, size, new Set(off), most);
  return {
    squares: parts.terms.map(({ square }) => square),
    holds: heldByPicture(parts, x, y),
    held: heldBy(parts, count),
    needed: neededFor(parts),
    attention: [...attentionLeft(parts, size, count)],
  };
})));
