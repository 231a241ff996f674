// Which letters are marks, punctuation or invisible in the `tokenizers` package. The tables of a browser are newer: with
// them some rare words would have other pieces. A test compares these tables with the package, letter by letter.

import LETTERS from "./unicode.json" with { type: "json" };

/**
 * The expression that matches one of the letters of a table. "3 2-5" are the letters 3 and 5 to 10: each number is counted
 * from the end of the range before it, in base 36.
 * @param {string[]} lines
 */
function oneOf(lines) {
  let end = 0;
  const ranges = lines.join(" ").split(" ").map((range) => {
    const [start, more = "0"] = range.split("-");
    const first = end + parseInt(start, 36);
    end = first + parseInt(more, 36);
    return `\\u{${first.toString(16)}}-\\u{${end.toString(16)}}`;
  });
  return new RegExp(`[${ranges.join("")}]`, "u");
}

/** Accents and other marks on a letter. The tokenizer removes them. */
export const MARKS = oneOf(LETTERS.marks);

/** Each of these letters is a word of its own. */
export const PUNCTUATION = oneOf(LETTERS.punctuation);

/** Control characters and other letters that cannot be seen. The tokenizer removes them. */
export const INVISIBLE = oneOf(LETTERS.invisible);
