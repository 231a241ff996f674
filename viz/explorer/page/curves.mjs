// The curves that the painters draw: where one passes, so that it can be pointed at.

const NEAR = 6; // pixels

/** How high a curve is at x: it leaves and arrives level, with its bend in the middle (as `pathOf` draws it). */
export function curveHeight([x1, y1], [x2, y2], x) {
  let [low, high] = [0, 1];
  const across = (t) => 1.5 * t * (1 - t) + t ** 3; // 3 (1 - t)^2 t / 2 + 3 (1 - t) t^2 / 2 + t^3
  while (high - low > 1e-4) {
    const t = (low + high) / 2;
    if (across(t) < (x - x1) / (x2 - x1)) low = t;
    else high = t;
  }
  return y1 + (y2 - y1) * (3 * low ** 2 - 2 * low ** 3);
}

/** The curve that passes nearest to a place, or undefined if none is near. curves: [{points: [[x, y], [x, y]], ...}] */
export function curveAt(curves, x, y) {
  const isBeside = ({ points: [from, to] }) => x < from[0] || x > to[0];
  const away = (curve) => (isBeside(curve) ? Infinity : Math.abs(curveHeight(...curve.points, x) - y));
  const nearest = curves.reduce((best, curve) => (best && away(best) <= away(curve) ? best : curve), undefined);
  return nearest && away(nearest) < NEAR ? nearest : undefined;
}
