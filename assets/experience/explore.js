/* Touch something that moves: what it is, what it is doing now, what it is for, what its kind has done. */

import { drawing, fill, find, make, say } from "./page.js";
import { BATTERY, figureLine, findStory, honest, listPublished } from "./stories.js";

const REACH_PX = 70;
const NEAR_M = 2600;

export class Explore {
  constructor({ words, facts, city, onHow, reading }) {
    Object.assign(this, { words, facts, city, reading });
    this.thing = null;
    this.turns = {};
    for (const button of document.querySelectorAll("[data-kind]")) button.addEventListener("click", () => this.pickKind(button.dataset.kind));
    find("thing-again").addEventListener("click", () => this.pickKind(this.thing?.kind ?? "robot"));
    find("thing-how").addEventListener("click", () => onHow(this.thing?.kind ?? "robot"));
    find("thing-close").addEventListener("click", () => this.close());
  }

  async touch(x, y) {
    const { found } = await this.city.ask("pick", { x, y, reach: REACH_PX });
    const first = found.find((thing) => thing.kind !== "scooter") ?? found[0];
    if (first !== undefined) this.open(first, false);
  }

  /** One of a kind, another each time: for those who would rather not hunt it on the map. */
  async pickKind(kind) {
    const { found } = await this.city.ask("list", { kind });
    if (found.length === 0) { this.nothing(kind); return; }
    const busy = found.filter((thing) => thing.state === "working"), choice = busy.length > 0 ? busy : found;
    this.turns[kind] = (this.turns[kind] ?? 0) + 1;
    this.open(choice[(this.turns[kind] * 7) % choice.length], true);
  }

  nothing(kind) {
    this.thing = { kind, slot: -1 };
    this.city.post("chosen", {});
    const seen = this.facts.city?.sees?.[kind]?.sight;
    this.write(this.words.say(`kind.${kind}`), [make("p", { class: "say", text: this.words.say(seen === "seen" ? "explore.none" : `unseen.${kind}`) })]);
  }

  open(thing, closer) {
    this.thing = { ...thing, name: this.row(thing)?.name ?? null };
    this.city.post("chosen", thing.kind === "mast" ? { mast: thing.slot } : { slot: thing.slot });
    this.renew(true);
    // After the card stands: the picture looks at what the card leaves free.
    if (closer || this.isNear) {
      this.isNear = true;
      this.city.look({ x: thing.x, y: thing.y, span_m: NEAR_M }, 1.45);
    } else this.city.aim();
  }

  close() {
    this.thing = null;
    this.isNear = false;
    find("thing").hidden = true;
    find("explore-intro").hidden = false;
    this.city.post("chosen", {});
    this.whole();
    this.press(null);
  }

  whole() { this.city.look({}, 1.1); }

  /** What is known of a thing: its column of the facts, by the slot that it has in the frames. */
  row({ kind, slot }) {
    const { things, masts } = this.facts;
    if (kind === "mast") return masts?.[slot] ?? null;
    const at = things?.slot.indexOf(slot) ?? -1;
    if (at < 0 || things.kind[at] !== kind) return null;
    return { name: things.name[at], doing: things.doing[at], battery: things.battery[at], route: things.route[at], estate: things.estate[at] };
  }

  press(kind) {
    for (const button of document.querySelectorAll("[data-kind]")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
  }

  renew(fresh = false) {
    this.count();
    if (this.thing === null || this.thing.slot < 0) return;
    const { words, thing } = this, { kind } = thing, row = this.row(thing);
    // The slot may have gone to another thing meanwhile; a name is for one thing and one day.
    const gone = row === null ? !(fresh && this.facts.things === undefined) : thing.name !== null && row.name !== thing.name;
    if (gone) {
      this.city.post("chosen", {});
      this.write(words.say(`kind.${kind}`), [make("p", { class: "say", text: words.say("explore.gone") })]);
      thing.slot = -1;
      return;
    }
    if (thing.name === null) thing.name = row?.name ?? null;
    const doing = kind === "mast" ? row?.state : row?.doing;
    const lines = [make("p", { class: "say", text: words.say(`doing.${kind}.${doing ?? "unknown"}`) })];
    const small = [];
    const place = this.placeName(row?.estate);
    if (row?.route) small.push(words.say("explore.route", { route: row.route }));
    if (place !== null && kind !== "drone") small.push(words.say("explore.where", { place }));
    if (row?.battery && row.battery !== "unknown") small.push(words.say(`battery.${row.battery}`));
    if (kind === "drone") small.push(words.say("explore.drone_late"));
    if (kind === "mast") small.push(words.say("explore.mast_near"));
    if (small.length > 0) lines.push(make("p", { class: "small", text: small.join(" ") }));
    lines.push(make("h3", { text: words.say("explore.why") }), make("p", { text: this.purpose(kind) }));
    const done = this.done(kind);
    if (done.length > 0) lines.push(make("h3", { text: words.say("explore.done") }), ...done);
    const name = row?.name ? make("small", { text: words.say("explore.name", { name: row.name }) }) : null;
    this.write(words.say(`kind.${kind}`), lines, name);
  }

  /** The drawing does what the touched thing does. */
  move(svg) {
    if (svg === null || this.thing === null) return;
    const row = this.thing.slot < 0 ? null : this.row(this.thing);
    svg.classList.toggle("resting", row === null || this.facts.recording?.recorded === true);
    svg.dataset.doing = row?.doing ?? "unknown";
    svg.style.setProperty("--battery", String(BATTERY[row?.battery] ?? 0));
    svg.style.setProperty("--busy", row?.state === "busy" ? "1" : "0");
  }

  purpose(kind) { return findStory(this.words.content, kind)?.short ?? this.words.say(`what.${kind}`); }

  /** What its kind has done: counted today, and what the council has published, with source and year. */
  done(kind) {
    const { words } = this, today = { robot: "deliveries_today", bus: "bus_trips_today", mast: "masts_up" }[kind];
    const counted = today ? figureLine(words, today, this.figure(today)) : null;
    return [counted, ...listPublished(words, findStory(words.content, kind))].filter(Boolean);
  }

  /** A figure, whose source in a made-up city is no live city. */
  figure(name) {
    const figure = this.facts.figures?.[name];
    return figure ? honest(figure, this.facts.city?.simulated) : figure;
  }

  placeName(id) { return id ? this.facts.places?.find((place) => place.id === id)?.name ?? null : null; }

  /** How many of each are in sight, beside its button. */
  count() {
    if (!this.words.areHere) return;
    for (const tag of document.querySelectorAll("[data-many]")) {
      const kind = tag.dataset.many, many = kind === "mast" ? this.facts.masts?.length ?? 0 : this.city.counts[kind] ?? 0;
      say(tag, many > 0 ? this.words.count(many) : "");
    }
  }

  async write(title, lines, name = null) {
    const { kind } = this.thing;
    find("explore-intro").hidden = true;
    const card = find("thing"), wasHidden = card.hidden;
    card.hidden = false;
    card.dataset.of = kind;
    const key = lines.map((line) => line.textContent).join("|") + (name?.textContent ?? "");
    if (key !== this.key || wasHidden) {
      this.key = key;
      const heading = find("thing-name");
      fill(heading, make("span", { text: title }), name);
      fill(find("thing-text"), ...lines);
      if (wasHidden) find("thing-facts").scrollTop = 0;
      this.reading?.();
    }
    find("thing-how").hidden = document.querySelector(`[data-how="${kind}"]`) === null;
    this.press(kind);
    const place = find("thing-picture");
    if (place.dataset.of !== kind) {
      place.dataset.of = kind;
      fill(place);
      const picture = await drawing(kind);
      if (place.dataset.of === kind && picture !== null) {
        picture.setAttribute("preserveAspectRatio", "xMidYMid slice");
        fill(place, picture);
        this.words.apply(place);
      }
    }
    this.move(place.querySelector("svg"));
  }
}
