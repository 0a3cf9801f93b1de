/* Have a guess: questions with a few answers, made from figures that are known. Nothing is kept. */

import { drawing, fill, find, make, say } from "./page.js";
import { listQuestions, sourceLine } from "./stories.js";

const MOST = 5;

export class Quiz {
  constructor({ words, reading }) {
    Object.assign(this, { words, reading });
    find("quiz-next").addEventListener("click", () => this.next());
    find("quiz-again").addEventListener("click", () => this.begin());
  }

  /** A round: a few of the questions, others than the last time. */
  async begin() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    this.questions = [];
    this.coming = true;
    await this.words.refresh(); // its answers are figures of now
    if (turn !== this.turn) return;
    this.coming = false;
    const all = listQuestions(this.words.content), from = ((turn - 1) * MOST) % Math.max(1, all.length);
    this.questions = [...all.slice(from), ...all.slice(0, from)].slice(0, MOST);
    this.at = 0;
    this.right = 0;
    this.answered = null;
    this.write(true);
  }

  /** Whether there was no question; not while one is being made, or each new figure would begin it again. */
  isEmpty() { return this.questions?.length === 0 && !this.coming; }

  next() {
    if (this.answered === null) return;
    this.at += 1;
    this.answered = null;
    this.write(true);
  }

  answer(index) {
    if (this.answered !== null || this.questions[this.at] === undefined) return; // touched twice, or while a round begins
    this.answered = index;
    if (index === this.questions[this.at].right) this.right += 1;
    this.write(false);
    find("quiz-next").focus({ preventScroll: true });
    this.reading?.();
  }

  /** Another language: the same questions in its words, where they are still there. */
  renew() {
    const before = this.questions?.map(({ id }) => id) ?? [], found = listQuestions(this.words.content);
    this.questions = before.map((id) => found.find((question) => question.id === id)).filter(Boolean);
    if (this.questions.length !== before.length || before.length === 0) this.begin();
    else this.write(false);
  }

  write(focus) {
    const { words, questions, at } = this, question = questions[at], options = find("quiz-options"), result = find("quiz-result");
    const over = question === undefined;
    find("quiz-next").hidden = over || this.answered === null;
    find("quiz-again").hidden = !(over && questions.length > 0);
    if (over) {
      say(find("quiz-step"), "");
      say(find("quiz-ask"), questions.length === 0 ? words.say("kiosk.no_question") : words.say("quiz.end"));
      fill(result, questions.length === 0 ? null : make("p", { class: "say", text: words.say("quiz.score", { count: this.right, all: questions.length }) }));
      fill(options);
    } else {
      say(find("quiz-step"), words.say("quiz.ask", { count: at + 1, all: questions.length }));
      say(find("quiz-ask"), question.question);
      fill(result, ...(this.answered === null ? [] : this.outcome(question)));
      fill(options, ...question.options.map((text, i) => {
        const state = this.answered === null ? "open" : i === question.right ? "right" : i === this.answered ? "wrong" : "rest";
        const button = make("button", { type: "button", class: "answer", "data-state": state, disabled: this.answered !== null, text });
        button.addEventListener("click", () => this.answer(i));
        return button;
      }));
    }
    this.draw(over ? null : question.picture);
    if (focus && find("quiz-ask").closest("[hidden]") === null) find("quiz-ask").focus({ preventScroll: true });
    find("quiz-question").scrollTop = 0;
  }

  async draw(name) {
    const place = find("quiz-picture");
    if (place.dataset.of === String(name)) return;
    place.dataset.of = String(name);
    const picture = name === null ? null : await drawing(name);
    if (place.dataset.of !== String(name)) return;
    fill(place, picture);
    this.words.apply(place);
  }

  outcome(question) {
    const { words } = this, right = this.answered === question.right;
    return [
      make("p", { class: "verdict", text: words.say(right ? "quiz.right" : "quiz.wrong") }),
      make("p", { class: "say", text: question.answer }),
      make("small", { text: sourceLine(words, question) }),
    ];
  }
}
