// What one types: the text, its words as buttons that mask them, guesses under each mask, and the heads as switches.

import { textsOf } from "./data.mjs";
import { button, byId, element, refill } from "../../web/dom.mjs";
import { offHeadsText } from "./state.mjs";
import { reveal } from "./tour.mjs";
import { finePercent } from "../../web/numbers.mjs";
import { bare, wordGroups } from "../../web/tokens.mjs";
import { knows, say } from "../../web/words.mjs";

export class Typing {
  constructor(app) {
    this.app = app;
    this.ready = false; // whether the model is
    this.maskName = app.data.live.tokenizer.mask;
    byId("typing").hidden = false;
    const name = `knows_${app.data.live.name}`;
    byId("knows").textContent = knows(name) ? say(name) : say("knows_other");
    const field = (id) => byId(id).value.replace(/\n/gu, " "); // what is pasted may have lines
    const typed = () => app.live.type(field("text"), field("second"), { masked: "", off: "" });
    for (const id of ["text", "second"]) byId(id).addEventListener("input", typed);
    byId("second-open").addEventListener("click", () => {
      byId("second-row").hidden = false;
      byId("second").focus();
    });
    byId("reset").addEventListener("click", () => this.reset());
  }

  /** The words under the masks, in their order; of a mask that was typed it is not known. */
  get originals() {
    const { masked } = this.app.state;
    return masked ? masked.split(" ") : [];
  }

  /** The words of the sentence that is shown, and those of them that are masks. */
  get words() {
    return wordsOf(this.app.sentence, this.maskName);
  }

  get masks() {
    return this.words.filter((word) => word.isMask);
  }

  /** Both texts of the sentence that is shown; the fields may hold what cannot be read. */
  get texts() {
    const [first, second = ""] = textsOf(this.app.sentence);
    return [first, second];
  }

  /** Brings the box up to date: the text of the sentence that is looked at, its words, and what went wrong. */
  show() {
    const { data, state } = this.app;
    const [first, second] = state.text ? [state.text, state.second] : this.texts;
    for (const [id, text] of [["text", first], ["second", second]]) if (document.activeElement !== byId(id) && byId(id).value !== text) byId(id).value = text;
    byId("second-row").hidden = !second && document.activeElement !== byId("second");
    byId("second-open").hidden = !byId("second-row").hidden;
    const empty = byId("text").value.trim() === "" && byId("second").value.trim() === "";
    if (this.ready && !state.text && !state.second) this.say(empty ? this.instead("typing_empty") : say("typing_ready"), empty);
    const changed = this.originals.length > 0 || state.without !== "" || (state.off !== "" && data.isTyped(state.sentence));
    byId("reset").disabled = !changed;
    this.showWords();
    this.showHeads();
  }

  /** wrong: what is in the field is not what is shown. */
  say(text, wrong = false) {
    if (byId("typing-status").textContent !== text) byId("typing-status").textContent = text;
    byId("typing").classList.toggle("wrong", wrong);
  }

  /** What is wrong with the text, and which sentence is shown instead. */
  instead(name, values) {
    const shown = this.app.data.sentenceText(this.app.state.sentence);
    return `${say(name, values)} ${say("typing_instead", { shown: shown.length > 60 ? `${shown.slice(0, 59)}…` : shown })}`;
  }

  /** A button a word: a click masks it. Under each mask what the model guesses. */
  showWords() {
    const { data, state } = this.app;
    const typed = data.isTyped(state.sentence) ? data.typed : null;
    const { words, originals } = this;
    const shown = JSON.stringify([state.sentence, data.typed?.number, this.app.secret, originals, words.map((word) => word.text)]);
    if (this.shown === shown) return;
    this.shown = shown;
    const several = this.masks.length > 1;
    let mask = 0;
    refill(byId("words-row"), words.map((word) => {
      if (!word.isMask) {
        return element("span", { class: "item" }, button(word.text, () => this.mask(word), { class: "word", title: say("mask_word") }));
      }
      const number = mask++;
      const original = originals[number];
      const label = original ? say("mask_back", { word: original }) : say("mask_is");
      const back = () => (original ? this.put(word, original, number) : byId("text").focus());
      const made = button(this.maskName, back, { class: "word mask", title: label, "aria-label": `${this.maskName}: ${label}` });
      return element("span", { class: "item" }, made, this.guesses(typed, word, number, several ? around(words, word) : ""));
    }));
  }

  guesses(typed, word, number, place) {
    if (this.app.secret) {
      const show = button(say("guess_hidden"), () => reveal(this.app));
      return element("ol", { class: "guessed", "aria-label": say("guess_list") }, element("li", {}, show));
    }
    const before = new Map(guessesOf(typed?.before, word));
    const items = guessesOf(typed?.guesses, word).map(([token, p]) => {
      const was = typed.before ? ` (${before.has(token) ? say("guess_was", { share: finePercent(before.get(token)) }) : say("guess_new")})` : "";
      const take = () => this.put(word, bare(token), number);
      return element("li", {}, button(`${token} ${finePercent(p)}${was}`, take, { title: say("guess_take") }));
    });
    const [first, now] = firstBefore(typed, word);
    if (now) items.push(element("li", {}, first));
    if (place && items.length) items.unshift(element("li", {}, place));
    return element("ol", { class: "guessed", "aria-label": `${say("guess_list")} ${place}` }, ...items);
  }

  mask(word) {
    const at = this.masks.filter((one) => one.order < word.order).length;
    const originals = Array.from({ length: Math.max(at, this.originals.length) }, (_, i) => this.originals[i] ?? "");
    originals.splice(at, 0, word.text);
    this.replace(word, this.maskName, originals);
  }

  put(word, text, number) {
    this.replace(word, text, this.originals.filter((_, i) => i !== number));
  }

  /** The text with another word in the place of one. Hidden tokens stay hidden if none of them can have moved. */
  replace(word, by, originals) {
    const { texts } = this;
    exchange(texts, word, by);
    const masked = originals.join(" ").trimEnd();
    this.app.live.type(...texts, { masked, ...(word.tokens.length === 1 ? {} : { off: "", query: -1, key: -1 }) }, true);
  }

  reset() {
    const { texts, originals, masks } = this;
    for (let i = masks.length - 1; i >= 0; i--) if (originals[i]) exchange(texts, masks[i], originals[i]);
    this.app.live.type(...texts, { masked: "", without: "", off: "" }, true);
  }

  /** What switching heads off did, in words, where the switches are. */
  told({ data, state, without, secret } = this.app) {
    if (!data.isTyped(state.sentence) || !data.typed.moved || !without.size || secret) return "";
    const { words, masks } = this;
    const place = (word) => (masks.length > 1 ? `${around(words, word)} ` : "");
    if (masks.length) return masks.map((word) => place(word) + firstBefore(data.typed, word).join("; ")).join(" · ");
    const most = data.typed.moved.indexOf(Math.max(...data.typed.moved));
    if (data.typed.moved[most] < 0.0005) return say("told_nothing");
    return say("told_most", { name: data.names[most], share: finePercent(data.typed.moved[most]) });
  }

  /** All heads as switches. */
  showHeads() {
    const { data, state, without } = this.app;
    byId("heads-told").textContent = this.told();
    const put = (off) => this.app.live.switchHeads(offHeadsText(off));
    refill(byId("head-switches"), Array.from({ length: data.layers }, (_, layer) => {
      const names = data.names.slice(layer * data.heads, (layer + 1) * data.heads);
      const all = names.every((name) => without.has(name));
      const turn = () => put(all ? without.difference(new Set(names)) : without.union(new Set(names)));
      const whole = button(say("layer_number", { layer }), turn, { class: "layer", "aria-pressed": String(!all) });
      const each = names.map((name, head) => {
        const on = !without.has(name);
        const moved = data.typed?.moved && data.isTyped(state.sentence) ? data.typed.moved[layer * data.heads + head] : 0;
        const label = say(on ? "head_on" : "head_off", { name }) + (moved ? `; ${say("changed", { share: moved.toFixed(2) })}` : "");
        const one = () => put(without.symmetricDifference(new Set([name])));
        const style = moved ? `box-shadow: inset 0 -${Math.min(12, Math.ceil(24 * moved))}px 0 -0px var(--moved)` : "";
        return button(name, one, { "aria-pressed": String(on), class: on ? "" : "off", "aria-label": label, title: label, style });
      });
      return element("div", { class: "switches", role: "group", "aria-label": say("layer_number", { layer }) }, whole, ...each);
    }));
    byId("heads-on").disabled = without.size === 0;
  }
}

/** Guesses of a masked word, [token, probability], from those of all masks. */
const guessesOf = (list, word) => list?.find(([t]) => t === word.tokens[0])?.[1] ?? [];

/** What became of the guess that was first before heads or tokens were off, and which is first now, if it is another. */
function firstBefore(typed, word) {
  const [was, now] = [guessesOf(typed?.before, word), guessesOf(typed?.guesses, word)];
  if (!was.length || !now.length) return [];
  const [token, share] = was[0];
  const left = new Map(now).get(token);
  const first = say("guess_first", { token, before: finePercent(share), now: left === undefined ? `<${finePercent(now.at(-1)[1])}` : finePercent(left) });
  return token === now[0][0] ? [first] : [first, say("guess_now", { token: now[0][0], share: finePercent(now[0][1]) })];
}

/** A masked word between its neighbours, to tell one mask from another. */
const around = (words, { order }) => `${words[order - 1]?.text ?? ""} ▢ ${words[order + 1]?.text ?? ""}`;

/** Puts another text in the place of a word. */
function exchange(texts, { part, from, to }, by) {
  texts[part] = texts[part].slice(0, from) + by + texts[part].slice(to);
}

/** The words of a sentence: {text, tokens, part (0 or 1 of a pair), from, to in its text, isMask, order}. */
export function wordsOf(sentence, mask) {
  const texts = textsOf(sentence);
  const found = [];
  for (const tokens of wordGroups(sentence.words)) {
    const [first, last] = [tokens[0], tokens.at(-1)];
    if (sentence.words[first] === null || !sentence.spans?.[first]) continue;
    const [from, to, part] = [sentence.spans[first][0], sentence.spans[last][1], sentence.segments[first]];
    const text = (texts[part] ?? "").slice(from, to) || sentence.tokens[first];
    found.push({ text, tokens, part, from, to, isMask: sentence.tokens[first] === mask, order: found.length });
  }
  return found;
}
