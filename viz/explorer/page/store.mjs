// The state: what is looked at. It changes in one place, and is written into the address, so that a link opens it again.

import { fromHash, toHash, writeHash, writeSoon } from "../../web/address.mjs";
import { DEFAULTS, limitsOf } from "./state.mjs";

const PLACES = ["view", "layer", "head", "sentence", "step"]; // changes that Back undoes

export class Store {
  constructor(data) {
    this.data = data;
    this.limits = limitsOf(data);
    this.usual = { ...DEFAULTS, method: data.drawn, flat: data.headSize, ...data.start };
    this.wanted = false; // whether a typed sentence of the address waits for its first answer
    this.push = false; // whether Back shall undo what comes next
    this.opened = false; // whether the address has been written once
    this.read();
  }

  /** Takes the state of an address; what its data cannot show is left out. */
  read(hash = location.hash) {
    const { data } = this;
    const state = fromHash(hash, this.limits, this.usual);
    this.state = state;
    if (state.text) this.wanted = true;
    if (state.text && data.typed) state.sentence = data.own;
    const sentence = data.sentences[state.sentence];
    if (!sentence) state.sentence = 0;
    else if (!state.text) for (const name of ["query", "key"]) if (state[name] >= sentence.size) state[name] = -1;
  }

  change(changes) {
    const before = this.state;
    this.state = { ...before, ...changes };
    this.push ||= PLACES.some((name) => before[name] !== this.state[name]);
    if (this.state.find !== before.find && this.state.find) this.state.kind = "";
  }

  get hash() {
    const written = this.state.text ? { ...this.state, sentence: 0 } : this.state; // the text says which sentence
    return toHash(written, this.usual);
  }

  /** The state into the address. */
  write() {
    writeSoon(() => {
      writeHash(this.hash, this.push && this.opened);
      Object.assign(this, { push: false, opened: true });
    });
  }
}
