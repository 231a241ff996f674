// All texts of a page, by name, in one language: the table comes with the page.

const texts = JSON.parse((typeof document === "undefined" ? null : document.getElementById("words"))?.textContent ?? "{}");

/** @param {string} name */
export const knows = (name) => Object.hasOwn(texts, name);

/**
 * The text of a name, with what it has in braces filled in: say("layer_head", {layer: 0, head: 3}).
 * @param {string} name
 * @param {Record<string, any>} values
 * @returns {string}
 */
export function say(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/gu, (all, key) => (Object.hasOwn(values, key) ? String(values[key]) : all));
}
