/* LIVE, or any moment that was recorded: the bar at the foot of a screen, and what it does to the screen.
 *
 * One state, here: live or replay, the moment wanted, the pace. The bar (timeline_track.js) shows it, the
 * worker (worker/replay.js) fetches what belongs to it, and everything that is shown follows from what comes.
 * While the past is shown the whole screen says so, commands are off, and new alarms are counted aloud.
 */
(() => {
  "use strict";

  const RATES = [1, 2, 5, 10, 30, 60];
  const SPAN_NAMES = ["15 min", "1 h", "6 h", "24 h"];
  const STEPS = [[-60, "−1 min"], [-10, "−10 s"], [-1, "−1 s"], [1, "+1 s"], [10, "+10 s"], [60, "+1 min"]];
  const TICK_MS = 250, LEAVE_MS = 2500, NO_ANSWER_MS = 3000;
  const LATE = "The record has not answered yet.";
  const KEYS_OFF = "control-room.keys-off";
  const KEYS = [["L or Esc", "back to LIVE"], ["p", "play, pause"], [", and .", "1 second back, on"], ["< and >", "10 seconds back, on"],
    ["[ and ]", "1 minute back, on"], ["{ and }", "to the alarm before, the next alarm"], ["- and +", "the bar shows more time, less time"],
    ["g", "go to a time"], ["b", "compare with this moment"], ["e", "export an incident"], ["On the bar: ← →", "1 second; with Shift 10 seconds"],
    ["Page Up, Page Down", "1 minute on, back"], ["Home, End", "oldest moment, LIVE"]];

  let root = null, parts = {}, state = null, timer = 0;
  const times = () => window.controlRoomTimes, track = () => window.controlRoomTrack, room = () => window.controlRoom;
  const element = (tag, properties = {}, ...children) => window.controlRoomCommands.element(tag, properties, ...children);
  const button = (text, onclick, className = "") => element("button", { type: "button", textContent: text, onclick, className });
  const write = (target, text) => { if (target.textContent !== text) target.textContent = text; };
  const setAttribute = (target, name, value) => { if (target.getAttribute(name) !== value) target.setAttribute(name, value); };

  const fresh = () => ({ mode: "live", at: null, rate: 0, pace: 1, gap: null, second: null, chosen: "", seeking: null, leaving: null,
    leftAt: null, news: { count: 0, highest: 0 }, hint: null, hinted: null, said: "", took: [], wished: null, now: null, late: null });

  const isLive = () => state.mode === "live";
  /** Whether the moment that was wished is awaited for long, though the server is there. */
  const isLate = () => state.seeking !== null && performance.now() - state.seeking > NO_ANSWER_MS && document.body.dataset.channel !== "lost";
  /** The real time (ms) by the server's clock; null before its first word. It goes on while the past is shown. */
  function realNow() {
    if (!room().isReplaying() && isLive()) { const now = room().serverNow(); if (now !== null) state.now = { now, at: performance.now() }; }
    return state.now === null ? null : state.now.now + performance.now() - state.now.at;
  }
  /** The newest moment that can be gone to: of an opened incident its end, whatever time it is now. */
  const edge = () => { const { incident, to } = track().held; return incident && to !== null ? to : realNow(); };
  const isIncident = () => Boolean(track().held.incident);
  /** The moment that the screen shows, or is about to. */
  function shownAt() {
    if (isLive()) return realNow();
    return state.rate > 0 && state.seeking === null && room().isReplaying() ? room().serverNow() : state.at;
  }

  // The bar, once a screen

  function build(place) {
    root = place;
    times().setZone(place.dataset.tz);
    const live = button("LIVE", () => live_(), "time-live");
    const [clock, date, mode] = ["time-clock", "time-date", "time-mode"].map((className) => element("p", { className }));
    const shown = element("div", { className: "time-shown" }, clock, date, mode);
    const steps = STEPS.map(([s, text]) => button(text, () => step(s * 1000)));
    const play = button("Play", () => toggle(), "time-play");
    const pace = element("select", { onchange: () => setPace(Number(pace.value)) }, ...RATES.map((rate) => element("option", { value: rate, textContent: `${rate}×` })));
    pace.setAttribute("aria-label", "Pace of playing");
    const spans = element("select", { onchange: () => zoomTo(track().SPANS[Number(spans.value)]) }, ...SPAN_NAMES.map((text, i) => element("option", { value: i, textContent: text, selected: i === 1 })));
    spans.setAttribute("aria-label", "The bar shows");
    const group = (label, ...children) => { const made = element("div", { className: "time-group" }, ...children); made.setAttribute("role", "group"); made.setAttribute("aria-label", label); return made; };
    const tools = element("div", { className: "time-tools" },
      group("What is shown", live, shown),
      group("Play", ...steps.slice(0, 3), play, pace, ...steps.slice(3)),
      element("span", { className: "time-space" }),
      group("The bar", button("‹ Earlier", () => track().shift(-0.5)), spans, button("Later ›", () => track().shift(0.5))),
      group("More", button("Go to…", () => askMoment()), button("Marks…", () => window.controlRoomTimeForms.marks(root, on)), button("Compare", () => compare(), "time-compare"),
        button("Export…", () => window.controlRoomExport.open(root, on)), button("Keys", () => showKeys())));
    const bar = track().build({ held: place.dataset.held, marks: place.dataset.marks }, on);
    const said = element("p", { className: "time-said" }), news = element("p", { className: "time-news" }), held = element("p", { className: "time-held" });
    const status = element("p", { className: "unseen" });
    status.setAttribute("role", "status");
    const drawer = element("div", { className: "time-drawer", hidden: true });
    parts = { live, clock, date, mode, play, pace, spans, steps, bar, said, news, held, status, drawer, compare: tools.querySelector(".time-compare") };
    place.replaceChildren(drawer, tools, bar, element("div", { className: "time-line" }, said, news, held), status);
    place.addEventListener("keydown", pressInBar);
    // A screen with a list of keys of its own says these among them.
    if (place.dataset.keys === "bar") window.controlRoomForms?.more?.("Time bar", KEYS);
  }

  document.addEventListener("controlroom:started", () => {
    const place = document.getElementById("timebar");
    clearInterval(timer);
    leaveMarks();
    state = fresh();
    root = null;
    if (place === null) return;
    build(place);
    state.wished = times().fromAddress(new URLSearchParams(location.search).get("at"));
    state.chosen = state.wished === null ? "" : new URLSearchParams(location.search).get("alarm") ?? "";
    timer = setInterval(tick, TICK_MS);
    tick();
  });

  function tick() {
    if (root === null || !root.isConnected) return;
    // In an opened incident there is no LIVE: it begins at its beginning.
    if (isIncident() && isLive() && state.wished === null && track().held.from !== null) state.wished = track().held.from;
    if (state.wished !== null && realNow() !== null && track().held.state !== "") { const at = state.wished; state.wished = null; go(at); }
    if (state.leaving !== null && performance.now() - state.leaving > LEAVE_MS) arrive();
    if (isLate() && state.late !== state.seeking) {
      state.late = state.seeking;
      announce(LATE);
    }
    draw();
  }

  // To another moment

  /** Shows that moment. Refuses, in words, what is not held; `dragging` while the hand is on the bar. */
  function go(ms, { dragging = false, keep = false } = {}) {
    const now = edge(), { held } = track();
    if (now === null) return;
    if (held.from === null) { say(nothingHeld()); return; }
    let at = Math.min(ms, Math.max(held.to, now - 1000)), refusal = "";
    if (ms < held.from) [at, refusal] = [held.from, `Nothing is held from before ${times().moment(held.from, now)}: the oldest moment is shown.`];
    else if (ms > now + 1000 && !dragging) refusal = isIncident() ? "The incident ends before that: its last moment is shown." : "That is still to come: the newest moment is shown.";
    if (isLive()) enter(now);
    state.leaving = null;
    state.at = at;
    state.seeking = state.seeking ?? performance.now();
    state.said = refusal;
    if (!keep) track().keepInSight();
    track().follow(false);
    room().time({ do: "seek", at });
    draw();
  }

  function enter(now) {
    state.mode = "replay";
    Object.assign(state, { leftAt: now, news: { count: 0, highest: 0 }, rate: 0, gap: null, hint: null });
    document.documentElement.dataset.replaying = "1";
    document.dispatchEvent(new CustomEvent("controlroom:replay", { detail: { on: true } }));
    announce(`REPLAY: what you see is past. Commands are off. L goes back to LIVE.`);
  }

  function step(ms) {
    const from = shownAt();
    if (from === null || (isLive() && ms > 0)) return;
    if (state.rate > 0) pause();
    const at = from + ms;
    if (at >= edge() - 500 && ms > 0) { say(isIncident() ? "That is the end of the incident." : "That is the newest moment. L goes to LIVE."); return; }
    go(at);
  }

  function toggle() { if (state.rate > 0) pause(); else play(); }

  function play() {
    if (isLive()) { say("LIVE plays by itself. Choose a moment on the bar, then play from there."); return; }
    state.rate = state.pace;
    state.said = "";
    room().time({ do: "play", rate: state.pace });
    announce(`Playing${state.pace === 1 ? "" : ` ${state.pace} times as fast`}.`);
    draw();
  }

  function pause() {
    state.at = shownAt();
    state.rate = 0;
    room().time({ do: "pause" });
    announce(`Paused at ${times().moment(state.at, realNow())}.`);
    draw();
  }

  function setPace(rate) {
    state.pace = rate;
    if (state.rate > 0) play();
  }

  /** One way back, whatever goes on. The screen says REPLAY until the first thing of now is on it. */
  function live_() {
    if (isIncident()) { say("There is no LIVE here: this is an incident that was exported."); return; }
    track().follow(true);
    state.said = "";
    if (state.second !== null) closeCompare();
    if (isLive()) { draw(); return; }
    if (state.leaving !== null) return;
    state.leaving = performance.now();
    room().time({ do: "live" });
    if (!hasMap()) arrive();
    draw();
  }

  const hasMap = () => (document.getElementById("live")?.dataset.topics ?? "").split(",").includes("map");
  document.addEventListener("controlroom:frame", () => { if (state?.leaving !== null && state?.leaving !== undefined && !room().isReplaying()) arrive(); });

  function arrive() {
    const { pace, took } = state;
    state = { ...fresh(), pace, took };
    leaveMarks();
    announce("LIVE.");
    writeAddress();
    draw();
  }

  function leaveMarks() {
    if (document.documentElement.dataset.replaying === undefined) return;
    delete document.documentElement.dataset.replaying;
    document.dispatchEvent(new CustomEvent("controlroom:replay", { detail: { on: false } }));
  }

  // What came

  document.addEventListener("controlroom:moment", ({ detail }) => {
    if (root === null || isLive()) return;
    const wasRate = state.rate;
    state.gap = detail.gap ?? null;
    state.rate = detail.rate;
    if (state.seeking === null) state.at = detail.at;
    if (wasRate > detail.rate && state.seeking === null && detail.at >= detail.to - 1000) say(`The newest recorded moment is reached: ${detail.rate === 0 ? "it stands" : "it goes on as time does"}.${isIncident() ? "" : " L goes to LIVE."}`);
    draw();
  });

  document.addEventListener("controlroom:settled", ({ detail }) => {
    if (root === null || isLive()) return;
    state.seeking = null;
    // Where the record has nothing of the moment that was wished, it shows the nearest that it has.
    if (state.rate === 0) state.at = detail.at;
    state.took.push(Math.round(detail.took_ms));
    if (state.took.length > 500) state.took.shift();
    sayMissing(detail.wanted, detail.brought);
    if (state.rate === 0 && !track().isHeldByHand) {
      writeAddress();
      document.dispatchEvent(new CustomEvent("controlroom:shown", { detail: { at: detail.at } }));
      if (state.second !== null) window.controlRoomCompare.show(parts.drawer, root.dataset.compare, state.second, state.at, on);
    }
    draw();
  });

  /** A panel that the record does not know of that moment must not go on showing another one. */
  function sayMissing(wanted, brought) {
    for (const name of wanted.filter((topic) => topic.startsWith("panel:")).map((topic) => topic.slice(6))) {
      if (brought.includes(name)) continue;
      room().showPanel(name, { type: "P", namespace: "dash_html_components", props: { children: "Not recorded at this moment.", className: "panel-fault" } });
    }
  }

  // The server has closed the socket with a reason (too many who look back, nothing recorded): it is tried again, and said.
  document.addEventListener("controlroom:refused", ({ detail }) => { if (root !== null && !isLive()) say(`The record answers: ${detail.why}. It is asked again.`); });

  document.addEventListener("controlroom:alarms-new", ({ detail }) => {
    if (root === null || isLive()) return;
    state.news.count += detail.count;
    state.news.highest += detail.highest;
    draw();
  });

  // What is seen

  function draw() {
    if (root === null || state === null) return;
    const now = realNow(), at = shownAt();
    setAttribute(root, "data-mode", state.mode);
    setAttribute(root, "data-seeking", state.seeking === null ? "0" : "1");
    setAttribute(parts.live, "aria-pressed", String(isLive()));
    write(parts.live, isIncident() ? "INCIDENT" : isLive() ? "LIVE" : "Back to LIVE");
    write(parts.clock, at === null ? "—" : times().time(at));
    write(parts.date, at === null ? "" : times().date(at));
    write(parts.mode, isLive() ? "LIVE" : state.leaving !== null ? "going to LIVE…" : `REPLAY ${state.rate > 0 ? `plays ${state.rate}×` : "stands"}, ${now === null ? "" : times().span(now - at)} ago`);
    write(parts.play, state.rate > 0 ? "Pause" : "Play");
    if (Number(parts.pace.value) !== state.pace) parts.pace.value = String(state.pace);
    for (const [i, made] of parts.steps.entries()) setAttribute(made, "aria-disabled", String(isLive() && STEPS[i][0] > 0));
    setAttribute(parts.play, "aria-disabled", String(isLive()));
    setAttribute(parts.compare, "aria-pressed", String(state.second !== null));
    if (at !== null) track().draw({ now: edge(), at, mode: state.mode, playing: state.rate > 0, second: state.second });
    writeLine(now, at);
    writeSlider(now, at);
    // The alarm that a link led to has the quiet bar that new ones have.
    if (state.chosen !== "") for (const row of document.querySelectorAll("#panel-alarms [data-key]")) if (row.dataset.key === state.chosen && row.dataset.new !== "1") row.dataset.new = "1";
  }

  function nothingHeld() {
    const { held } = track();
    if (held.state === "") return "What is recorded is being asked for.";
    if (held.state === "unread") return `The record cannot be read: ${held.detail}.`;
    return "Nothing has been recorded yet.";
  }

  function writeLine(now, at) {
    const { held, marks } = track();
    const gap = state.gap === null ? "" : `No record from ${times().moment(times().asMs(state.gap.from), now)} to ${times().moment(times().asMs(state.gap.to), now)}${reasonOf(state.gap)}. The last moment before it is shown.`;
    const text = state.hint ?? (isLate() ? LATE : state.said || gap || (marks.fault === "" ? chosenText(now) : `The marks cannot be read: ${marks.fault}.`));
    write(parts.said, text);
    root.dataset.gap = state.gap === null ? "0" : "1";
    const { count, highest } = state.news;
    write(parts.news, isLive() ? "" : isIncident() ? incidentText(held.incident) : count === 0 ? "Commands are off while you look at the past." : `${count} new alarm${count === 1 ? "" : "s"} since you left LIVE${highest > 0 ? `, ${highest} of highest priority` : ""}`);
    parts.news.dataset.news = count > 0 && !isLive() ? "1" : "0";
    const fault = held.state === "ok" || held.state === "" ? "" : held.state === "unread" ? nothingHeld() : `The record: ${held.state}${held.detail ? `, ${held.detail}` : ""}.`;
    write(parts.held, fault !== "" ? fault : held.from === null || now === null ? nothingHeld() : `Held from ${times().moment(held.from, now)}, ${times().span(now - held.from)}`);
  }

  const incidentText = ({ city, made_at: made }) => `INCIDENT${city ? ` of ${city}` : ""}${made ? `, exported ${times().date(Date.parse(made))} ${times().minute(Date.parse(made))}` : ""}`;
  const reasonOf = (gap) => { const known = track().held.gaps.find((g) => g.from <= gap.from + 1000 && g.to >= gap.to - 1000); const why = gap.reason ?? known?.reason ?? ""; return why === "" ? "" : ` (${why})`; };

  function chosenText(now) {
    if (state.chosen === "") return "";
    const mark = track().marks.list.find((m) => m.id === state.chosen);
    return mark === undefined ? "" : `${mark.title || mark.id}: ${mark.what || "raised"} ${times().moment(mark.at, now)}`;
  }

  function writeSlider(now, at) {
    const { held } = track(), bar = parts.bar, s = (ms) => String(Math.round(ms / 1000));
    if (now === null || at === null) { setAttribute(bar, "aria-valuetext", "not known yet"); setAttribute(bar, "aria-valuenow", "0"); return; }
    setAttribute(bar, "aria-valuemin", s(held.from ?? now));
    setAttribute(bar, "aria-valuemax", s(edge()));
    // Words that change each second would be read out each second: while it goes by itself, each minute.
    const still = !isLive() && state.rate === 0;
    const text = isLive() ? `LIVE, ${times().minute(now)}` : `REPLAY, ${still ? times().time(at) : times().minute(at)}, ${times().date(at)}`;
    if (bar.getAttribute("aria-valuetext") === text) return;
    setAttribute(bar, "aria-valuetext", text);
    setAttribute(bar, "aria-valuenow", s(at));
  }

  function say(text) { state.said = text; announce(text); draw(); }
  function announce(text) { if (root !== null) write(parts.status, parts.status.textContent === text ? `${text}\u200b` : text); }

  /** The address says the moment, so that it can be kept and sent. */
  function writeAddress() {
    const url = new URL(location.href), moment = isLive() ? null : times().toAddress(state.at);
    if (moment === null && times().fromAddress(url.searchParams.get("at")) === null) return;
    if (moment === null) { url.searchParams.delete("at"); url.searchParams.delete("alarm"); }
    else url.searchParams.set("at", moment);
    history.replaceState(history.state, "", url.pathname + url.search.replaceAll("%3A", ":") + url.hash);
  }

  // What the bar and its dialogs may do

  const on = {
    go, isLive, say,
    now: () => realNow() ?? 0,
    edge: () => edge() ?? 0,
    at: () => shownAt(),
    chosen: () => state.chosen,
    live: () => live_(),
    drag(ms) { if (realNow() !== null) go(Math.min(ms, edge() - 500), { dragging: true, keep: true }); },
    drop(ms, nearNow) { if (ms > edge() - nearNow && !isIncident()) live_(); else go(Math.min(ms, edge()), { keep: true }); },
    cancel() { draw(); },
    mark(mark) { state.chosen = mark.kind === "alarm" ? mark.id : ""; track().redraw(); go(mark.at, { keep: true }); },
    hint(ms, mark) {
      state.hint = ms === null || mark === null ? null : `${times().moment(mark.at, realNow())} · ${mark.kind === "event" ? "event" : mark.priority ?? "priority not known"} · ${mark.title || mark.id}${mark.count > 1 ? `, and ${mark.count - 1} more near it` : ""}`;
      state.hinted = ms;
      if (ms !== null && mark === null) state.hint = hintOf(ms);
      draw();
    },
    held: () => draw(), marks: () => draw(), redraw: () => draw(), shifted: () => draw(),
    zoom: (by) => zoom(by),
  };

  function hintOf(ms) {
    const now = realNow(), { held } = track();
    if (now === null) return null;
    const gap = held.gaps.find((g) => g.from <= ms && ms <= g.to);
    if (gap !== undefined) return `${times().moment(ms, now)} · no record from ${times().time(gap.from)} to ${times().time(gap.to)}${gap.reason ? ` (${gap.reason})` : ""}`;
    if (ms > now) return null;
    return `${times().moment(ms, now)}${held.from !== null && ms < held.from ? " · not held any more" : `, ${times().span(now - ms)} ago`}`;
  }

  function zoomTo(span) {
    track().zoom(span, shownAt() ?? 0, state.mode);
    parts.spans.value = String(track().SPANS.indexOf(span));
    draw();
  }
  function zoom(by) {
    const { SPANS, span } = track(), i = Math.min(SPANS.length - 1, Math.max(0, SPANS.indexOf(span) + by));
    zoomTo(SPANS[i]);
    announce(`The bar shows ${SPAN_NAMES[i]}.`);
  }

  function toMark(way) {
    const at = shownAt(), mark = at === null ? null : track().beside(at, way);
    if (mark === null) { say(`No alarm is marked ${way > 0 ? "after" : "before"} this moment, as far as the bar shows.`); return; }
    on.mark(mark);
    track().keepInSight();
    announce(`${mark.priority ?? ""} ${mark.title}, ${times().moment(mark.at, realNow())}`.trim());
  }

  async function askMoment() {
    const { held } = track(), at = shownAt();
    if (at === null || held.from === null) { say(nothingHeld()); return; }
    const found = await window.controlRoomTimeForms.moment(root, at, held.from, edge());
    if (found !== null) go(found);
  }

  function compare() {
    if (state.second !== null) { closeCompare(); return; }
    const at = shownAt();
    if (at === null || track().held.from === null) { say(nothingHeld()); return; }
    state.second = at;
    window.controlRoomCompare.begin(parts.drawer, at, isLive(), on, closeCompare);
    draw();
  }

  function closeCompare() {
    state.second = null;
    window.controlRoomCompare.end(parts.drawer);
    parts.compare.focus({ preventScroll: true });
    draw();
  }

  const areKeysOn = () => localStorage.getItem(KEYS_OFF) !== "1";
  const showKeys = () => window.controlRoomTimeForms.keys(root, KEYS, areKeysOn(), (yes) => localStorage.setItem(KEYS_OFF, yes ? "" : "1"));

  // Keys

  const letters = {
    l: () => live_(), L: () => live_(), p: () => toggle(), ",": () => step(-1000), ".": () => step(1000), "<": () => step(-10000), ">": () => step(10000),
    "[": () => step(-60000), "]": () => step(60000), "{": () => toMark(-1), "}": () => toMark(1), "-": () => zoom(1), "+": () => zoom(-1), "=": () => zoom(-1),
    g: () => askMoment(), b: () => compare(), e: () => window.controlRoomExport.open(root, on),
  };
  const arrows = {
    ArrowLeft: (event) => step(event.shiftKey ? -10000 : -1000), ArrowRight: (event) => step(event.shiftKey ? 10000 : 1000),
    ArrowDown: (event) => step(event.shiftKey ? -10000 : -1000), ArrowUp: (event) => step(event.shiftKey ? 10000 : 1000),
    PageDown: () => step(-60000), PageUp: () => step(60000), Home: () => { if (track().held.from !== null) go(track().held.from); }, End: () => live_(),
  };

  function pressInBar(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === parts.bar && arrows[event.key]) { event.preventDefault(); arrows[event.key](event); return; }
    if (event.key === "?" && areKeysOn() && event.target.closest("dialog") === null) { event.preventDefault(); showKeys(); }
  }

  document.addEventListener("keydown", (event) => {
    if (root === null || !root.isConnected || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("dialog, input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (event.key === "Escape") {
      if (state.second !== null) { event.preventDefault(); closeCompare(); } else if (!isLive()) { event.preventDefault(); live_(); }
      return;
    }
    const action = areKeysOn() ? (event.key === "?" && root.dataset.keys === "screen" ? showKeys : letters[event.key]) : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
  });

  window.controlRoomTimeline = {
    KEYS,
    /** Goes to that moment (ms), if this screen has a time bar. */
    go(ms) { if (root !== null) go(ms); },
    live() { if (root !== null) live_(); },
    /** What tests and a person at the console may want to know; `took_ms` of each seek until all of it was here. */
    debug: () => (state === null ? null : { mode: state.mode, at: state.at, shown: root === null ? null : shownAt(), rate: state.rate, gap: state.gap, news: state.news.count,
      seeking: state.seeking !== null, took_ms: [...state.took], second: state.second, now: root === null ? null : realNow(), held: track().held, marks: track().marks.list.length, window: track().window }),
  };
})();
