// The text above every view: what it shows, what to look for, and how well the picture agrees with attention, in numbers.

import { distancesFrom, flatDistance } from "./places.mjs";
import { percent } from "../../web/numbers.mjs";
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
  if (state.view === "near") return nearText(app, method);
  return say(`lead_${state.view}`, { ...at, token: data.sentences[state.sentence].tokens[Math.max(0, state.query)] });
}

/** Whether the head that is shown is switched off: nothing of what is seen reaches the next layer. */
export const isShownOff = ({ data, state, without }) =>
  ["points", "sentence", "near"].includes(state.view) && data.isTyped(state.sentence) && without.has(`${state.layer}.${state.head}`);

/** What the flat picture gets wrong about the chosen query. */
function nearText(app, method) {
  const { data, state } = app;
  const attention = app.attention();
  if (state.query < 0 || !attention) return say("lead_near");
  const { size, start, tokens } = data.sentences[state.sentence];
  const head = data.head(state.layer, state.head);
  const row = [...attention.subarray(state.query * size, (state.query + 1) * size)];
  const { distances } = distancesFrom(head, state.sentence, state.method, state.query);
  const flat = tokens.map((_, j) => flatDistance(head, state.method, state.dims, start + state.query, start + j));
  const most = row.indexOf(Math.max(...row));
  const place = (all) => all.filter((d, j) => !app.hides(state.query, j) && d < all[most] - 1e-9).length + 1;
  return say("lead_near_query", { query: tokens[state.query], key: tokens[most], share: row[most].toFixed(2), method, full: place(distances), flat: place(flat) });
}
