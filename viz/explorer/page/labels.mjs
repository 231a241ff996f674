// Labels that do not collide: each takes a place only if it is free, the important ones first.

/** Rectangles laid down so far. */
export class Crowd {
  constructor() {
    this.boxes = [];
  }

  isFree({ x, y, width, height }) {
    const apart = (other) => x >= other.x + other.width || other.x >= x + width || y >= other.y + other.height || other.y >= y + height;
    return this.boxes.every(apart);
  }

  add(box) {
    this.boxes.push(box);
  }
}

/**
 * Where labels go. wanted: [{x, y, text, gap}], most important first; widthOf(text) in pixels; frame: the box to stay in.
 * Each is tried right, left, above and below its point. Returns those that found a place, with left and middle.
 */
export function placeLabels(wanted, widthOf, frame, { height = 14, most = 250, crowd = new Crowd() } = {}) {
  const placed = [];
  for (const label of wanted) {
    if (placed.length >= most) break;
    const width = widthOf(label.text) + 4;
    const { x, y, gap = 6 } = label;
    const corners = [
      [x + gap, y - height / 2],
      [x - gap - width, y - height / 2],
      [x - width / 2, y - gap - height],
      [x - width / 2, y + gap],
    ];
    for (const [left, top] of corners) {
      const box = { x: left, y: top, width, height };
      const inside =
        left >= frame.x && top >= frame.y && left + width <= frame.x + frame.width && top + height <= frame.y + frame.height;
      if (!inside || !crowd.isFree(box)) continue;
      crowd.add(box);
      placed.push({ ...label, left: left + 2, middle: top + height / 2 });
      break;
    }
  }
  return placed;
}
