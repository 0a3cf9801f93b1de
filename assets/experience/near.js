/* What is going on where you live: one place at a time, in plain words. */

import { fill, find, make, say } from "./page.js";

const REACH_PX = 40;

export class Near {
  constructor({ words, facts, city, now, reading }) {
    Object.assign(this, { words, facts, city, now, reading });
    this.place = null;
    this.letter = null;
    find("near-other").addEventListener("click", () => this.close());
  }

  async touch(x, y) {
    const { estate } = await this.city.ask("pick", { x, y, reach: REACH_PX });
    const place = this.facts.places?.find(({ name }) => name === estate);
    if (place) this.open(place);
  }

  /** The letters that places begin with, then the places of the chosen one. */
  list() {
    const places = [...(this.facts.places ?? [])].sort((a, b) => a.name.localeCompare(b.name, "en"));
    const letters = [...new Set(places.map(({ name }) => name[0].toUpperCase()))];
    const key = `${letters.join("")} ${this.letter} ${places.length} ${this.words.language}`;
    if (key === this.listed) return;
    this.listed = key;
    fill(find("near-letters"), ...letters.map((letter) => {
      const button = make("button", { type: "button", class: "letter", text: letter, "aria-pressed": String(letter === this.letter), "aria-label": this.words.say("near.letter", { letter }) });
      button.addEventListener("click", () => { this.letter = letter; this.list(); this.city.aim(); find("near-letters").querySelector("[aria-pressed=true]")?.focus(); });
      return button;
    }));
    const chosen = this.letter === null ? [] : places.filter(({ name }) => name[0].toUpperCase() === this.letter);
    fill(find("near-places"), ...chosen.map((place) => {
      const button = make("button", { type: "button", class: "place-button", text: place.name });
      button.addEventListener("click", () => this.open(place));
      return button;
    }));
  }

  open(place) {
    this.place = place;
    find("near-chooser").hidden = true;
    find("near-place").hidden = false;
    this.city.post("chosen", { estate: place.name });
    this.renew();
    this.city.look({ estate: place.name, span_m: 3000 }, 1.4);
    find("place-tiles").scrollTop = 0;
    find("place-name").focus({ preventScroll: true });
    this.reading?.();
  }

  close() {
    this.place = null;
    this.letter = null;
    find("near-chooser").hidden = false;
    find("near-place").hidden = true;
    this.city.post("chosen", {});
    this.list();
    this.city.look({ margin: 0.08 });
  }

  renew() {
    this.list();
    if (this.place === null) return;
    const { words } = this, estate = this.facts.estates?.find(({ id }) => id === this.place.id) ?? null;
    say(find("place-name"), words.say("near.place", { place: this.place.name }));
    const tiles = [
      this.tile("bus", "near.buses", this.buses(estate)),
      this.tile("robot", "kinds.robot", [estate === null || estate.robots === null ? words.say("near.robots_unseen") : words.say("near.robots", { count: estate.robots })]),
      this.tile("works", "kiosk.works", this.works(estate)),
      this.tile("air", "kiosk.air", estate?.air ? [words.say(`near.air.${estate.air.replace(" ", "_")}`), words.say("near.air_why")] : [words.say("near.air_unseen")]),
      this.tile("fixed", "kiosk.fixed", this.fixed(estate)),
    ];
    const key = tiles.map((tile) => tile.textContent).join("|");
    if (key === this.key) return;
    this.key = key;
    fill(find("place-tiles"), ...tiles, make("p", { class: "note", text: words.say("near.nobody") }));
  }

  tile(name, title, lines) {
    return make("div", { class: `tile-fact ${name}` }, make("h3", { text: this.words.say(title) }), ...lines.map((line) => make("p", { text: line })));
  }

  buses(estate) {
    const { words } = this;
    if (estate === null || estate.buses === null) return [words.say("near.buses_unseen")];
    const now = this.now(), next = estate.buses.filter(({ at }) => now === null || at > now - 60000);
    if (next.length === 0) return [words.say("near.buses_none")];
    const times = next.map(({ route, to, at }) => words.say(to ? "near.bus_to" : "near.bus", { route, place: to ?? "", moment: new Date(at) }));
    return [...times, words.say("near.buses_why")];
  }

  works(estate) {
    const { words } = this;
    if (estate === null || estate.roadworks === null) return [words.say("near.roadworks_unseen")];
    const lines = estate.roadworks.filter(({ road }) => road !== null).slice(0, 2).map(({ road, until }) => (until === null ? words.say("near.road_open", { road }) : words.say("near.road", { road, until: words.day(until) })));
    return [words.say("near.roadworks", { count: estate.roadworks.length }), ...lines];
  }

  fixed(estate) {
    const { words } = this, fixed = estate?.requests_fixed_week;
    if (!fixed || fixed.words === "unknown") return [words.say("near.fixed_unseen")];
    const week = { first: words.day(fixed.first), last: words.day(fixed.last) };
    return [fixed.words === "count" ? words.say("near.fixed", { ...week, count: fixed.count }) : words.say("near.fixed_few", week), words.say("near.fixed_why")];
  }
}
