/* A public screen: what is shown when, and how what comes from the city reaches it. Contract: docs/experience-protocol.md. */

import { Attract } from "./attract.js";
import { City } from "./city.js";
import { Explore } from "./explore.js";
import { guard } from "./guard.js";
import { How } from "./how.js";
import { Idle } from "./idle.js";
import { Near } from "./near.js";
import { Options } from "./options.js";
import { find, say } from "./page.js";
import { Quiz } from "./quiz.js";
import { Words } from "./words.js";

const PAINTED_EVERY_MS = 10000;
const root = document.documentElement, kiosk = root.dataset.exhibit === "kiosk";
const asked = new URLSearchParams(location.search);
/** A number of the address, for exhibitions of another pace (and for tests); within bounds, so that no address locks a screen. */
const seconds = (name, usual, least, most) => Math.min(most, Math.max(least, Number(asked.get(name)) || usual));

const facts = {};
const words = new Words(root.dataset.languages.split(" ").map((pair) => pair.split("=")));
const first = words.languages.some(([code]) => code === asked.get("language")) ? asked.get("language") : words.languages[0][0];
let clock = null, channel = "late", screen = "attract", options = null, idle = null, isOld = false;
const parts = {};
const counters = { facts: 0, frames: 0, resets: 0, touches: 0, touch_ms: 0, worst_touch_ms: 0 };

const now = () => (clock === null ? null : clock.now + (performance.timeOrigin + performance.now() - clock.at));
const isStill = () => options?.state.still ?? matchMedia("(prefers-reduced-motion: reduce)").matches;

const city = new City({
  onText: (message) => { if (message.type === "facts") learn(message); },
  onState: (state) => { channel = state; root.dataset.channel = state; notice(); },
  onClock: (message) => {
    // Another run of the server may have other pages; whoever stands before this one is not thrown out for it.
    if (clock !== null && message.epoch !== clock.epoch) findNewer();
    clock = message;
  },
  onFrame: () => { counters.frames += 1; parts.explore?.count(); },
});

function learn({ name, content }) {
  if (typeof name !== "string") return;
  facts[name] = content;
  counters.facts += 1;
  if (name === "city" && content?.zone) words.zone = content.zone;
  if (name === "masts") city.post("masts", { masts: (content ?? []).map(({ x, y, state }) => ({ x, y, up: state !== "unknown" })) });
  if (words.areHere) renew(name); else notice();
}

/** Writes anew what depends on a fact; everything where no name is given. */
function renew(name = null) {
  const is = (...names) => name === null || names.includes(name);
  if (is("city", "recording")) notice();
  if (is("figures", "city")) parts.attract?.board();
  if (is("sentences", "city") && screen === "attract") parts.attract?.turn();
  if (!kiosk) return;
  if (screen === "explore" && is("things", "masts", "figures", "places", "city")) parts.explore.renew();
  if (screen === "near" && is("places", "estates", "city")) parts.near.renew();
  if (screen === "how" && is("things", "masts", "city")) parts.how.renew();
  if (screen === "quiz" && name === null) parts.quiz.renew();
  if (screen === "quiz" && parts.quiz.isEmpty() && is("figures")) parts.quiz.begin();
}

/** What a visitor must know of the picture as a whole: made up, recorded, or standing still. */
function notice() {
  const { recording } = facts;
  find("sandbox").hidden = !facts.city?.simulated;
  root.dataset.sight = channel === "lost" ? "lost" : recording?.recorded ? "recorded" : facts.city === undefined ? "waiting" : "now";
  if (!words.areHere) return; // `speak` comes back to it
  const bar = find("notice");
  const text = channel === "lost" ? words.say(facts.city ? "kiosk.lost" : "kiosk.story")
    : recording?.recorded ? `${words.say("label.recording", { first: new Date(recording.first), last: new Date(recording.last) })}. ${words.say("label.recording_why")}`
    : facts.city?.mode === "replay" ? words.say("label.replay", { moment: new Date(facts.city.moment) })
    : facts.city === undefined ? words.say("label.waiting") : "";
  bar.hidden = text === "";
  say(bar, text);
  const hint = find("attract-hint");
  if (hint !== null) hint.dataset.words = facts.city?.simulated ? "attract.hint_sandbox" : "attract.hint";
  if (hint !== null && words.has(hint.dataset.words)) say(hint, words.say(hint.dataset.words));
  if (hint !== null) hint.hidden = root.dataset.sight !== "now"; // "right now" of what is not would be no truth
}

// Screens

const AIMS = { attract: [{ cover: true }, 1.3], explore: [{}, 1.1], near: [{ margin: 0.08 }, 1], how: null, quiz: null, privacy: null };

function go(name, focus = true) {
  // Other screens would have nothing to say yet; the opening, as it was sent, can stand without texts.
  if (!(name in AIMS) || !words.areHere) return;
  const before = screen;
  screen = name;
  root.dataset.screen = name;
  for (const section of document.querySelectorAll("[data-screen].screen")) section.hidden = section.dataset.screen !== name;
  for (const button of document.querySelectorAll("[data-go]")) {
    if (button.dataset.go === name) button.setAttribute("aria-current", "page"); else button.removeAttribute("aria-current");
  }
  if (before === "explore" || name === "explore") parts.explore?.close();
  if (before === "near" || name === "near") parts.near?.close();
  if (name === "near") parts.near.list();
  if (AIMS[name] !== null) city.look(...AIMS[name]);
  if (name === "attract") parts.attract?.turn();
  if (name === "explore") parts.explore.count();
  if (name === "how") parts.how.open(parts.how.wanted ?? "robot");
  if (name === "quiz") parts.quiz.begin();
  if (parts.how) parts.how.wanted = null;
  if (focus) document.querySelector(`.screen-${name} h1, .screen-${name} h2`)?.focus({ preventScroll: true });
  options?.moved();
}

async function speak(language) {
  try { await words.use(language); } catch (error) { console.info("texts:", error.message); return false; }
  root.lang = language;
  words.apply(document);
  options?.write();
  document.title = `${facts.city?.title ?? document.title.split(":")[0]}: ${words.say("title")}`;
  if (parts.attract) { parts.attract.text = undefined; parts.attract.turn(); }
  renew();
  return true;
}

/** Loads the page anew where the server has another build of it, as soon as nobody is there. */
async function findNewer() {
  try {
    const page = await (await fetch(location.pathname, { cache: "no-store" })).text();
    isOld = page.includes("data-build=") && !page.includes(`data-build="${root.dataset.build}"`);
  } catch { return; }
  if (isOld && screen === "attract") location.reload();
}

function reset() {
  counters.resets += 1;
  if (isOld) { location.reload(); return; }
  options.reset();
  city.post("calm", { on: isStill() });
  city.recolour();
  if (words.language !== first) speak(first);
  go("attract", false);
  document.activeElement?.blur?.();
}

/** What is not covered, for the picture to use: above the cards in portrait, beside them in landscape. */
function measureFree() {
  const width = innerWidth, height = innerHeight;
  if (!kiosk || screen === "attract") {
    // The words stand above the city, or beside it; it runs under the buttons and off the edges.
    return width > height ? { x: width * 0.4, y: height * 0.06, w: width * 0.6, h: height * 0.84 } : { x: 0, y: height * 0.3, w: width, h: height * 0.56 };
  }
  const top = document.querySelector(".top").getBoundingClientRect().bottom, foot = document.querySelector(".foot").getBoundingClientRect().top;
  const card = [...document.querySelectorAll(".screen:not([hidden]) .card, .screen:not([hidden]) .kinds, .screen:not([hidden]) .intro")].map((found) => found.getBoundingClientRect()).filter(({ height: h }) => h > 0);
  if (width > height) {
    const left = Math.max(0, ...card.map((box) => (box.left < width / 3 ? box.right : 0))), right = Math.min(width, ...card.map((box) => (box.left >= width / 3 ? box.left : width)));
    return { x: left, y: top, w: Math.max(200, right - left), h: Math.max(200, foot - top) };
  }
  const bottom = Math.min(foot, ...card.map((box) => box.top));
  return { x: 0, y: top, w: width, h: Math.max(200, bottom - top) };
}

function startKiosk() {
  options = new Options({
    words,
    onChange: async (name, value) => {
      if (name === "language") await speak(value);
      if (name === "contrast") city.recolour();
      if (name === "motion") city.post("calm", { on: isStill() });
      if (name === "text" || name === "reach") city.aim();
    },
  });
  const reading = () => options.moved();
  parts.explore = new Explore({ words, facts, city, reading, onHow: (kind) => { parts.how.wanted = kind; go("how"); } });
  parts.near = new Near({ words, facts, city, now, reading });
  parts.how = new How({ words, facts, reading });
  parts.quiz = new Quiz({ words, reading });
  for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => go(button.dataset.go));
  find("city").addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return;
    if (screen === "attract") { event.preventDefault(); go("explore"); }
    else if (screen === "explore") parts.explore.touch(event.clientX, event.clientY);
    else if (screen === "near") parts.near.touch(event.clientX, event.clientY);
  });
  document.querySelector(".screen-attract .story").addEventListener("click", () => go("explore"));
  guard(() => { if (find("idle").open) idle.stay(); go("attract"); });
  idle = new Idle({
    after_s: seconds("idle", 45, 1, 600), answer_s: seconds("answer", 15, 1, 60), words, onLeave: reset, isListening: () => options.state.speaking,
    isResting: () => screen === "attract" && words.language === first && !Object.values({ ...options.state, still: options.state.still !== options.system }).some(Boolean),
  });
  addEventListener("pointerdown", (event) => answered(event.timeStamp), { capture: true, passive: true });
  city.measure = measureFree;
  city.post("calm", { on: isStill() });
}

/** From the finger to the next picture of the page: what a visitor feels. */
function answered(from) {
  requestAnimationFrame(() => setTimeout(() => {
    counters.touches += 1;
    counters.touch_ms = performance.now() - from;
    counters.worst_touch_ms = Math.max(counters.worst_touch_ms, counters.touch_ms);
  }));
}

async function begin() {
  root.dataset.screen = "attract";
  if (kiosk) startKiosk();
  else {
    root.dataset.motion = isStill() ? "still" : "full";
    city.measure = measureFree;
    city.post("calm", { on: isStill() });
    guard(() => {});
  }
  parts.attract = new Attract({ words, facts, isStill, canPause: kiosk });
  city.look(...AIMS.attract);
  const display = asked.get("display");
  city.start({
    screen: kiosk ? "experience" : "experience-display", topics: ["map", "facts"], build: root.dataset.build, address: location.pathname,
    ...(display !== null && /^[A-Za-z0-9_-]{4,64}$/.test(display) ? { display } : {}),
  });
  // Without texts the page as it was sent stays, and they are asked for until they come.
  for (let wait = 500; !(await speak(first)); wait = Math.min(wait * 2, 20000)) await new Promise((resolve) => { setTimeout(resolve, wait); });
  setInterval(() => { if (document.visibilityState === "visible") city.post("painted"); }, PAINTED_EVERY_MS);
}

begin();

window.experience = {
  debug: async () => ({ ...counters, screen, channel, language: words.language, facts: Object.keys(facts), idle: idle?.askedAt !== null && idle !== null, worker: await city.ask("debug") }),
  state: () => ({ ...counters, screen, channel, language: words.language, sight: root.dataset.sight, facts: Object.keys(facts).sort() }),
};
