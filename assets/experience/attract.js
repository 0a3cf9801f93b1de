/* The opening: one true sentence after another over the living city. On the big display also a board of figures. */

import { fill, find, make, say } from "./page.js";
import { honest, isTold, sourceLine } from "./stories.js";

const EACH_MS = 9000, FADE_MS = 700;
const BOARD = ["robots_out", "deliveries_today", "carbon_saved_today_kg", "buses_running", "shuttles_running", "drones_flying", "masts_up", "requests_fixed_week"];
const BOARD_MOST = 4;

export class Attract {
  constructor({ words, facts, isStill, canPause }) {
    Object.assign(this, { words, facts, isStill, canPause });
    this.sentence = find("sentence");
    this.source = find("sentence-source");
    this.key = null;
    this.shownAt = -Infinity;
    setInterval(() => this.turn(), 500);
  }

  /** Sentences of the chosen language; the large ones are meant to stand alone. */
  list() {
    // What the whole screen is (made up, recorded) stands at its head on every screen; here it would only come round again.
    const all = (this.facts.sentences?.[this.words.language] ?? []).filter(({ key }) => !key.startsWith("label."));
    const large = all.filter((sentence) => sentence.large);
    return large.length > 0 ? large : all;
  }

  turn() {
    if (!this.words.areHere || find("title-attract").closest("[hidden]") !== null) return;
    const sentences = this.list();
    if (sentences.length === 0) {
      this.show({ key: "", text: this.words.say(this.facts.city ? "attract.title" : "title"), source: null, as_of: null }, 0, 0);
      return;
    }
    const at = sentences.findIndex((sentence) => sentence.key === this.key);
    // A sentence whose figure changed is corrected where it stands; where somebody can stop movement, a still screen does not turn its pages either.
    if (at >= 0 && (performance.now() - this.shownAt < EACH_MS || (this.isStill() && this.canPause))) {
      if (sentences[at].text !== this.text) this.write(sentences[at]);
      return;
    }
    const next = (at + 1) % sentences.length;
    this.show(sentences[next], next, sentences.length);
  }

  show(sentence, at, many) {
    if (sentence.key === this.key && sentence.text === this.text) return;
    this.key = sentence.key;
    this.shownAt = performance.now();
    const dots = find("dots");
    if (dots.childElementCount !== many) fill(dots, ...Array.from({ length: many > 1 ? many : 0 }, () => make("i")));
    [...dots.children].forEach((dot, i) => dot.classList.toggle("here", i === at));
    const story = this.sentence.closest(".story");
    if (this.isStill() || this.text === undefined) { this.write(sentence); return; }
    story.classList.add("fading");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.write(sentence); story.classList.remove("fading"); }, FADE_MS / 2);
  }

  write(sentence) {
    const { words } = this;
    this.text = sentence.text;
    say(this.sentence, sentence.text);
    this.sentence.dataset.long = String(sentence.text.length > 68);
    say(this.source, sourceLine(words, sentence));
  }

  /** The board of the big display: the first figures that are known, each with what it counts. */
  board() {
    const board = find("board"), figures = this.facts.figures;
    if (board === null) return;
    const known = BOARD.filter((name) => isTold(figures?.[name]) && this.words.has(`figure.${name}`)).slice(0, BOARD_MOST);
    fill(board, ...known.map((name) => {
      const { value } = figures[name], { words } = this;
      return make("li", {}, make("b", { text: words.count(value) }), make("span", { text: words.say(`figure.${name}`, { count: value }) }), make("small", { text: sourceLine(words, honest(figures[name], this.facts.city?.simulated)) }));
    }));
  }
}
