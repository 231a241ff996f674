// Tokens of one word lie side by side: pieces put together again.

/**
 * The places of the tokens of each word: [[0], [1, 2], [3], ...]. A token of no word (null: [CLS], [SEP]) stands alone.
 * @param {(string | number | null)[]} words the word of each token
 * @returns {number[][]}
 */
export function wordGroups(words) {
  /** @type {number[][]} */
  const groups = [];
  words.forEach((word, i) => {
    if (i > 0 && word !== null && word === words[i - 1]) groups[groups.length - 1].push(i);
    else groups.push([i]);
  });
  return groups;
}

/** A piece without the sign that it continues a word. @param {string} token */
export const bare = (token) => token.replace(/^##/u, "");

/**
 * The word that pieces make: one token as it is, several joined.
 * @param {string[]} tokens all tokens of a sentence
 * @param {number[]} places of the pieces
 */
export const joined = (tokens, places) => (places.length > 1 ? places.map((t) => bare(tokens[t])).join("") : tokens[places[0]]);

/**
 * A sentence out of its pieces: "cap ##y ##bara is" -> "capybara is". Tokens of no word only part sentences.
 * @param {string[]} tokens
 * @param {(string | number | null)[]} words
 */
export function readable(tokens, words) {
  let text = "";
  for (const [i, token] of tokens.entries()) {
    if (words[i] === null) text += text && " /";
    else if (token.startsWith("##") && token.length > 2) text = text.replace(/▁$/u, "") + token.slice(2);
    else if (/^[.,!?;:)\]'’]$/u.test(token)) text += token;
    else text += ` ${token}`;
  }
  return text.trim().replace(/\s*\/$/u, "");
}
