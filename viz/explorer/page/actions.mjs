// What the buttons do, by the name in their data-do; some keys do the same.

import { all, byId, element } from "../../web/dom.mjs";
import { describe } from "./describe.mjs";
import { save } from "./save.mjs";
import { goTo } from "./tour.mjs";
import { say } from "../../web/words.mjs";

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
  "ranking-all": (app) => {
    app.all = !app.all; // all heads in the list beside the grid, or only those that lead it
    app.changed();
  },
  link: (app) => copyLink(app),
  svg: (app) => saved(app, "svg"),
  png: (app) => saved(app, "png"),
  "zoom-in": (app) => look(app, { zoom: Math.min(400, app.state.zoom * 1.3) }),
  "zoom-out": (app) => look(app, { zoom: Math.max(0.2, app.state.zoom / 1.3) }),
  "zoom-all": (app) => look(app, { zoom: 1, x: 0, y: 0 }),
  why: (app) => app.set({ view: "why", trail: "" }),
  "why-back": (app) => app.why.back(),
  clear: (app) => app.set({ query: -1, key: -1 }),
  "all-on": (app) => app.set({ off: "" }),
};

async function saved(app, kind) {
  await save(app, kind);
  app.draw(); // saving has drawn elsewhere, at another size
}

function look(app, changes) {
  app.set(changes);
  app.announce(describe(app));
}

/** Copies the address of what is seen; where the browser does not let a page copy, it stands in a window, chosen, for Ctrl-C. */
async function copyLink(app) {
  const address = `${location.href.split("#")[0]}#${app.store.hash}`;
  const [button] = all("[data-do=link]");
  try {
    await navigator.clipboard.writeText(address);
  } catch {
    return showLink(address);
  }
  app.announce(say("link_copied"));
  button.textContent = "✓";
  return setTimeout(() => {
    button.textContent = say("link");
  }, 2000);
}

function showLink(address) {
  const field = element("input", { type: "text", readonly: "readonly", value: address, "aria-label": say("link_copy") });
  field.addEventListener("click", (event) => event.stopPropagation()); // a click elsewhere closes the window
  byId("info-text").replaceChildren(say("link_here"), field);
  byId("info").showModal();
  field.focus();
  field.select();
}
