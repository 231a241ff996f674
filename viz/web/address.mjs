// A state as the part of an address after its #: "layer=2&head=3", so that a link opens the same view again.

/**
 * Only what differs from the defaults, so that links stay short.
 * @param {Record<string, any>} state
 * @param {Record<string, any>} defaults
 */
export function toHash(state, defaults) {
  const parts = [];
  for (const [name, usual] of Object.entries(defaults)) {
    if (state[name] === usual) continue;
    const value = typeof usual === "number" ? Number(state[name].toFixed(4)) : state[name];
    parts.push(`${name}=${encodeURIComponent(String(value))}`);
  }
  return parts.join("&");
}

/**
 * The state of an address. What is not understood is left at its default: an address is not to be trusted.
 * @template {Record<string, any>} State
 * @param {string} hash
 * @param {Record<string, (value: any) => boolean>} limits which values make sense
 * @param {State} defaults
 * @returns {State}
 */
export function fromHash(hash, limits, defaults) {
  const state = /** @type {Record<string, any>} */ ({ ...defaults });
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/u, ""))) {
    if (!Object.hasOwn(defaults, name) || text.includes("\ufffd")) continue; // where % stands before what is no text
    const value = valueOf(text, typeof defaults[name]);
    if (value === undefined || (limits[name] && !limits[name](value))) continue;
    state[name] = value;
  }
  return /** @type {State} */ (state);
}

/** The value in an address, of a type; undefined where it is none. @param {string} text @param {string} type */
function valueOf(text, type) {
  if (type === "boolean") return text === "true";
  if (type === "number") return Number.isFinite(Number(text)) ? Number(text) : undefined;
  return text;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/** Calls what writes the address, a moment later: browsers refuse to write it at every frame. @param {() => void} write */
export function writeSoon(write) {
  clearTimeout(waiting);
  waiting = setTimeout(write, 150);
}

/** Puts a state into the address; with `push`, Back goes to the one before it. @param {string} hash @param {boolean} push */
export function writeHash(hash, push = false) {
  if (location.hash.slice(1) === hash) return;
  try {
    history[push ? "pushState" : "replaceState"](null, "", hash ? `#${hash}` : location.pathname + location.search);
  } catch {
    // a frame in a notebook may have no address to write to
  }
}
