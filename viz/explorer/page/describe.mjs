// The view in words, for those who do not see it.

import { readValue } from "./matrix.mjs";
import { percent } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

export function describe(app) {
  const { state, data } = app;
  const sentence = data.sentences[state.sentence];
  const parts = [say(`view_${state.view}`), say("layer_head", state), say("kind_line", { kind: readValue(data.column("kind"), data.columnValue("kind", state.layer, state.head)) })];
  if (state.view !== "average") parts.push(say(`method_${state.method}`));
  if (["points", "sentence", "near"].includes(state.view)) parts.push(say("dimensions", state));
  if (state.view !== "heads" && state.view !== "average") parts.push(`${say("sentence_number", { number: state.sentence + 1 })} ${data.sentenceText(state.sentence)}`);
  if (state.view === "sentence" && state.words) parts.push(say("words_instead"));
  if (state.zoom !== 1) parts.push(say("zoomed", { zoom: state.zoom.toFixed(1) }));
  if (app.without.size) parts.push(say("heads_off", { heads: [...app.without].join(", ") }));
  if (app.off.size) parts.push(say("tokens_off", { tokens: [...app.off].map((i) => sentence.tokens[i]).join(", ") }));
  const attention = app.attention();
  if (state.query >= 0) parts.push(`${say("query")} ${sentence.tokens[state.query]}`);
  if (state.key >= 0) parts.push(`${say("key")} ${sentence.tokens[state.key]}`);
  if (state.query >= 0 && state.key >= 0 && attention) {
    parts.push(app.hides(state.query, state.key) ? say("off") : say("tip_attention", { value: attention[state.query * sentence.size + state.key].toFixed(3) }));
  }
  const guessed = data.isTyped(state.sentence) && !app.secret ? data.typed.guesses : [];
  for (const [, list] of guessed) if (list.length) parts.push(`${data.live.tokenizer.mask}: ${list.map(([token, p]) => `${token} ${percent(p)}`).join(", ")}`);
  return parts.join("; ");
}
