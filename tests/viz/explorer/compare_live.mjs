// node compare_live.mjs FOLDER: the page's model against what Python wrote into a folder. Prints what differs, as JSON.

import { readFileSync } from "node:fs";

import { Bert } from "../../../viz/explorer/live/model.mjs";
import { answer } from "../../../viz/explorer/live/worker.mjs";

const folder = process.argv[2];
const read = (name) => readFileSync(`${folder}/${name}`);
const cases = JSON.parse(read("cases.json"));
const attention = new Float32Array(Uint8Array.from(read("attention.bin")).buffer);
const halves = new Uint16Array(Uint8Array.from(read("weights.bin")).buffer);
const bert = new Bert(JSON.parse(read("settings.json")), halves);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const found = { sentences: cases.length, wrong: [], attention: 0, probability: 0, words: [] };
let at = 0;
for (const { text, second, tokens, ids, types, written, guesses } of cases) {
  const { encoding, layers, guesses: mine } = answer(bert, { text, second });
  if (!same([encoding.tokens, encoding.ids, encoding.types], [tokens, ids, types])) found.wrong.push({ text, second, tokens, mine: encoding.tokens });
  const parts = [text, second];
  const cut = encoding.spans.map((span, t) => span && parts[encoding.types[t]].slice(...span));
  if (written && !same(cut, written)) found.wrong.push({ text, written, cut });
  for (const layer of layers) for (const one of layer.attention) found.attention = Math.max(found.attention, Math.abs(one - attention[at++]));
  guesses.forEach((theirs, m) => theirs.forEach(([token, p], i) => {
    found.probability = Math.max(found.probability, Math.abs(p - mine[m][1][i][1]));
    if (token !== mine[m][1][i][0] && Math.abs(p - mine[m][1][i][1]) > 1e-4) found.wrong.push({ text, token, mine: mine[m][1] });
  }));
}
for (const [text, words] of JSON.parse(read("letters.json"))) {
  const mine = [...bert.tokenizer.split(bert.tokenizer.normalise(text, 0))].map((word) => word.map((one) => one.letter).join(""));
  if (!same(mine, words)) found.words.push([text, words, mine]);
}
console.log(JSON.stringify({ ...found, wrong: found.wrong.slice(0, 5), mistakes: found.wrong.length, words: found.words.length, which: found.words.slice(0, 30) }));
