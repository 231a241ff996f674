// Elements from code. Texts become text nodes, never markup.

/**
 * The element of an id that the page's template has.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * All elements that a CSS selector finds.
 * @param {string} selector
 * @returns {any[]}
 */
export const all = (selector) => [...document.querySelectorAll(selector)];

/**
 * An element with attributes (those that are empty are left out) and children: elements or texts.
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {unknown[]} children
 * @returns {any}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== "") made.setAttribute(key, String(value));
  }
  made.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return made;
}

/**
 * A button with a text that calls `act` when it is pressed.
 * @param {unknown} label
 * @param {() => void} act
 * @param {Record<string, unknown>} attributes
 * @returns {HTMLButtonElement}
 */
export function button(label, act, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", () => act());
  return made;
}

/**
 * A choice in a list.
 * @param {unknown} value
 * @param {unknown} label
 * @returns {HTMLOptionElement}
 */
export const option = (value, label) => element("option", { value: String(value) }, label);

/**
 * The table cells of a row's headings.
 * @param {unknown[]} names
 * @returns {HTMLElement[]}
 */
export const headings = (names) => names.map((name) => element("th", { scope: "col" }, name));
