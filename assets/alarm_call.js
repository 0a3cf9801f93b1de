/* Calls people to new alarms: by a tone, by a screen reader, by the page's title.
 *
 * From the panel `alarm_call` (layouts/panels/alarm_call.py): the newest alarms nobody has answered for.
 * What was not in it before is new. Highest priority rings until it is answered for or silenced;
 * silencing is for those that ring now, never for what comes later.
 */
(() => {
  "use strict";

  const GATHER_MS = 1000; // what comes so soon after an announcement is said together
  const NAMED = 3; // so many are named aloud, the rest are counted
  const MARKED_MS = 10000;
  const CHOICE = "control-room.alarm-sound";
  const ORDER = ["highest", "high", "medium", "low"];

  let known = null, counts = null, cut = [], waiting = [], gathered = 0, timer = 0, lastSaid = 0, title = null, isFailing = false;
  const ringing = new Set();

  const byId = (id) => document.getElementById(id);
  const sound = () => window.controlRoomSound;

  // Whether sound is wanted: the person's choice, else the address, else the screen's.

  function isWanted() {
    const place = byId("alarm-sound");
    if (place === null) return false;
    return (localStorage.getItem(CHOICE) || new URLSearchParams(location.search).get("sound") || place.dataset.sound) === "on";
  }

  function choose(on) {
    localStorage.setItem(CHOICE, on ? "on" : "off");
    if (on) sound().wake();
    update();
  }

  function silence() {
    ringing.clear();
    update();
  }

  /** [fault, content] of a data panel: while it cannot be built the server sends its fault's line, and what it said before. */
  function unpack(children) {
    if (Array.isArray(children)) return children;
    return children.props === undefined ? [null, children] : [children, null];
  }

  // What is new

  /** The newest alarms of a panel that were not in the one before. */
  function listNew(calls) {
    if (known === null) return [];
    const oldest = new Map();
    for (const [, { priority, raised_at: at }] of known) oldest.set(priority, Math.min(oldest.get(priority) ?? Infinity, at ?? 0));
    return calls.filter((call) => {
      const before = known.get(call.key);
      if (before !== undefined) return before.raised_at !== call.raised_at;
      // Others were answered for, so an older one moved up into a list that was cut before it.
      return !(cut.includes(call.priority) && (call.raised_at ?? 0) <= (oldest.get(call.priority) ?? -1));
    });
  }

  function take(data) {
    const first = known === null, fresh = listNew(data.calls);
    // Of a burst only the newest are listed; the rise of the count tells of the rest.
    const risen = (priority) => Math.max(fresh.filter((c) => c.priority === priority).length, first ? 0 : data.counts[priority] - counts[priority]);
    const news = ORDER.map((priority) => ({ priority, count: risen(priority), calls: fresh.filter((c) => c.priority === priority) }));
    known = new Map(data.calls.map((call) => [call.key, call]));
    ({ counts, cut } = data);
    for (const call of first ? data.calls : fresh) if (call.priority === "highest") ringing.add(call.key);
    if (!cut.includes("highest")) for (const key of ringing) if (known.get(key)?.priority !== "highest") ringing.delete(key);
    if (counts.highest === 0) ringing.clear();
    if (first) greet(data);
    else if (news.some((n) => n.count > 0)) {
      if (isWanted() && news[0].count === 0 && news[1].count > 0) sound().notice();
      gather(news);
      document.dispatchEvent(new CustomEvent("controlroom:alarms-new", { detail: { count: news.reduce((sum, n) => sum + n.count, 0), highest: news[0].count } }));
      mark(fresh);
    }
    update();
  }

  /** Rows of the wall's list that have just come have a quiet bar for a while. */
  function mark(fresh) {
    const keys = new Set(fresh.map((call) => call.key));
    // This panel may come before the list itself.
    setTimeout(() => {
      for (const row of document.querySelectorAll("#panel-alarms [data-key]")) {
        if (!keys.has(row.dataset.key)) continue;
        row.dataset.new = "1";
        setTimeout(() => row.removeAttribute("data-new"), MARKED_MS);
      }
    }, 300);
  }

  // Words

  const plural = (count, word) => `${count.toLocaleString("en-GB")} ${word}${count === 1 ? "" : "s"}`;

  /** "14 new alarms, 2 highest: Robot 47 stands still; Cell MK-17 is down". */
  function describe(news) {
    const total = news.reduce((sum, n) => sum + n.count, 0), worst = news.find((n) => n.count > 0);
    const titles = worst.calls.slice(0, NAMED).map((call) => call.title);
    const more = worst.count - titles.length;
    const named = titles.length === 0 ? "" : `: ${titles.join("; ")}${more > 0 ? `; and ${more.toLocaleString("en-GB")} more` : ""}`;
    if (total === 1) return `New alarm, ${worst.priority} priority${named}.`;
    const all = worst.count === total ? `, all ${worst.priority} priority` : `, ${worst.count.toLocaleString("en-GB")} ${worst.priority}`;
    return `${plural(total, "new alarm")}${all}${named}.`;
  }

  function say(text, urgent) {
    const place = byId(urgent ? "alarm-say-now" : "alarm-say");
    // The same words twice are news again: a space of no width makes them another text.
    if (place !== null) place.textContent = place.textContent === text ? `${text}\u200b` : text;
  }

  function greet({ counts: n }) {
    const total = ORDER.reduce((sum, p) => sum + n[p], 0);
    if (total > 0) say(`${plural(total, "alarm")} not acknowledged, ${n.highest} of highest priority.`, n.highest > 0);
  }

  function gather(news) {
    waiting = waiting.length === 0 ? news : waiting.map((n, i) => ({ ...n, count: n.count + news[i].count, calls: [...news[i].calls, ...n.calls] }));
    gathered = performance.now();
    clearTimeout(timer);
    timer = setTimeout(speak, Math.max(0, lastSaid + GATHER_MS - gathered));
  }

  function speak() {
    if (waiting.length === 0) return;
    say(describe(waiting), waiting[0].count > 0);
    waiting = [];
    lastSaid = performance.now();
  }

  // What is seen of it

  function update() {
    const wanted = isWanted(), place = byId("alarm-sound-place") ?? byId("alarm-sound");
    sound().ring(wanted && ringing.size > 0);
    if (place !== null) render(place, wanted);
    if (byId("alarm-desk") === null || counts === null) return;
    title ??= document.title;
    document.title = counts.highest > 0 ? `${plural(counts.highest, "highest alarm")} · ${title}` : title;
  }

  /** A line and its buttons; nothing on a wall that is silent by design. */
  function render(place, wanted) {
    const isDesk = place.id === "alarm-sound-place", allowed = sound().isAllowed();
    const state = !wanted ? "off" : !allowed ? "waiting" : sound().isRinging() ? "ringing" : "on";
    place.hidden = !isDesk && (state === "off" || state === "on");
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    const texts = { off: "Sound is off", on: "Sound is on", ringing: "", waiting: "Press any key for sound" };
    const held = place.contains(document.activeElement);
    place.replaceChildren();
    if (texts[state]) place.append(Object.assign(document.createElement("span"), { textContent: texts[state] }));
    const button = (text, action) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick: action });
      place.append(" ", made);
      if (held) made.focus();
    };
    if (state === "ringing") button("Silence (m)", silence);
    else if (isDesk && state === "off") button("Switch on", () => choose(true));
    else if (isDesk && state === "on") button("Switch off", () => choose(false));
  }

  // Events

  document.addEventListener("controlroom:panel", (event) => {
    if (event.detail.name !== "alarm_call") return;
    event.preventDefault();
    const [fault, content] = unpack(event.detail.children);
    if (fault !== null && !isFailing) say("New alarms cannot be announced at the moment: the server has a fault. Look at the list.", true);
    isFailing = fault !== null;
    if (content !== null) take(content);
  });
  document.addEventListener("controlroom:sound", update);
  document.addEventListener("controlroom:desk", update);
  for (const type of ["keydown", "pointerdown"]) {
    document.addEventListener(type, () => { if (isWanted() && !sound().isAllowed()) sound().wake(); }, { capture: true });
  }
  // A wall that is told to be heard has nobody who presses keys; its browser may be set to allow it (see docs/alarms.md).
  const wake = () => { if (new URLSearchParams(location.search).get("sound") === "on") sound().wake(); };
  // On a wall this script may run after the page has loaded; sound.js comes after it all the same.
  if (document.readyState === "complete") setTimeout(wake);
  else addEventListener("load", wake);

  // While the channel is lost, alarms cannot reach this screen: that is worth a word and a note of its own.
  let channel = null;
  new MutationObserver(() => {
    const state = document.body.dataset.channel;
    if (state === channel) return;
    if (state === "lost" && counts !== null) {
      say("No connection. New alarms do not reach this screen.", true);
      if (isWanted()) sound().notice();
    }
    channel = state;
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["data-channel"] });

  window.controlRoomCall = { silence, unpack, debug: () => ({ ringing: [...ringing], counts, wanted: isWanted() }) };
})();
