// Mouse, pen and fingers: hover, click, drag to shift or turn, wheel or two fingers to zoom.

import { inside, zoomAt } from "./camera.mjs";

/** The cloud under a place, or null: only a cloud can be dragged and zoomed. */
function cloudAt(app, x, y) {
  if (app.state.view === "points") return app.cloud;
  const view = app.views[app.state.view];
  return ["sentence", "near"].includes(app.state.view) && view.cloudBox && inside(view.cloudBox, x, y) ? view.points.cloud : null;
}

export function bindPointer(app) {
  const { canvas } = app;
  const fingers = new Map();
  let drag = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const hit = (x, y) => app.views[app.state.view].hit(app, x, y);

  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = place(event);
    app.pointer = [event.clientX, event.clientY];
    fingers.set(event.pointerId, [x, y]);
    drag = { x, y, cloud: cloudAt(app, x, y), state: { ...app.state }, moved: false, spread: spread() };
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
  });

  const spread = () => {
    if (fingers.size < 2) return null;
    const [[x1, y1], [x2, y2]] = [...fingers.values()];
    return { distance: Math.hypot(x1 - x2, y1 - y2), x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
  };

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    app.pointer = [event.clientX, event.clientY];
    if (!fingers.has(event.pointerId)) return app.point(hit(x, y));
    fingers.set(event.pointerId, [x, y]);
    if (!drag?.cloud) return undefined;
    if (drag.spread && fingers.size > 1) {
      const now = spread();
      drag.moved = true;
      return app.set(zoomAt(drag.cloud.eye, app.state, now.x, now.y, now.distance / (drag.last ?? drag.spread.distance))) && (drag.last = now.distance);
    }
    const [dx, dy] = [x - drag.x, y - drag.y];
    if (Math.hypot(dx, dy) > 4) drag.moved = true;
    if (!drag.moved) return undefined;
    const { eye } = drag.cloud;
    if (app.state.dims === 3 && !event.shiftKey) {
      const tilt = Math.min(1.55, Math.max(-1.55, drag.state.tilt + dy / 150));
      return app.set({ turn: drag.state.turn + dx / 150, tilt });
    }
    return app.set({ x: drag.state.x - dx / (eye.scale * eye.side), y: drag.state.y + dy / (eye.scale * eye.side) });
  });

  const release = (event) => {
    fingers.delete(event.pointerId);
    const [x, y] = place(event);
    if (drag && !drag.moved && Math.hypot(x - drag.x, y - drag.y) < 6 && event.type === "pointerup") click(app, hit(x, y));
    if (drag && !drag.moved && event.pointerType === "touch" && event.type === "pointerup") app.point(hit(x, y)); // fingers do not hover
    drag = null;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", (event) => {
    release(event);
    app.point(null); // the page is scrolled: a note would stay behind
  });
  const elsewhere = (event) => event.target !== canvas && app.point(null); // no finger leaves what it has tapped
  addEventListener("pointerdown", elsewhere);
  addEventListener("scroll", elsewhere, { passive: true });
  canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && app.point(null));

  canvas.addEventListener("wheel", (event) => {
    const [x, y] = place(event);
    const cloud = cloudAt(app, x, y);
    if (!cloud) return;
    event.preventDefault();
    app.set(zoomAt(cloud.eye, app.state, x, y, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016))));
  }, { passive: false });
}

/** A click opens a head, or chooses a query or a key; what was chosen with it stays, so that a pair can be chosen. */
export function click(app, target) {
  const { state } = app;
  if (!target) return state.view === "points" && app.set({ query: -1, key: -1 });
  if (state.view === "heads" || target.layer !== undefined) return app.set({ view: "points", ...target });
  if (!target.queries) return false;
  const same = target.sentence === state.sentence;
  const chosen = { query: same ? state.query : -1, key: same ? state.key : -1 };
  if (target.queries.length) chosen.query = target.queries[0];
  if (target.keys.length) chosen.key = target.keys[0];
  if (target.queries.length && !target.keys.length && chosen.query === state.query && same) chosen.query = -1;
  else if (target.keys.length && !target.queries.length && chosen.key === state.key && same) chosen.key = -1;
  return same ? app.set(chosen) : app.choose({ sentence: target.sentence, ...chosen, x: state.x, y: state.y, zoom: state.zoom });
}
