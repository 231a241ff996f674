// From places in space to places on the screen: turn, fit into a box, zoom, shift.

/** The two rows of the rotation that matter on a screen, and the third for depth. */
export function rotation(turn, tilt) {
  const [ct, st, cp, sp] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  return [
    [ct, 0, st],
    [st * sp, cp, -ct * sp],
    [-st * cp, sp, ct * cp],
  ];
}

/** Whether a place on the screen lies in a box {x, y, width, height}. */
export const inside = (box, x, y) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;

/** Where in `positions` the numbers of the queries and keys begin of the tokens `shown` (1 or 0 for each). */
function* places(shown) {
  const size = shown.length;
  for (let p = 0; p < 2 * size; p++) if (shown[p % size]) yield 3 * p;
}

/** The smallest box around what is shown, seen from the front. */
export function bounds(positions, shown) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const at of places(shown)) {
    left = Math.min(left, positions[at]);
    right = Math.max(right, positions[at]);
    low = Math.min(low, positions[at + 1]);
    high = Math.max(high, positions[at + 1]);
  }
  if (left > right) return { x: 0, y: 0, width: 2, height: 2 };
  return { x: (left + right) / 2, y: (low + high) / 2, width: right - left, height: high - low };
}

/** A box around what can be turned: a ball about the origin. */
export function ball(positions, shown) {
  let most = 0;
  for (const at of places(shown)) most = Math.max(most, Math.hypot(positions[at], positions[at + 1], positions[at + 2]));
  return { x: 0, y: 0, width: 2 * most, height: 2 * most };
}

/** Both boxes mixed: t = 0 the first, 1 the second. */
export function mixBounds(a, b, t) {
  const mix = (name) => a[name] + (b[name] - a[name]) * t;
  return { x: mix("x"), y: mix("y"), width: mix("width"), height: mix("height") };
}

/**
 * A camera that fits `world` into `box` ({x, y, width, height} in pixels) with equal units on both axes.
 * look: {x, y, zoom, turn, tilt} as in the state; x and y shift by shares of the world's larger side.
 */
export function camera(world, box, look, dims = 2, margin = 28) {
  const fit = Math.min(
    Math.max(box.width - 2 * margin, 20) / Math.max(world.width, 1e-6),
    Math.max(box.height - 2 * margin, 20) / Math.max(world.height, 1e-6),
  );
  const side = Math.max(world.width, world.height);
  const scale = fit * look.zoom;
  const [cx, cy] = [world.x + look.x * side, world.y + look.y * side];
  const [mx, my] = [box.x + box.width / 2, box.y + box.height / 2];
  const turn = dims === 3 ? rotation(look.turn, look.tilt) : rotation(0, 0);
  return { scale, side, turn, cx, cy, mx, my, box };
}

/** Places on the screen of all points, [2 * points], and their depth [points]; only 2-D pictures skip the turning. */
export function project(eye, positions, screen, depth) {
  const [[a, b, c], [d, e, f], [g, h, i]] = eye.turn;
  const points = screen.length / 2;
  for (let p = 0; p < points; p++) {
    const [x, y, z] = [positions[3 * p], positions[3 * p + 1], positions[3 * p + 2]];
    screen[2 * p] = eye.mx + (a * x + b * y + c * z - eye.cx) * eye.scale;
    screen[2 * p + 1] = eye.my - (d * x + e * y + f * z - eye.cy) * eye.scale;
    if (depth) depth[p] = g * x + h * y + i * z;
  }
}

/** The look that keeps the place under (px, py) where it is while zooming by `factor`. */
export function zoomAt(eye, look, px, py, factor) {
  const zoom = Math.min(400, Math.max(0.2, look.zoom * factor));
  const real = zoom / look.zoom;
  const pull = (1 - 1 / real) / (eye.scale * eye.side);
  return { zoom, x: look.x + (px - eye.mx) * pull, y: look.y - (py - eye.my) * pull };
}

/** Round numbers for an axis between low and high, about `count` of them: 0, 5, 10 or 0.2, 0.4, ... */
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const result = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) result.push(Number((i * step).toPrecision(6)));
  return result;
}
