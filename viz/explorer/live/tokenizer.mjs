// From a text to the ids of its pieces: WordPiece, as in minibert/tokenizer/.
//
//   text --normalise--> no accents, no capitals --split--> words --WordPiece--> pieces --frame--> [CLS] pieces [SEP]

import { INVISIBLE, MARKS, PUNCTUATION } from "./unicode.mjs";

const SPACE = /[\t\n\r\u2028\u2029\p{Zs}]/u;
const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/u;

export class Tokenizer {
  /**
   * vocabulary: the tokens by their ids. special: {"[MASK]": id, ...}, the tokens that may be written in a text. frame:
   * the tokens around one sentence and around a pair, [["[CLS]", 0], ["A", 0], ["[SEP]", 0]]. mask: the token that the
   * model guesses. The other settings are those of tokenizer.json.
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.ids = new Map(this.vocabulary.map((token, id) => [token, id]));
    this.longestPiece = this.vocabulary.reduce((longest, token) => Math.max(longest, token.length), 0);
    const names = Object.keys(this.special).sort((a, b) => b.length - a.length);
    this.written = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&")).join("|")})`, "u");
  }

  /** {tokens, ids, types, words, spans}, one entry for each token. words: the word of a token, or null; spans: [from, to]. */
  encode(text, second = "") {
    const pieces = { A: this.pieces(text), B: second ? this.pieces(second) : [] };
    if (!pieces.A.length && !pieces.B.length) throw new RangeError("typing_empty", { cause: {} });
    const all = (second ? this.frame.pair : this.frame.single).flatMap(([name, type]) =>
      (pieces[name] ?? [{ id: this.special[name] }]).map((piece) => ({ name, type, ...piece })));
    return {
      tokens: all.map(({ id }) => this.vocabulary[id]),
      ids: all.map(({ id }) => id),
      types: all.map(({ type }) => type),
      words: all.map(({ name, word }) => (word === undefined ? null : `${name}${word}`)),
      spans: all.map(({ span = null }) => span),
    };
  }

  /** The pieces of one sentence. A special token that is written in it is one piece; the rest is split into words. */
  pieces(text) {
    const result = [];
    let [at, word] = [0, 0];
    for (const part of text.split(this.written)) {
      if (Object.hasOwn(this.special, part)) result.push({ id: this.special[part], word: word++, span: [at, at + part.length] });
      else {
        for (const letters of this.split(this.normalise(part, at))) {
          result.push(...this.word_piece(letters).map((piece) => ({ ...piece, word })));
          word++;
        }
      }
      at += part.length;
    }
    return result;
  }

  /** The letters {letter, from, to} that can be seen; in a model without capitals, small and without accents. */
  normalise(text, start) {
    const letters = [];
    let from = start;
    for (const letter of text) {
      const to = from + letter.length;
      const add = (...those) => letters.push(...those.map((one) => ({ letter: one, from, to })));
      if (this.clean && SPACE.test(letter)) add(" ");
      else if (this.clean && INVISIBLE.test(letter)) add();
      else {
        const bare = this.accents ? letter : [...letter.normalize("NFD")].filter((one) => !MARKS.test(one)).join("");
        const small = this.lowercase ? [...bare].map((one) => one.toLowerCase()).join("") : bare;
        if (this.chinese && CHINESE.test(letter)) add(" ", ...small, " ");
        else add(...small);
      }
      from = to;
    }
    return letters;
  }

  /** Words, each a list of letters. Spaces separate words, and each punctuation mark is a word of its own. */
  *split(letters) {
    let word = [];
    for (const one of letters) {
      const mark = PUNCTUATION.test(one.letter);
      const ends = mark || /\p{White_Space}/u.test(one.letter);
      if (ends && word.length) yield word;
      if (ends) word = [];
      if (mark) yield [one];
      if (!ends) word.push(one);
    }
    if (word.length) yield word;
  }

  /** The longest piece that is in the vocabulary, then the longest one of the rest, and so on; [UNK] if there is none. */
  word_piece(letters) {
    const span = (start, end) => [letters[start].from, letters[end - 1].to];
    const unknown = [{ id: this.special[this.unknown] ?? this.ids.get(this.unknown), span: span(0, letters.length) }];
    if (letters.length > this.longest) return unknown;
    const pieces = [];
    for (let start = 0, end; start < letters.length; start = end) {
      let id;
      for (end = Math.min(letters.length, start + this.longestPiece); end > start; end--) {
        const text = letters.slice(start, end).map((one) => one.letter).join("");
        id = this.ids.get(start ? this.prefix + text : text);
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      pieces.push({ id, span: span(start, end) });
    }
    return pieces;
  }
}
