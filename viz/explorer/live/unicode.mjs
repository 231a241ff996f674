// Which letters are marks, punctuation or invisible, as the `tokenizers` package knows them: a browser's own tables are
// newer, and would cut some rare words into other pieces. A test compares them with the package, letter by letter.

import LETTERS from "./unicode.json" with { type: "json" };

/** "3 2-5": the letters 3, and 5 to 10: each number counts from the end of the range before, to the base 36. */
class Letters {
  /** @param {string[]} lines */
  constructor(lines) {
    let end = 0;
    this.ranges = lines.join(" ").split(" ").map((range) => {
      const [start, more = "0"] = range.split("-");
      const first = end + parseInt(start, 36);
      end = first + parseInt(more, 36);
      return [first, end];
    });
  }

  has(letter) {
    const code = letter.codePointAt(0);
    for (const [first, last] of this.ranges) if (code <= last) return code >= first;
    return false;
  }
}

/** Accents and other marks that stand on a letter: left out. */
export const MARKS = new Letters(LETTERS.marks);

/** Each is a word of its own. */
export const PUNCTUATION = new Letters(LETTERS.punctuation);

/** Control characters and what else is not seen: left out. */
export const INVISIBLE = new Letters(LETTERS.invisible);
