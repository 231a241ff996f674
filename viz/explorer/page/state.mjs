// What is looked at, and how. All of it lives in the address (#layer=2&head=3), so a link reopens the same view.

import { COLORINGS } from "./coloring.mjs";

export const VIEWS = ["heads", "points", "sentence", "near", "average", "way", "why", "circuit"];

/** Views that show what the model in the page computes: a page without one has none of them. */
export const LIVE_VIEWS = ["way", "why", "circuit"];

export const DEFAULTS = {
  view: "heads", // one of VIEWS
  text: "", // what was typed, and its second sentence; empty: a sentence of the page
  second: "",
  masked: "", // the words under its masks, in their order: "door morning"; an unknown one is empty
  without: "", // heads switched off: "0.2_1.3"
  layer: 0,
  head: 0,
  method: "exact", // raw | paper | exact
  dims: 2,
  color: "type",
  shade: "kind", // the column that marks the heads
  order: "layer", // "layer", or the column that orders them
  sized: false, // point size by norm
  labels: true,
  lines: true, // lines of the whole sentence where no point is chosen
  only: false, // only the points of the chosen sentence
  top: 3,
  above: 0.05,
  sentence: 0,
  query: -1, // positions in the sentence
  key: -1,
  off: "", // positions switched off: "3.5"
  instead: -1, // the key with which a key is compared; -1: the mean over the keys
  trail: "", // the pairs that led to this one, layer.head.query.key: "1.2.6.5_0.3.5.6"
  arrows: 12, // between heads
  kind: "", // in all heads: only heads of this kind are bright
  keys: true, // letters are short cuts
  fold: false, // the picture without the field and the controls, for a projector
  step: 0, // of the tour, from 1; 0: no tour
  words: false,
  flat: 1, // dimensions of the head that are kept, in the view of a sentence; by default all
  find: "",
  theme: "auto",
  x: 0, // where the picture is looked at from
  y: 0,
  zoom: 1,
  turn: 0.6,
  tilt: 0.35,
};

/** Which addresses make sense for this data. */
export function limitsOf(data) {
  const within = (count) => (value) => Number.isInteger(value) && value >= 0 && value < count;
  const oneOf = (names) => (value) => names.includes(value);
  const longest = Math.max(data.live?.config.max_position_embeddings ?? 1, ...data.sentences.map((sentence) => sentence.size));
  const look = (value) => Math.abs(value) <= 1000;
  const place = (value) => value === -1 || within(longest)(value);
  return {
    view: oneOf(VIEWS.filter((name) => data.live || !LIVE_VIEWS.includes(name))),
    text: (value) => Boolean(data.live) && value.length <= 2000,
    second: (value) => Boolean(data.live) && value.length <= 2000,
    masked: (value) => Boolean(data.live) && value.length <= 2000,
    without: (value) => Boolean(data.live) && /^(\d{1,3}\.\d{1,3}(_\d{1,3}\.\d{1,3})*)?$/u.test(value),
    kind: (value) => value === "" || data.columns.some(({ labels }) => labels?.includes(value)),
    color: oneOf(COLORINGS),
    step: within((data.tour ?? []).length + 1),
    x: look,
    y: look,
    turn: look,
    tilt: (value) => Math.abs(value) <= 1.6,
    layer: within(data.layers),
    head: within(data.heads),
    method: oneOf(data.methods),
    dims: oneOf([2, 3]),
    flat: (value) => within(data.headSize + 1)(value) && value > 0,
    shade: oneOf(data.columns.map((column) => column.name)),
    order: oneOf(["layer", ...data.columns.map((column) => column.name)]),
    sentence: within(data.sentences.length + (data.live ? 1 : 0)),
    query: place,
    key: place,
    instead: place,
    trail: (value) => /^(\d{1,4}(\.\d{1,4}){3}(_\d{1,4}(\.\d{1,4}){3})*)?$/u.test(value),
    arrows: (value) => within(61)(value) && value > 0,
    top: (value) => within(101)(value) && value > 0,
    above: (value) => value >= 0 && value <= 1,
    off: (value) => /^(\d{1,4}(\.\d{1,4})*)?$/u.test(value),
    theme: oneOf(["auto", "light", "dark"]),
    zoom: (value) => value >= 0.2 && value <= 400,
    find: (value) => value.length <= 100,
  };
}

/** "3.5" -> Set {3, 5} and back. */
export const offSet = (text) => new Set(text ? text.split(".").map(Number) : []);
export const offHeads = (text) => new Set(text ? text.split("_") : []);
export const offText = (set) => [...set].sort((a, b) => a - b).join(".");
export const offHeadsText = (set) => [...set].sort().join("_");
