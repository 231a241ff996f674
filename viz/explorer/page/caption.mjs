// What a picture that leaves the page says of itself: what it shows, and what was changed. Also the name of its file.

import { hasMove, isShownOff } from "./describe.mjs";
import { keptIn, keptText } from "./flat.mjs";
import { named } from "./maths.mjs";
import { say } from "../../web/words.mjs";

const LONGEST = 160; // letters of a sentence in a caption
const LONGEST_NAME = 40; // letters of a part of a file's name

const ONE_HEAD = ["points", "sentence", "near", "average", "why"];
const ONE_SENTENCE = ["sentence", "near", "way", "why", "circuit"];
const CHOSEN = ["points", "sentence", "near"]; // views in which a query and a key are marked

const cut = (text, most) => ([...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);

/** Whether the view is of one sentence. The averages are of all the page's own, with all heads on. */
function isOfOne({ data, state }) {
  if (state.view === "average") return false;
  const chosen = state.view === "points" && (state.only || state.query >= 0 || state.key >= 0);
  return chosen || ONE_SENTENCE.includes(state.view) || data.isTyped(state.sentence);
}

const place = (position) => (position >= 0 ? position : undefined);

/** The chosen {query, key, instead} that the view shows. */
function chosenIn({ state, why }) {
  const { view, query, key, instead } = state;
  if (view === "way") return { query: Math.max(0, query) };
  if (view === "why") return { query: place(query), key: place(key) ?? why.reasons?.key, instead: place(instead) };
  return CHOSEN.includes(view) ? { query: place(query), key: place(key) } : {};
}

/** What of the state can be seen in the view. */
function seen(app) {
  const { data, state, off, without } = app;
  const { view } = state;
  const one = isOfOne(app);
  return {
    ...chosenIn(app),
    head: ONE_HEAD.includes(view),
    method: hasMove(view) && state.method,
    solid: CHOSEN.includes(view) && state.dims === 3,
    find: hasMove(view) && state.find,
    words: view === "sentence" && state.words,
    one,
    typed: one && data.isTyped(state.sentence),
    heads: one && data.isTyped(state.sentence) ? data.names.filter((name) => without.has(name)) : [],
    tokens: one ? [...off] : [],
  };
}

/** The heads that are off; where these are most, the ones that are left. */
function headsText({ names }, off) {
  const left = names.filter((name) => !off.includes(name));
  return left.length < off.length ? say("heads_left", { heads: left.join(", ") || "–" }) : say("heads_off", { heads: off.join(", ") });
}

/** The caption of the view. */
export function captionOf(app) {
  const { data, state, sentence } = app;
  const { view } = state;
  const part = seen(app);
  const token = (name, position) => (position === undefined ? "" : `${say(name)} “${named(sentence, position)}”`);
  return [
    data.title,
    say(`view_${view}`),
    part.head && say("layer_head", state) + (isShownOff(app) ? ` (${say("off")})` : ""),
    part.method && say(`method_${state.method}`),
    part.solid && say("dimensions", state),
    view === "heads" && `${say("mark_by")}: ${data.column(state.shade).label}`,
    view === "circuit" && `${say("circuit_arrows")}: ${state.arrows}`,
    part.find && `${say("search")}: ${state.find}`,
    part.words && say("words_instead"),
    keptText(app),
    part.one && `${part.typed ? `${say("typed")} ` : ""}“${cut(data.sentenceText(state.sentence), LONGEST)}”`,
    token(view === "way" ? "way_token" : "query", part.query),
    token("key", part.key),
    token("why_instead", part.instead),
    part.heads.length && headsText(data, part.heads),
    part.tokens.length && say("tokens_off", { tokens: part.tokens.map((i) => named(sentence, i)).join(", ") }),
    new Date().toISOString().slice(0, 10),
  ].filter(Boolean).join(" · ");
}

/** A few letters that differ where a text does. */
function mark(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return (hash >>> 0).toString(36).slice(-4);
}

/** A text as a part of a file's name: letters and digits, and, where that is not all of it, its mark. */
function plain(text) {
  const short = text.replace(/[^\p{L}\p{N}._]+/gu, "-").slice(0, LONGEST_NAME);
  return short === text ? text : `${short.replace(/^[-.]+|[-.]+$/gu, "")}-${mark(text)}`;
}

/** What the file is called, by all that its caption says. */
export function fileNameOf(app) {
  const { data, state } = app;
  const part = seen(app);
  const at = (letter, position) => (position === undefined ? "" : letter + position);
  const sentence = part.typed ? plain(data.sentenceText(state.sentence)) : `s${state.sentence + 1}`;
  return [
    data.title.split(" · ").at(-1).replace(/[^\w.-]+/gu, "-"),
    state.view,
    part.head && `${state.layer}.${state.head}`,
    part.method && say(`method_${state.method}`),
    part.solid && "3d",
    part.find && plain(state.find),
    part.words && "words",
    keptIn(app) && `${keptIn(app)}-dimensions`,
    part.one && sentence,
    at("q", part.query),
    at("k", part.key),
    at("i", part.instead),
    part.heads.length && `off-${plain(part.heads.join("_"))}`,
    part.tokens.length && `hidden-${plain(part.tokens.join("_"))}`,
  ].filter(Boolean).join("-");
}
