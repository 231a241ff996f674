// The view in words: the text above it (what it shows, what to look for, how well the picture agrees with attention), and
// all of it for those who do not see it.

import { distancesFrom, flatDistances } from "./places.mjs";
import { keptText } from "./flat.mjs";
import { readValue } from "./matrix.mjs";
import { percent } from "../../web/numbers.mjs";
import { whyTold } from "./why.mjs";
import { say } from "../../web/words.mjs";

export function leadText(app) {
  const { data, state } = app;
  const method = say(`method_${state.method}`);
  const mean = (name) => {
    const { values } = data.column(`${state.method}_${name}`);
    return values.reduce((a, b) => a + b, 0) / values.length;
  };
  const here = (name) => data.columnValue(`${state.method}_${name}`, state.layer, state.head);
  const at = { layer: state.layer, head: state.head, method };
  const made = (of) => (state.method === "attention" && state.dims === 2 && of("nearest1_2d") > of("nearest1_full") ? ` ${say("lead_plane")}` : "");
  if (state.view === "heads") return say("lead_heads", { method, flat: percent(mean("nearest1_2d")), full: percent(mean("nearest1_full")) }) + made(mean);
  if (state.view === "points" && state.dims === 3 && state.method === "attention") return say("lead_points_plane", { flat: percent(here("nearest1_2d")) });
  if (state.view === "points") return say(state.dims === 2 ? "lead_points" : "lead_points_3d", { ...at, flat: percent(here("nearest1_2d")), full: percent(here("nearest1_full")) }) + made(here);
  if (state.view === "near") return nearText(app);
  if (state.view === "why") return app.why.reasons ? say("lead_why", app.why.names) : say(app.why.nothing);
  return say(`lead_${state.view}`, { ...at, token: app.sentence.tokens[Math.max(0, state.query)] });
}

const BLANKS = /\[ ?(?:mask|blank) ?\]|<mask>|_{2,}/giu;

/** What the model does not read as it was meant: words that it does not know, and a blank that is not its mask. */
export function doubtText({ data, state, sentence }) {
  if (["heads", "average"].includes(state.view) && !data.isTyped(state.sentence)) return "";
  const { unknown, mask = "" } = data.live?.tokenizer ?? data;
  const read = sentence.tokens.filter((_, i) => sentence.words[i] !== null);
  const lost = read.filter((token) => token === unknown).length;
  const blank = mask && sentence.text?.match(BLANKS)?.find((found) => found !== mask);
  const doubts = [lost && say("doubt_unknown", { lost, count: read.length, unknown }), blank && say("doubt_blank", { blank, mask })];
  return doubts.filter(Boolean).join(" ");
}

/** Whether the head that is shown is switched off: nothing of what is seen reaches the next layer. */
export const isShownOff = ({ data, state, without }) =>
  ["points", "sentence", "near", "why"].includes(state.view) && data.isTyped(state.sentence) && without.has(`${state.layer}.${state.head}`);

/** How near the most attended key of the chosen query is; each move has its own reason. */
function nearText(app) {
  const { state, sentence: { tokens } } = app;
  if (state.query < 0 || !app.attention()) return say("lead_near");
  const row = app.row(state.query);
  const most = row.indexOf(Math.max(...row));
  const { distances } = distancesFrom(app.head, state.sentence, state.method, state.query);
  const [full, flat] = [distances, flatDistances(app.head, state)].map((all) => app.nearness(all, most));
  return say(`lead_near_${state.method}`, { query: tokens[state.query], key: tokens[most], share: row[most].toFixed(2), dims: state.dims, full, flat });
}

/** Whether a view shows queries and keys as points, which may have been moved. */
export const hasMove = (view) => ["heads", "points", "sentence", "near"].includes(view);

/** "sentence 2", or "Typed:". */
export const nameOfSentence = ({ data, state: { sentence } }) => (data.isTyped(sentence) ? say("typed") : say("sentence_number", { number: sentence + 1 }));

/** The view for those who do not see it. */
export function describe(app) {
  const { state, data, sentence } = app;
  const parts = [say(`view_${state.view}`), say("layer_head", state), say("kind_line", { kind: readValue(data.column("kind"), data.columnValue("kind", state.layer, state.head)) })];
  if (hasMove(state.view)) parts.push(say(`method_${state.method}`));
  if (["points", "sentence", "near"].includes(state.view)) parts.push(say("dimensions", state));
  if (state.view !== "heads" && state.view !== "average") parts.push(`${nameOfSentence(app)} ${data.sentenceText(state.sentence)}`);
  if (state.view === "sentence" && state.words) parts.push(say("words_instead"));
  parts.push(keptText(app));
  if (state.zoom !== 1) parts.push(say("zoomed", { zoom: state.zoom.toFixed(1) }));
  if (app.without.size) parts.push(say("heads_off", { heads: [...app.without].join(", ") }));
  if (app.off.size) parts.push(say("tokens_off", { tokens: [...app.off].map((i) => sentence.tokens[i]).join(", ") }));
  const attention = app.attention();
  if (state.query >= 0) parts.push(`${say("query")} ${sentence.tokens[state.query]}`);
  if (state.key >= 0) parts.push(`${say("key")} ${sentence.tokens[state.key]}`);
  if (state.query >= 0 && state.key >= 0 && attention) {
    parts.push(app.hides(state.query, state.key) ? say("off") : say("tip_attention", { value: attention[state.query * sentence.size + state.key].toFixed(3) }));
  }
  parts.push(...whyTold(app));
  const guessed = data.isTyped(state.sentence) && !app.secret ? data.typed.guesses : [];
  for (const [, list] of guessed) if (list.length) parts.push(`${data.live.tokenizer.mask}: ${list.map(([token, p]) => `${token} ${percent(p)}`).join(", ")}`);
  return parts.filter(Boolean).join("; ");
}
