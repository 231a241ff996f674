// The model in the page: it runs at every change of what is typed, and the page shows its result.

import { textsOf } from "./data.mjs";
import { byId } from "../../web/dom.mjs";
import { offHeads, offHeadsText } from "./state.mjs";
import { Typing } from "./typing.mjs";
import { say } from "../../web/words.mjs";

/** The model in its worker. One request is worked on at a time; of those that wait, only the newest of each kind is kept. */
export class Model {
  constructor(settings, weights, source, tell) {
    this.tell = tell;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => tell({ error: event.message || "worker", request: null });
    this.busy = true; // until it has its weights
    this.waiting = []; // a text to run, and what to explain
    this.worker.postMessage({ settings, weights });
  }

  ask(request) {
    if (this.busy) this.waiting = [...this.waiting.filter(({ why }) => Boolean(why) !== Boolean(request.why)), request];
    else {
      this.busy = true;
      this.worker.postMessage(request);
    }
  }

  receive(answer) {
    this.busy = false;
    const next = this.waiting.shift();
    if (next) this.ask(next);
    this.tell(answer, Boolean(next && !next.why));
  }
}

/** The request that follows from the state. */
export function requestOf({ data, state }) {
  const hidden = data.isTyped(state.sentence) && state.off ? state.off.split(".").map(Number) : [];
  return {
    text: state.text, second: state.second, masked: state.masked, off: [...offHeads(state.without)], hidden,
    token: state.view === "way" ? Math.max(state.query, 0) : -1,
  };
}

export class Live {
  constructor(app) {
    this.app = app;
    this.typing = new Typing(app);
    this.typing.say(say("typing_start"));
    try {
      this.model = new Model(app.data.live, byId("weights").textContent, byId("worker").textContent, (answer, more) => this.receive(answer, more));
      byId("weights").remove();
    } catch {
      app.store.wanted = false; // then the page's own sentences are all there is
      this.typing.say(say("typing_no_worker"));
    }
  }

  /** A new text, from the box or from a click on a word. */
  type(text, second, changes = {}, push = false) {
    const { app } = this;
    Object.assign(app.state, changes, { text, second, trail: "" });
    app.store.push ||= push;
    if (!text && !second) return app.choose({ sentence: 0, masked: "", without: "", off: "" });
    this.ask();
    return app.store.write();
  }

  /** Heads are switched off: only a typed sentence can show it, so one of the page is typed first. */
  switchHeads(without) {
    const { app } = this;
    const { state, data } = app;
    app.store.push = true;
    state.without = without;
    if (state.text) return app.changed();
    const [first, second = ""] = textsOf(data.sentences[state.sentence]);
    return this.type(first, second);
  }

  /** All heads off but the chosen one. */
  onlyHead() {
    const { data, state } = this.app;
    return this.switchHeads(offHeadsText(data.names.filter((name) => name !== `${state.layer}.${state.head}`)));
  }

  /** Sends the request of the state to the model, unless it is the same as the last one. */
  ask() {
    const { state } = this.app;
    if (!this.model || !(state.text || state.second)) return;
    const request = requestOf(this.app);
    const wanted = JSON.stringify(request);
    if (wanted === this.answered) this.app.store.wanted = false; // Back to another view of the same text
    if (wanted === this.asked) return;
    this.asked = wanted;
    this.model.ask(request);
  }

  receive(answer, more) {
    const { app, typing } = this;
    const { data, state } = app;
    if (answer.ready) {
      typing.ready = true;
      return app.store.wanted ? undefined : typing.say(say("typing_ready"));
    }
    if (!answer.request?.why) this.answered = JSON.stringify(answer.request);
    if (answer.error !== undefined) {
      if (app.store.wanted) {
        app.store.wanted = false;
        app.changed();
      }
      const { error, values } = answer;
      return typing.say(values ? typing.instead(error, values) : typing.instead("typing_error", { error }), true);
    }
    if (answer.request.why) return app.why.receive(answer);
    if (!state.text && !state.second) return;
    data.type({ ...answer, number: (data.typed?.number ?? 0) + 1 });
    const { length } = answer.encoding.ids;
    for (const name of ["query", "key"]) if (state[name] >= length) state[name] = -1;
    state.sentence = data.own;
    app.store.wanted = false;
    if (more) return; // the next answer is on its way
    typing.say(say("typing_done", { tokens: length, milliseconds: answer.milliseconds.toFixed(0) }));
    app.changed();
  }
}
