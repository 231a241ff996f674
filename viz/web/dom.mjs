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
 * An element with attributes (those that are empty or false are left out) and children: elements or texts. A style is
 * set by the script: the page's policy forbids it as an attribute.
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {unknown[]} children
 * @returns {any}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(/** @type {Record<string, any>} */ (attributes))) {
    if (key === "style") made.style.cssText = value;
    else if (![null, undefined, "", false].includes(value)) made.setAttribute(key, String(value));
  }
  made.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return made;
}

/**
 * A button that calls `act` when it is pressed.
 * @param {unknown[] | unknown} label a text, or elements and texts
 * @param {() => void} act
 * @param {Record<string, unknown>} attributes
 * @returns {HTMLButtonElement}
 */
export function button(label, act, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, ...[label].flat());
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
 * A list to choose from.
 * @param {unknown[]} names
 * @param {number} chosen the number of the one that is chosen
 * @param {(i: number) => void} change gets the number of the new one
 * @param {Record<string, unknown>} attributes
 */
export function choice(names, chosen, change, attributes = {}) {
  const select = element("select", attributes, ...names.map((name, i) => option(i, name)));
  select.value = String(chosen);
  select.addEventListener("change", () => change(Number(select.value)));
  return select;
}

/** The arrow keys: steps to the right, and down. @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * A heading in a table, of a column unless `scope` is "row".
 * @param {unknown[] | unknown} name a text, or elements and texts
 */
export const heading = (name, scope = "col", attributes = {}) => element("th", { scope, ...attributes }, ...[name].flat());

/**
 * A table. Cells are `th` or `td` elements, or what is in a `td`; rows are lists of cells, or `tr` elements.
 * @param {unknown[] | null} head the cells of its first row, if it has one
 * @param {any[]} rows
 * @param {Record<string, unknown>} attributes
 */
export function table(head, rows, attributes = {}) {
  const made = element("table", attributes);
  if (head) made.append(element("thead", {}, tableRow(head)));
  made.append(element("tbody", {}, ...rows.map((cells) => (Array.isArray(cells) ? tableRow(cells) : cells))));
  return made;
}

/** @param {unknown[]} cells */
export function tableRow(cells, attributes = {}) {
  const made = cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell)));
  return element("tr", attributes, ...made);
}

/**
 * Puts other children into an element. The control that has the focus keeps it: it is found again by its place among all.
 * @param {HTMLElement} box
 * @param {any[]} children
 */
export function refill(box, children) {
  const controls = () => /** @type {HTMLElement[]} */ ([...box.querySelectorAll("button, select")]);
  const focused = controls().findIndex((control) => control === document.activeElement);
  box.replaceChildren(...children);
  controls()[focused]?.focus();
}
