// What the buttons do, by the name in their data-do; some keys do the same.

import { all, button, byId, element } from "../../web/dom.mjs";
import { describe } from "./describe.mjs";
import { save } from "./save.mjs";
import { goTo } from "./tour.mjs";
import { say } from "../../web/words.mjs";

export const ACTIONS = {
  theme: (app) => app.set({ theme: app.theme.name === "dark" ? "light" : "dark" }),
  fold: (app) => app.set({ fold: !app.state.fold }),
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

/** Copies a text, and says so on a button, whose name it is for the rest of the time; whether the browser let the page copy. */
async function copy(app, text, pressed, name) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return false;
  }
  app.announce(say("link_copied"));
  pressed.textContent = "✓";
  setTimeout(() => {
    pressed.textContent = say(name);
  }, 2000);
  return true;
}

/**
 * Copies the address of what is seen. Where the browser does not let a page copy, it stands in a window, chosen, for
 * Ctrl-C. The address of a file is worth nothing on other computers: there the part for a copy of the file is shown, too.
 */
async function copyLink(app) {
  const part = `#${app.store.hash}`;
  const address = location.href.split("#")[0] + part;
  const copied = await copy(app, address, all("[data-do=link]")[0], "link");
  const shown = copied ? [] : [say("link_here"), linkField(address, "link_copy")];
  if (location.protocol === "file:") {
    const one = button(say("link_copy_part"), () => copy(app, part, one, "link_copy_part"));
    keepsOpen(one);
    shown.push(say("link_file"), linkField(part, "link_part"), one);
  }
  if (!shown.length) return;
  byId("info-text").replaceChildren(...shown);
  byId("info").showModal();
  const [field] = all("#info-text input");
  field.focus();
  field.select();
}

function linkField(text, name) {
  const field = element("input", { type: "text", readonly: "readonly", value: text, "aria-label": say(name) });
  keepsOpen(field);
  return field;
}

/** A click elsewhere in the window closes it. */
const keepsOpen = (control) => control.addEventListener("click", (event) => event.stopPropagation());
