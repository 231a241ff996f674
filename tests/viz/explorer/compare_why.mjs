// node compare_why.mjs FOLDER: the terms of scores and the arrows between heads, by the page's model, as JSON. The folder
// has settings.json, weights.bin and cases.json: [{text, second, off, why: {layer, head, query}}, ...].

import { readFileSync } from "node:fs";

import { Bert } from "../../../viz/explorer/live/model.mjs";
import { explain } from "../../../viz/explorer/live/worker.mjs";
import { composition, parts_of_states, score_parts } from "../../../viz/explorer/live/why.mjs";

const folder = process.argv[2];
const read = (name) => readFileSync(`${folder}/${name}`);
const halves = new Uint16Array(Uint8Array.from(read("weights.bin")).buffer);
const bert = new Bert(JSON.parse(read("settings.json")), halves);
const found = JSON.parse(read("cases.json")).map(({ text, second, off, asked }) => {
  const encoding = bert.encode(text, second);
  const trace = bert.run(encoding, off);
  const states = [...parts_of_states(bert, encoding, trace)];
  /** @returns {any} */
  const ask = (why) => explain(bert, { text, second, off, hidden: [], why }).reasons;
  return {
    tokens: encoding.tokens,
    states: states.map(({ parts }) => parts.map((part) => [...part])),
    names: states.map(({ names }) => names),
    terms: asked.map(([layer, head, query]) => [...ask({ layer, head, query }).terms]),
    same: asked.every(([layer, head, query]) => String(ask({ layer, head, query }).terms) === String(score_parts(bert, states[layer], layer, head, query))),
    arrows: composition(bert, trace, states, new Set(), Infinity),
    largest: ask({}),
  };
});
console.log(JSON.stringify(found));
