// The guided tour: each step is an address, a question and its answer, which comes after a guess.

import { all, button, byId, element } from "../../web/dom.mjs";
import { say } from "../../web/words.mjs";

/** Shows the step the state names; nothing for step 0. */
export function showTour(app) {
  const { step } = app.state;
  const steps = app.data.tour ?? [];
  const box = byId("tour");
  box.hidden = step === 0 || !steps.length;
  if (box.hidden) delete box.dataset.step;
  if (app.stacked.matches) byId("frame").before(box); // above the picture, which it must not cover
  else all("aside")[0].prepend(box);
  if (box.dataset.step !== String(step)) app.secret = Boolean(steps[step - 1]?.hidden);
  document.body.classList.toggle("secret", app.secret && app.state.view === "points"); // what stands over that picture is the answer
  if (box.hidden || box.dataset.step === String(step)) return;
  box.dataset.step = String(step);
  const { title, text, question, choices = [], right, answer } = steps[step - 1];
  const told = element("p", { class: "answer", role: "status" });
  const tell = (guess = undefined) => {
    const verdict = guess === undefined ? "" : say(guess === right ? "tour_right" : "tour_wrong");
    guesses.forEach((one, i) => one.classList.toggle("right", choices.length > 0 && i === right));
    told.textContent = `${verdict} ${answer ?? ""}`.trim();
    reveal(app);
    told.scrollIntoView({ block: "nearest" });
  };
  const guesses = choices.map((choice, i) => button(choice, () => tell(i)));
  if (!choices.length && answer) guesses.push(button(say("tour_answer"), tell));
  const heading = element("h2", { tabindex: "-1" }, `${step} / ${steps.length}  ${title ?? ""}`);
  byId("tour-body").replaceChildren(
    heading, element("p", {}, text ?? ""), element("p", { class: "question" }, question ?? ""), element("div", { class: "guesses" }, ...guesses), told);
  byId("tour-back").disabled = step === 1;
  byId("tour-next").textContent = step === steps.length ? say("tour_close") : say("tour_next");
  all("[data-do=tour-close]")[0].hidden = step === steps.length;
  heading.focus({ preventScroll: true });
  if (!app.stacked.matches) return;
  if (app.state.text && !app.state.second) scrollTo(0, 0); // the question is about the guesses, which stand at the top
  else box.scrollIntoView();
}

/** Shows the guesses that a step has kept back. */
export function reveal(app) {
  if (!app.secret) return;
  app.secret = false;
  app.changed();
}

/** Goes to a step: what its address leaves out is as in a fresh page. */
export function goTo(app, step) {
  const steps = app.data.tour ?? [];
  if (step < 1 || step > steps.length) return app.set({ step: 0 });
  return app.visit(`${steps[step - 1].at ?? ""}&step=${step}`);
}
