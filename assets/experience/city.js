/* The page's side of the picture: hands the canvases to the worker, tells it what part of the screen is free, asks what was touched. */

import { fetchJson } from "./words.js";

const LAND = ["--land-1", "--land-2", "--land-3", "--land-4", "--land-5"];
const COLOURS = ["paper", "seam", "road", "kerb", "redway", "water", "island", "ink", "ink-soft", "rim", "chosen", "tail", "haze", "ring", "wave",
  "robot", "lid", "flag", "dark", "edge-line", "shuttle", "roof", "glass", "bus", "drone", "blur", "scooter", "mast", "shadow"];

export class City {
  constructor({ onText, onState, onClock, onFrame }) {
    this.worker = new Worker(new URL("./city_worker.js", import.meta.url));
    this.asked = new Map();
    this.number = 0;
    this.view = 0;
    this.aimAt = { cover: true };
    this.free = null;
    this.counts = {};
    this.seq = null;
    const heard = {
      text: ({ message }) => onText(message),
      channel: ({ state }) => onState(state),
      clock: (message) => onClock(message),
      frame: (message) => { this.counts = message.counts; this.seq = message.seq; onFrame(message); },
      drawn: () => document.documentElement.setAttribute("data-drawn", "true"),
    };
    this.worker.onmessage = ({ data }) => {
      if (data.id !== undefined && this.asked.has(data.id)) { this.asked.get(data.id)(data); this.asked.delete(data.id); return; }
      heard[data.type]?.(data);
    };
    const [ground, life] = ["ground", "life"].map((id) => document.getElementById(id).transferControlToOffscreen());
    this.worker.postMessage({ type: "canvas", ground, life, font: "/assets/fonts/inter-latin-wght-normal.woff2" }, [ground, life]);
    this.recolour();
    this.loadBase();
    addEventListener("resize", () => this.aim());
    document.addEventListener("visibilitychange", () => { this.aim(); this.post("nudge"); });
    for (const name of ["online", "pageshow"]) addEventListener(name, () => this.post("nudge"));
  }

  /** The ground is asked for until it is there: without it the picture has only what moves. */
  loadBase(wait = 1000) {
    fetchJson("/city/basemap.json").then((basemap) => this.post("base", { basemap }), () => setTimeout(() => this.loadBase(Math.min(wait * 2, 30000)), wait));
  }

  post(type, more = {}) { this.worker.postMessage({ type, ...more }); }

  ask(type, more = {}) {
    this.number += 1;
    const id = this.number;
    return new Promise((resolve) => { this.asked.set(id, resolve); this.post(type, { id, ...more }); });
  }

  start(options) { this.post("start", options); }

  recolour() {
    const style = getComputedStyle(document.documentElement), read = (name) => style.getPropertyValue(name).trim();
    const palette = Object.fromEntries(COLOURS.map((name) => [name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()), read(`--${name}`)]));
    this.post("palette", { palette: { ...palette, land: LAND.map(read), trees: [read("--tree-1"), read("--tree-2")] } });
  }

  /** Where the picture looks: the grid with a {margin}, {cover}: filling all, {estate}, or {x, y}, with span_m; and how large things are. */
  look(aimAt, grow = 1) {
    this.aimAt = aimAt;
    this.grow = grow;
    this.aim();
  }

  aim() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize), { innerWidth: width, innerHeight: height } = window;
    // More than 2.6 million pixels are more than this picture needs; a 4K display is drawn at half of them and scaled.
    const dpr = Math.min(devicePixelRatio, Math.max(0.5, Math.sqrt(2600000 / (width * height))));
    const free = this.findFree(width, height);
    this.view += 1;
    this.post("view", { view: { id: this.view, width, height, dpr, rem, free, focus: this.aimAt, grow: this.grow ?? 1, visible: document.visibilityState === "visible" } });
  }

  /** The part of the screen that nothing covers: what `measure` says, else all of it. */
  findFree(width, height) {
    return this.measure?.() ?? { x: 0, y: 0, w: width, h: height };
  }
}
