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

/** The request that follows from the state: what was typed, or the sentence of the page. */
export function requestOf({ data, state }) {
  const [text, second = ""] = isWritten(state) ? [state.text, state.second] : textsOf(data.sentences[state.sentence]);
  const hidden = data.isTyped(state.sentence) && state.off ? state.off.split(".").map(Number) : [];
  return {
    text, second, masked: state.masked, off: [...offHeads(state.without)], hidden,
    token: state.view === "way" ? Math.max(state.query, 0) : -1,
  };
}

/** Whether the state has a text of its own, as that of a typed sentence has. */
const isWritten = ({ text, second }) => Boolean(text || second);

export class Live {
  constructor(app) {
    this.app = app;
    this.own = null; // the answer for a sentence of the page, {sentence, request, way}
    this.beyond = {}; // chosen places that the text does not reach while one types
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

  switchHeads(without) {
    const { app } = this;
    app.store.push = true;
    app.state.without = without;
    return app.changed();
  }

  /** A sentence of the page in which a head or a token is off becomes a typed one: the model must run for it. */
  adopt() {
    const { app, app: { data, state } } = this;
    if (isWritten(state) || !(state.off || state.without)) return;
    const [text, second = ""] = textsOf(data.sentences[state.sentence]);
    if (this.model && (text || second)) {
      Object.assign(state, { text, second });
      app.store.wanted = true;
    } else state.without = ""; // no model can run without a head
  }

  /** The whole way of the chosen token, or null while it is not known. */
  get way() {
    const { app, app: { data, state } } = this;
    if (data.isTyped(state.sentence)) return data.typed.way;
    return this.own?.sentence === state.sentence && this.own.request.token === requestOf(app).token ? this.own.way : null;
  }

  /** The name of what is said where there is no way to show. */
  get nothing() {
    if (!this.model) return "typing_no_worker";
    const { text, second } = requestOf(this.app);
    return text || second ? "why_waiting" : "why_unwritten";
  }

  /** All heads off but the chosen one. */
  onlyHead() {
    const { data, state } = this.app;
    return this.switchHeads(offHeadsText(data.names.filter((name) => name !== `${state.layer}.${state.head}`)));
  }

  /** What is chosen must be among so many tokens. While one types, it comes back when the text is long enough again. */
  reach(length) {
    const { state } = this.app;
    if (!["text", "second"].includes(document.activeElement?.id)) this.beyond = {};
    for (const name of ["query", "key"]) {
      if (state[name] >= length) [this.beyond[name], state[name]] = [state[name], -1];
      else if (state[name] < 0 && this.beyond[name] < length) state[name] = this.beyond[name];
    }
  }

  /** Sends the request of the state to the model, unless it is the same as the last one. */
  ask() {
    const { state } = this.app;
    if (!this.model || !(isWritten(state) || state.view === "way")) return;
    const request = requestOf(this.app);
    if (!request.text && !request.second) return;
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
    if (!isWritten(state)) {
      if (!answer.way || JSON.stringify(answer.request) !== this.asked) return;
      this.own = { sentence: state.sentence, request: answer.request, way: answer.way };
      return app.changed();
    }
    data.type({ ...answer, number: (data.typed?.number ?? 0) + 1 });
    const { length } = answer.encoding.ids;
    this.reach(length);
    state.sentence = data.own;
    app.store.wanted = false;
    if (more) return; // the next answer is on its way
    typing.say(say("typing_done", { tokens: length, milliseconds: answer.milliseconds.toFixed(0) }));
    app.changed();
  }
}
