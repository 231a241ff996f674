// From a text to the ids of its pieces: WordPiece, as minibert's tokenizer does it.
//
//   text --normalise--> no accents, no capitals --split--> words --WordPiece--> pieces --frame--> [CLS] pieces [SEP]

import { INVISIBLE, MARKS, PUNCTUATION } from "./unicode.mjs";

const SPACE = /[\t\n\r\u2028\u2029\p{Zs}]/u;
const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/u;

export class Tokenizer {
  /**
   * vocabulary: the tokens by their ids. special: {"[MASK]": id, ...}, tokens that may be written in a text. frame: what
   * stands round one sentence and a pair, [["[CLS]", 0], ["A", 0], ["[SEP]", 0]]. mask: the token to be guessed. The others are as in tokenizer.json.
   */
  constructor(settings) {
    Object.assign(this, settings);
    this.ids = new Map(this.vocabulary.map((token, id) => [token, id]));
    this.longestPiece = this.vocabulary.reduce((longest, token) => Math.max(longest, token.length), 0);
    const names = Object.keys(this.special).sort((a, b) => b.length - a.length);
    this.written = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&")).join("|")})`, "u");
  }

  /** {tokens, ids, types, words, spans}: an entry per token; words: its word in its sentence, or null; spans: [from, to]. */
  encode(text, second = "") {
    const pieces = { A: this.pieces(text), B: second ? this.pieces(second) : [] };
    if (!pieces.A.length && !pieces.B.length) throw new RangeError("typing_empty", { cause: {} });
    const result = { tokens: [], ids: [], types: [], words: [], spans: [] };
    for (const [name, type] of second ? this.frame.pair : this.frame.single) {
      for (const { id, word = null, span = null } of pieces[name] ?? [{ id: this.special[name] }]) {
        result.tokens.push(this.vocabulary[id]);
        result.ids.push(id);
        result.types.push(type);
        result.words.push(word === null ? null : `${name}${word}`);
        result.spans.push(span);
      }
    }
    return result;
  }

  /** The pieces of one sentence: special tokens written in it as they are, all else word by word. */
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

  /** Letters {letter, from, to} without what is invisible; in a model without capitals, without accents and capitals. */
  normalise(text, start) {
    const letters = [];
    let from = start;
    for (const letter of text) {
      const to = from + letter.length;
      const add = (...those) => letters.push(...those.map((one) => ({ letter: one, from, to })));
      if (this.clean && SPACE.test(letter)) add(" ");
      else if (this.clean && INVISIBLE.has(letter)) add();
      else {
        const bare = this.accents ? letter : [...letter.normalize("NFD")].filter((one) => !MARKS.has(one)).join("");
        const small = this.lowercase ? [...bare].map((one) => one.toLowerCase()).join("") : bare;
        if (this.chinese && CHINESE.test(letter)) add(" ", ...small, " ");
        else add(...small);
      }
      from = to;
    }
    return letters;
  }

  /** Words, each a list of letters: spaces part them, and each punctuation mark is one by itself. */
  *split(letters) {
    let word = [];
    for (const one of letters) {
      const mark = PUNCTUATION.has(one.letter);
      const ends = mark || /\p{White_Space}/u.test(one.letter);
      if (ends && word.length) yield word;
      if (ends) word = [];
      if (mark) yield [one];
      if (!ends) word.push(one);
    }
    if (word.length) yield word;
  }

  /** The longest piece that the vocabulary has, then the longest of the rest, ...; [UNK] where there is none. */
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
