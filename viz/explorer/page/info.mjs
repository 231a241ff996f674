// The (i) beside numbers and controls: what they mean, in a small window that any key or click closes.

import { byId, element } from "../../web/dom.mjs";
import { say } from "../../web/words.mjs";

/** A button that explains: its text stands in the table of words as info_NAME. */
export function info(name) {
  return element("button", { type: "button", class: "info", "data-info": name, "aria-label": say("info_about", { name: say(`info_${name}`).split(":")[0] }) }, "i");
}

/** One listener for all of them, those of the template and those made later. */
export function bindInfo() {
  const box = byId("info");
  document.addEventListener("click", (event) => {
    const asked = /** @type {HTMLElement} */ (event.target).closest?.("[data-info]");
    if (!asked) return;
    byId("info-text").textContent = say(`info_${asked.getAttribute("data-info")}`);
    box.showModal();
  });
  box.addEventListener("click", () => box.close());
}
