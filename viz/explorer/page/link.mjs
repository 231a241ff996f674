// The address of what is seen, to be sent to somebody.

import { all, byId, element } from "../../web/dom.mjs";
import { say } from "../../web/words.mjs";

/** Copies it; where the browser does not let a page copy, it stands in a window, chosen, for Ctrl-C. */
export async function copyLink(app) {
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
