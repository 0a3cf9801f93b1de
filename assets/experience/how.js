/* How it works: one explained picture at a time, a step at a time, moved by what is really going on. */

import { drawing, fill, find, say } from "./page.js";
import { BATTERY, listSteps, pictureOf } from "./stories.js";

const FIRST = "robot";

export class How {
  constructor({ words, facts, reading }) {
    Object.assign(this, { words, facts, reading });
    this.kind = FIRST;
    this.step = 0;
    for (const button of document.querySelectorAll("[data-how]")) button.addEventListener("click", () => this.open(button.dataset.how));
    find("how-next").addEventListener("click", () => this.turn(1));
    find("how-back").addEventListener("click", () => this.turn(-1));
  }

  open(kind) {
    this.kind = kind;
    this.step = 0;
    this.renew(true);
  }

  turn(by) {
    const many = this.steps().length;
    this.step = many === 0 ? 0 : (this.step + by + many) % many;
    this.renew(true);
  }

  steps() {
    const steps = listSteps(this.words.content, this.kind);
    return steps.length > 0 ? steps : [{ text: this.words.say(`what.${this.kind}`), part: null }];
  }

  async renew(touched = false) {
    const { words, kind } = this, steps = this.steps(), step = steps[Math.min(this.step, steps.length - 1)];
    for (const button of document.querySelectorAll("[data-how]")) button.setAttribute("aria-pressed", String(button.dataset.how === kind));
    say(find("how-name"), words.say(`how.${kind}`));
    say(find("how-text"), step.text);
    say(find("how-step"), words.say("how.step", { count: this.step + 1, all: steps.length }));
    const sight = this.facts.city?.sees?.[kind]?.sight === "seen" && this.facts.recording?.recorded !== true;
    say(find("how-live"), words.say(!sight ? "how.resting" : this.facts.city.simulated ? "how.moving_sandbox" : "how.moving"));
    for (const id of ["how-next", "how-back"]) find(id).disabled = steps.length < 2;
    const name = pictureOf(words.content, kind), place = find("how-picture");
    if (place.dataset.of !== name) {
      place.dataset.of = name;
      const picture = await drawing(name) ?? await drawing(kind);
      if (place.dataset.of !== name) return;
      fill(place, picture);
      words.apply(place);
    }
    this.move(place.querySelector("svg"), step, sight);
    if (touched) { find("how-caption").scrollTop = 0; this.reading?.(); }
  }

  /** Sets the parts of the picture by what is going on, and marks the part that the step speaks of. */
  move(svg, step, sight) {
    if (svg === null) return;
    svg.classList.toggle("resting", !sight);
    for (const found of svg.querySelectorAll(".spoken-of")) found.classList.remove("spoken-of");
    if (step.part && /^[\w-]+$/.test(step.part)) svg.querySelector(`.${step.part}`)?.classList.add("spoken-of");
    const { masts } = this.facts;
    svg.style.setProperty("--battery", String(BATTERY[this.usual("battery")] ?? 0));
    svg.style.setProperty("--busy", String(masts?.length ? masts.filter(({ state }) => state === "busy").length / masts.length : 0));
    svg.dataset.doing = this.usual("doing") ?? "unknown";
  }

  /** What most things of this kind do now, or how full most of their batteries are. */
  usual(column) {
    const { things } = this.facts, counted = {};
    things?.kind.forEach((kind, i) => { if (kind === this.kind && things[column][i] !== "unknown") counted[things[column][i]] = (counted[things[column][i]] ?? 0) + 1; });
    return Object.keys(counted).sort((a, b) => counted[b] - counted[a])[0] ?? null;
  }
}
