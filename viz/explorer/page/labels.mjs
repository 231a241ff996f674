// Labels that do not collide: each takes a place only if it is free, the important ones first.

const HEIGHT = 14; // pixels of a label

const apart = (a, b) => a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height;

const contains = (frame, { x, y, width, height }) =>
  x >= frame.x && y >= frame.y && x + width <= frame.x + frame.width && y + height <= frame.y + frame.height;

/** The first of some boxes that lies within a frame and on none of those that are taken. Then it is taken, too. */
export function takePlace(boxes, taken, frame) {
  const free = boxes.find((box) => contains(frame, box) && taken.every((other) => apart(box, other)));
  if (free) taken.push(free);
  return free;
}

/**
 * Where labels go. wanted: [{x, y, text, gap}], most important first; widthOf(text) in pixels; frame: the box to stay in.
 * Each is tried right, left, above and below its point. Returns those that found a place, with left and middle.
 */
export function placeLabels(wanted, widthOf, frame, { most = 250, taken = [] } = {}) {
  const placed = [];
  for (const label of wanted) {
    if (placed.length >= most) break;
    const { x, y, gap = 6 } = label;
    const width = widthOf(label.text) + 4;
    const corners = [
      [x + gap, y - HEIGHT / 2],
      [x - gap - width, y - HEIGHT / 2],
      [x - width / 2, y - gap - HEIGHT],
      [x - width / 2, y + gap],
    ];
    const box = takePlace(corners.map(([left, top]) => ({ x: left, y: top, width, height: HEIGHT })), taken, frame);
    if (box) placed.push({ ...label, left: box.x + 2, middle: box.y + HEIGHT / 2 });
  }
  return placed;
}
