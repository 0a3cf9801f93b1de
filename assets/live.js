/* The page's side of the live channel: cards, panels, ages, clock, and whether to believe any of it.
 *
 * The socket, the decoding and the drawing live in a worker (assets/worker). What is left here is a few
 * texts a second, written only where they change. One timer, on the second of the server's clock.
 * Contract with server, worker and map: docs/live-protocol.md.
 */
(() => {
  "use strict";

  const PAINTED_EVERY_S = 10;
  // Which version of the pages this one is; where the page does not say, which state of this script it was loaded with.
  const BUILD = document.documentElement.dataset.build || new URL(document.currentScript?.src || "/", window.location.href).searchParams.get("m");
  const AHEAD_S = 60; // a moment further in the future than clocks differ is not an age
  const DASH = "—";

  let worker = null, place = null, clock = null, channel = { state: "late", heard: now() };
  let followed = null, seconds = 0, newest = null, ageTimer = 0;
  const counters = { frames: 0, keys: 0, panels: 0, layers: 0, cards: 0, seq: null, moved: 0, ticks: 0, workers: 0 };
  const formats = new Map();

  /** Milliseconds that worker and page share; monotonic, not the wall clock. */
  function now() { return performance.timeOrigin + performance.now(); }

  /** The server's clock in ms; null before the first word of it. In a still it stands. */
  function serverNow() { return clock === null ? null : clock.now + (now() - clock.at) * clock.rate; }

  const byId = (id) => document.getElementById(id);

  function write(element, text) {
    if (element !== null && element.textContent !== text) element.textContent = text;
  }

  function mark(element, name, value) {
    if (value === null) { if (element.hasAttribute(name)) element.removeAttribute(name); }
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  // Ages

  /** "12 s", "3 min", "20.6 h", "3 d": one number, one unit, at most four figures. */
  function ageText(s) {
    if (s < 100) return `${Math.max(0, Math.floor(s))} s`;
    if (s < 6000) return `${Math.floor(s / 60)} min`;
    if (s < 360000) return `${(Math.floor(s / 360) / 10).toString()} h`;
    return `${Math.floor(s / 86400)} d`;
  }

  /** Writes one age; returns it in seconds, or null when it is unknown. */
  function writeAge(element, at) {
    const since = element.dataset.since;
    const age = since === "" || since === undefined ? NaN : (at - Number(since)) / 1000;
    if (!Number.isFinite(age) || age < -AHEAD_S) {
      write(element, Number.isFinite(age) ? "ahead of time" : DASH);
      mark(element, "data-age-state", "unknown");
      return null;
    }
    const { ageingS, staleS } = element.dataset;
    const limit = (text) => (text === undefined || text === "" ? Infinity : Number(text));
    write(element, ageText(age));
    mark(element, "data-age-state", age > limit(staleS) ? "stale" : age > limit(ageingS) ? "ageing" : "fresh");
    return Math.max(0, age);
  }

  /** Ages in one panel that has just changed. */
  function writeAges(element) {
    const at = serverNow();
    if (at !== null) for (const age of element.querySelectorAll("[data-since]")) writeAge(age, at);
  }

  function writeAllAges() {
    const at = serverNow();
    if (at === null) return;
    let worst = null, source = null;
    for (const element of document.querySelectorAll("[data-since]")) {
      const age = writeAge(element, at);
      if (element.dataset.worst !== undefined && age !== null && (worst === null || age > worst)) [worst, source] = [age, element];
    }
    const target = byId("worst-age");
    if (target === null) return;
    // Without a feed panel on the screen, the map's newest row stands for all.
    if (worst === null && newest !== null) worst = Math.max(0, (at - newest) / 1000);
    write(target, worst === null ? DASH : ageText(worst));
    mark(target, "data-age-state", source === null ? null : source.getAttribute("data-age-state"));
  }

  // Clock

  function format(zone, kind) {
    const key = `${kind} ${zone}`;
    if (!formats.has(key)) {
      const fields = kind === "date"
        ? { weekday: "short", day: "numeric", month: "long", year: "numeric" }
        : { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
      formats.set(key, new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: zone }));
    }
    return formats.get(key);
  }

  function zone() { return byId("clock")?.dataset.tz || "Europe/London"; }

  function writeClock() {
    const at = serverNow();
    if (at === null) return;
    for (const [id, kind, moment] of [
      ["clock", "time", at],
      ["clock-date", "date", at],
      ["replay-clock", "time", clock.real === null ? null : clock.real + now() - clock.at],
    ]) {
      const element = byId(id);
      if (element !== null && moment !== null) write(element, format(element.dataset.tz || zone(), kind).format(moment).replace(",", ""));
    }
  }

  // Channel

  function writeChannel() {
    mark(document.body, "data-channel", channel.state);
    const bar = byId("channel-bar");
    if (bar === null) return;
    const lost = channel.state === "lost";
    if (bar.hidden === lost) bar.hidden = !lost;
    if (!lost) { write(bar, ""); return; }
    const silent = Math.floor((now() - channel.heard) / 1000);
    const heardAt = clock === null ? null : clock.now + (channel.heard - clock.at) * clock.rate;
    const from = heardAt === null ? "Nothing has been received yet." : `What you see is from ${format(zone(), "time").format(heardAt)}.`;
    let [shown, spoken] = bar.children;
    if (spoken === undefined) {
      bar.textContent = "";
      shown = bar.appendChild(document.createElement("span"));
      spoken = bar.appendChild(document.createElement("span"));
      shown.setAttribute("aria-hidden", "true"); // or a screen reader would count the seconds aloud
      spoken.className = "unseen";
    }
    write(shown, `No connection for ${silent} s. ${from}`);
    write(spoken, `No connection. ${from}`);
  }

  // Followed vehicle

  const number = (value, decimals, unit) => (value === null || value === undefined ? DASH : `${value.toFixed(decimals)} ${unit}`);
  const words = (value) => (value ? String(value).replaceAll("_", " ") : DASH);

  function writeCard(message) {
    const box = byId("followed");
    followed = message;
    if (box === null) return;
    const none = message === null || message.id === null;
    const card = none ? null : message.card;
    // The label first: it is what people (and the benchmark) look at.
    write(byId("followed-label"), none ? "" : card === null ? `No vehicle '${message.id}' in any feed` : card.label);
    if (box.hidden !== none) box.hidden = none;
    mark(box, "data-missing", card === null ? "1" : null);
    mark(box, "data-type", card?.vehicle_type ?? null);
    mark(box, "data-state", card?.state ?? null);
    const texts = {
      speed: number(card?.speed_kmh, 0, "km/h"),
      battery: number(card?.battery_percent, 0, "%"),
      state: words(card?.state),
      route: card?.route || DASH,
      locality: card?.locality || DASH,
    };
    for (const element of box.querySelectorAll("[data-card]")) {
      const name = element.dataset.card;
      if (name in texts) write(element, texts[name]);
      else if (name === "age") {
        mark(element, "data-since", String(card?.observed_at ?? ""));
        mark(element, "data-ageing-s", card?.ageing_s == null ? null : String(card.ageing_s));
        mark(element, "data-stale-s", card?.stale_s == null ? null : String(card.stale_s));
        const at = serverNow();
        if (at !== null) writeAge(element, at);
      }
    }
    if (window.controlRoomMap && card !== null) window.controlRoomMap.follow(card);
  }

  // Panels

  const FAULT = { type: "P", props: { className: "panel-fault", children: "This panel cannot be shown here; the reason is in the browser's console." } };

  // Panels that hold more than plain html: Dash renders those, at the cost of a walk through the whole layout.
  const byDash = new Set();

  function writePanel(name, children) {
    // A panel of plain data is taken by the script that makes something of it (alarm_desk.js, alarm_call.js).
    if (!document.dispatchEvent(new CustomEvent("controlroom:panel", { detail: { name, children }, cancelable: true }))) return;
    const id = `panel-${name}`, element = byId(id);
    if (element === null) return;
    if (window.controlRoomPanels && !byDash.has(name)) {
      try { window.controlRoomPanels.patch(element, children); writeAges(element); return; }
      catch (error) { byDash.add(name); console.warn(error.message); }
    }
    // A wall's page is served ready (layouts/static_html.py): Dash does not know its panels.
    if (document.getElementById("wall")?.dataset.plan !== undefined) { window.controlRoomPanels?.patch(element, FAULT); return; }
    // It throws for an id that is not in the layout, hence the question above.
    if (window.dash_clientside?.set_props) window.dash_clientside.set_props(id, { children });
    // New age elements are empty until written; Dash has rendered by then.
    clearTimeout(ageTimer);
    ageTimer = setTimeout(() => writeAges(element), 50);
  }

  // What the worker says

  const answers = {
    order: (message) => { document.dispatchEvent(new CustomEvent("controlroom:order", { detail: message })); },
    card: (message) => { counters.cards += 1; writeCard(message); say("card", message); },
    layer: (message) => { counters.layers += 1; say("layer", message); },
    picked: (message) => say("hits", message),
    panel: ({ name, children }) => { counters.panels += 1; writePanel(name, children); },
    channel: (message) => { channel = message; writeChannel(); },
    clock: (message) => {
      const first = clock === null, jumped = !first && (clock.replaying !== message.replaying || clock.rate !== message.rate || Math.abs(message.now - serverNow()) > 2000);
      clock = message;
      if (first) tick();
      // Another moment was chosen: no age and no clock may go on from the one before, not even for a second.
      else if (jumped) { writeClock(); writeAllAges(); }
    },
    moment: (message) => say("moment", message),
    settled: (message) => say("settled", message),
    refused: (message) => say("refused", message),
    passed: (message) => say("passed", message),
    frame: (message) => {
      counters.frames += 1;
      if (message.key) counters.keys += 1;
      counters.seq = message.seq;
      counters.moved = message.moved;
      newest = message.newest;
      say("frame", message);
    },
  };

  /** For the scripts that make something of it: timeline.js. */
  function say(name, detail = null) { document.dispatchEvent(new CustomEvent(`controlroom:${name}`, { detail })); }

  function receive(event) {
    const answer = answers[event.data.type];
    if (answer) answer(event.data);
    else if (event.data.type === "debug") waiting.shift()?.(event.data);
    else if (event.data.type === "picture") pictured.shift()?.(event.data.blob);
    else if (window.controlRoomMap) window.controlRoomMap.receive(event.data);
  }

  function post(message, transfer = []) { if (worker !== null) worker.postMessage(message, transfer); }

  /** At most 256 characters, and whole ones: half of one is no text, and the server would refuse the hello for ever. */
  const shorten = (text) => (text === null ? null : [...text.slice(0, 1024)].slice(0, 256).join(""));

  // Start, and a second's work

  function start(element) {
    if (worker !== null) worker.terminate();
    worker = null;
    place = element;
    const data = element.dataset;
    if (typeof OffscreenCanvas === "undefined" || typeof DecompressionStream === "undefined") {
      const bar = byId("channel-bar");
      if (bar !== null) {
        bar.hidden = false;
        write(bar, "This browser is too old to show live data. It needs Chromium 102, Firefox 113 or Safari 16.4, or newer.");
      }
      mark(document.body, "data-channel", "lost");
      return;
    }
    const follow = new URLSearchParams(window.location.search).get("follow") || data.follow || null;
    const topics = (data.topics || "map").split(",").map((topic) => topic.trim()).filter(Boolean);
    // Which layers are on is known to layers.js; the channel asks for them from its first word.
    if (topics.includes("map")) topics.push(...(window.controlRoomLayers?.topics() ?? []).filter((topic) => !topics.includes(topic)));
    channel = { state: "late", heard: now() };
    worker = new Worker(data.worker || "/assets/worker/main.js");
    counters.workers += 1;
    worker.onmessage = receive;
    const begin = (display) => post({ type: "start", topics, screen: data.screen || "screen", follow: shorten(follow), build: BUILD,
      display, address: location.pathname + location.search });
    // Known long before Dash has rendered; should a browser be slow to say, the channel waits for it and nothing else.
    const asked = window.controlRoomDisplay, mine = worker;
    if (asked === undefined || asked.id !== null) begin(asked?.id ?? null);
    else asked.ready.then((id) => { if (worker === mine) begin(id); });
    if (window.controlRoomMap) window.controlRoomMap.attach(post);
    for (const _ of waiting) post({ type: "debug" });
    writeChannel();
    say("started");
  }

  function find() {
    const element = byId("live");
    // Dash may put another screen in the place of this one; its channel has other topics.
    if (element !== null && element !== place) start(element);
  }

  function tick() {
    counters.ticks += 1;
    find();
    if (worker === null) return;
    writeClock();
    writeAllAges();
    writeChannel();
    seconds += 1;
    // From here and not from the worker: a page whose main thread hangs shows nothing new, and must not say it does.
    if (seconds % PAINTED_EVERY_S === 2 && document.visibilityState === "visible") post({ type: "painted" });
  }

  function schedule() {
    const at = serverNow();
    // On the server's second, so that all screens of a room change together; a little after it, never before.
    const wait = at === null || clock.rate !== 1 ? 1000 : 1000 - (at % 1000) + 5;
    setTimeout(() => { schedule(); tick(); }, wait);
  }

  const waiting = []; // who waits for the worker's counters, in order
  const pictured = []; // who waits for a picture, in order

  window.controlRoom = {
    /** The server's clock in ms, null before the first word of it; and what script-made panels need of ages and times. */
    serverNow, writeAges,
    /** Layers of the map from now on: {names, shades, types, standing}, see layers.js. */
    layers(wish) { post({ type: "layers", ...wish }); },
    /** Asks what is at a place (zoom 18 pixels); the event `controlroom:hits` tells. */
    pick(x, y) { post({ type: "pick", x, y }); },
    /** The panels that this screen shows from now on, by name; others are not sent any more. */
    showPanels(names) { post({ type: "panels", names: [...names, ...(window.controlRoomLayers?.panels() ?? [])] }); },
    /** A moment (ms) as the city's clock and calendar say it. */
    clockText(ms) { return format(zone(), "time").format(ms); },
    dateText(ms) { return format(zone(), "date").format(ms); },
    /** Counters for tests and for a person at the console; `debug(true)` asks the worker as well, as a promise. */
    debug(deep = false) {
      const at = serverNow();
      const shown = { ...counters, state: channel.state, age_ms: at === null || newest === null ? null : at - newest,
        server_now: at, mode: clock?.mode ?? null, replaying: clock?.replaying ?? false, followed: followed?.id ?? null };
      if (!deep) return shown;
      return new Promise((resolve) => { waiting.push((inner) => resolve({ ...shown, worker: inner })); post({ type: "debug" }); });
    },
    /** Shows that content in a panel, as if the channel had brought it. */
    showPanel: writePanel,
    /** Leaves now for a recorded moment, and comes back: {do: "seek", at: ms}, {do: "play", rate}, {do: "pause"}, {do: "live"}. */
    time(wish) { post({ type: "time", ...wish }); },
    /** The map as it is painted now, as a PNG (Blob) with that line beneath it; null where it cannot be. */
    picture(caption) { return new Promise((resolve) => { pictured.push(resolve); post({ type: "picture", caption }); }); },
    /** Whether what is shown was recorded, and is of another moment than now. */
    isReplaying: () => clock?.replaying ?? false,
    /** What became of an order to this display: under_way, done or refused, and why. */
    obeyed(order, result, why = "") { post({ type: "obeyed", order, result, why }); },
    /** Follows another vehicle; null follows none. */
    follow(id) {
      if (id === null) writeCard(null);
      // What stands there is about another vehicle.
      const card = byId("panel-vehicle");
      if (card !== null && window.controlRoomPanels) {
        const words = id === null ? "No vehicle is chosen." : "Its card is on its way.";
        window.controlRoomPanels.patch(card, { type: "P", props: { className: "calm", children: words } });
      }
      post({ type: "follow", id: shorten(id) });
    },
  };

  for (const [target, event] of [[window, "online"], [window, "pageshow"], [document, "visibilitychange"]]) {
    target.addEventListener(event, () => { if (document.visibilityState === "visible") { post({ type: "nudge" }); tick(); } });
  }
  document.addEventListener("controlroom:map", () => { if (worker !== null) window.controlRoomMap.attach(post); });

  // Dash renders the screen some time after this script has run.
  const observer = new MutationObserver(() => { find(); if (place !== null) observer.disconnect(); });
  observer.observe(document.documentElement, { childList: true, subtree: true });
  find();
  schedule();
})();
