// What the buttons do, by the name in their data-do; some keys do the same.

import { byId } from "../../web/dom.mjs";
import { describe } from "./describe.mjs";
import { copyLink } from "./link.mjs";
import { save } from "./save.mjs";
import { goTo } from "./tour.mjs";

export const ACTIONS = {
  theme: (app) => app.set({ theme: app.theme.name === "dark" ? "light" : "dark" }),
  search: () => byId("find").focus(),
  help: () => (byId("help").open ? byId("help").close() : byId("help").showModal()),
  type: () => byId("text").focus(),
  tour: (app) => goTo(app, 1),
  "tour-next": (app) => goTo(app, app.state.step + 1),
  "tour-back": (app) => goTo(app, app.state.step - 1),
  "tour-close": (app) => app.set({ step: 0 }),
  "heads-on": (app) => app.live.switchHeads(""),
  "only-head": (app) => app.live.onlyHead(),
  "ranking-all": (app) => app.showAll(!app.all),
  link: (app) => copyLink(app),
  svg: (app) => saved(app, "svg"),
  png: (app) => saved(app, "png"),
  "zoom-in": (app) => look(app, { zoom: Math.min(400, app.state.zoom * 1.3) }),
  "zoom-out": (app) => look(app, { zoom: Math.max(0.2, app.state.zoom / 1.3) }),
  "zoom-all": (app) => look(app, { zoom: 1, x: 0, y: 0 }),
  clear: (app) => app.set({ query: -1, key: -1 }),
  "all-on": (app) => app.switchTokens(""),
};

async function saved(app, kind) {
  await save(app, kind);
  app.draw(); // saving has drawn elsewhere, at another size
}

function look(app, changes) {
  app.set(changes);
  app.announce(describe(app));
}
