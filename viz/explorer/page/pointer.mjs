// Mouse, pen and fingers: hover, click, drag to shift or turn, wheel or two fingers to zoom.

import { inside, zoomAt } from "./camera.mjs";
import { isChosenPair } from "./why.mjs";

/** The cloud under a place, or null: only a cloud can be dragged and zoomed. */
function cloudAt(app, x, y) {
  if (app.state.view === "points") return app.cloud;
  const view = app.views[app.state.view];
  return ["sentence", "near"].includes(app.state.view) && view.cloudBox && inside(view.cloudBox, x, y) ? view.points.cloud : null;
}

export function bindPointer(app) {
  const { canvas } = app;
  const pointer = new Pointer(app);
  for (const what of ["down", "move", "up"]) canvas.addEventListener(`pointer${what}`, (event) => pointer[what](event));
  canvas.addEventListener("pointercancel", (event) => {
    pointer.up(event);
    app.point(null); // the page is scrolled: a note would stay behind
  });
  const elsewhere = (event) => event.target !== canvas && app.point(null); // no finger leaves what it has tapped
  addEventListener("pointerdown", elsewhere);
  addEventListener("scroll", elsewhere, { passive: true });
  canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && app.point(null));
  canvas.addEventListener("wheel", (event) => pointer.wheel(event), { passive: false });
}

class Pointer {
  constructor(app) {
    this.app = app;
    this.fingers = new Map(); // where each is on the canvas
    this.drag = null;
  }

  place(event) {
    const box = this.app.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  hit(x, y) {
    return this.app.views[this.app.state.view].hit(this.app, x, y);
  }

  /** How far two fingers are apart, and their middle. */
  spread() {
    if (this.fingers.size < 2) return null;
    const [[x1, y1], [x2, y2]] = [...this.fingers.values()];
    return { distance: Math.hypot(x1 - x2, y1 - y2), x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
  }

  down(event) {
    const { app } = this;
    const [x, y] = this.place(event);
    this.fingers.set(event.pointerId, [x, y]);
    this.drag = { x, y, cloud: cloudAt(app, x, y), state: { ...app.state }, moved: false, last: this.spread()?.distance };
    app.canvas.setPointerCapture(event.pointerId);
    app.canvas.focus({ preventScroll: true });
  }

  move(event) {
    const { app, drag, fingers } = this;
    const [x, y] = this.place(event);
    if (!fingers.has(event.pointerId)) return app.point(this.hit(x, y), [event.clientX, event.clientY]);
    fingers.set(event.pointerId, [x, y]);
    if (!drag?.cloud) return undefined;
    if (drag.last && fingers.size > 1) return this.pinch();
    const [dx, dy] = [x - drag.x, y - drag.y];
    if (Math.hypot(dx, dy) > 4) drag.moved = true;
    if (!drag.moved) return undefined;
    const { eye } = drag.cloud;
    if (app.state.dims === 3 && !event.shiftKey) {
      const tilt = Math.min(1.55, Math.max(-1.55, drag.state.tilt + dy / 150));
      return app.set({ turn: drag.state.turn + dx / 150, tilt });
    }
    return app.set({ x: drag.state.x - dx / (eye.scale * eye.side), y: drag.state.y + dy / (eye.scale * eye.side) });
  }

  /** Two fingers zoom. */
  pinch() {
    const { app, drag } = this;
    const now = this.spread();
    app.set(zoomAt(drag.cloud.eye, app.state, now.x, now.y, now.distance / drag.last));
    Object.assign(drag, { moved: true, last: now.distance });
  }

  up(event) {
    const { app, drag } = this;
    this.fingers.delete(event.pointerId);
    this.drag = null;
    if (!drag || drag.moved || event.type !== "pointerup") return;
    const [x, y] = this.place(event);
    const target = this.hit(x, y);
    if (Math.hypot(x - drag.x, y - drag.y) < 6) click(app, target);
    if (target?.go) app.point(null); // what it told of is gone
    else if (event.pointerType === "touch") app.point(this.hit(x, y), [event.clientX, event.clientY]); // fingers do not hover
  }

  wheel(event) {
    const { app } = this;
    const [x, y] = this.place(event);
    const cloud = cloudAt(app, x, y);
    if (!cloud) return;
    event.preventDefault();
    app.set(zoomAt(cloud.eye, app.state, x, y, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016))));
  }
}

/** A click opens a head, leads where a picture says, or chooses a query or a key, or both. */
export function click(app, target) {
  const { state } = app;
  if (target?.go) return app.why.go(target.go);
  if (!target) return state.view === "points" && app.set({ query: -1, key: -1 });
  if (state.view === "heads" || target.layer !== undefined) return app.set({ view: "points", ...target });
  if (!target.queries) return false;
  if (isChosenPair(app, target)) return app.set({ view: "why", trail: "" });
  const chosen = chosenBy(state, target);
  if (target.sentence === state.sentence) return app.set(chosen);
  return app.choose({ sentence: target.sentence, ...chosen, x: state.x, y: state.y, zoom: state.zoom });
}

/** The query and the key after a click on one of them: what was chosen with it stays, so that a pair can be chosen. */
function chosenBy(state, { sentence, queries, keys }) {
  const same = sentence === state.sentence;
  const chosen = { query: same ? state.query : -1, key: same ? state.key : -1 };
  if (queries.length) chosen.query = queries[0];
  if (keys.length) chosen.key = keys[0];
  if (queries.length && !keys.length && chosen.query === state.query && same) chosen.query = -1;
  else if (keys.length && !queries.length && chosen.key === state.key && same) chosen.key = -1;
  return chosen;
}
