/* The bar of time: what is recorded, what is missing, what happened, and the hand on it.
 *
 * All that stands at a fixed moment hangs in one strip, which is moved as a whole; so a second of LIVE costs
 * one style. Moments are ms; places are shares of the bar's width.
 */
(() => {
  "use strict";

  const T = () => window.controlRoomTimes;
  const SPANS = [15, 60, 360, 1440].map((minutes) => minutes * 60000);
  const AHEAD = 0.03; // of the bar's width is kept free right of now, or the head would stand on the edge
  const FOLD_PX = 22; // marks nearer than this are one mark, with their number
  const NEAR_PX = 12; // a finger or a pointer so near a mark means it
  const HELD_EVERY_MS = 10000, WITHIN_MS = 8000;
  const PRIORITIES = ["highest", "high", "medium", "low"];

  let place = null, addresses = {}, on = {};
  let span = SPANS[1], start = 0, follows = true, origin = null, dirty = true, hand = null, panned = false;
  let held = { from: null, to: null, gaps: [], state: "" }, heldAt = -Infinity;
  let marks = { from: 0, to: 0, list: [], fault: "", readAt: -Infinity, reading: null };

  const element = (tag, properties = {}, ...children) => window.controlRoomCommands.element(tag, properties, ...children);
  // Steps of half a pixel of a wide bar, and nothing written that stands already: four times a second each write is a layout.
  const written = new WeakMap();
  function stands(target, text) {
    if (written.get(target) === text) return true;
    written.set(target, text);
    return false;
  }
  const percent = (share) => `${Math.round(share * 4000) / 40}%`;
  const left = (target, share) => { const text = percent(share); if (!stands(target, text)) target.style.left = text; };
  const width = () => Math.max(1, place.track.clientWidth);
  const at = (clientX) => start + ((clientX - place.track.getBoundingClientRect().left) / width()) * span;

  // What the server knows

  async function read(url) {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
    const text = await answer.text();
    let said = null;
    try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
    if (!answer.ok || said === null) throw new Error(said?.error || text.trim().slice(0, 200) || `the server answered ${answer.status}`);
    return said;
  }

  async function readHeld() {
    heldAt = performance.now();
    try {
      const said = await read(addresses.held), ms = (value) => (value === null || value === undefined ? null : T().asMs(value));
      held = { from: ms(said.from), to: ms(said.to), bytes: said.bytes ?? null, state: said.state ?? "ok", detail: said.detail ?? "", incident: said.incident ?? null,
        gaps: (said.gaps ?? []).map((gap) => ({ from: ms(gap.from), to: ms(gap.to), reason: gap.reason ?? gap.why ?? "" })) };
    } catch (error) {
      held = { ...held, state: "unread", detail: error.message };
    }
    dirty = true;
    on.held(held);
  }

  const markOf = (kind) => (said) => ({ kind, at: T().asMs(said.at), id: said.id ?? said.key ?? "", title: said.title ?? said.name ?? "", what: said.what ?? "",
    priority: said.priority ?? null, count: said.count ?? said.folded ?? 1 });

  async function readMarks(from, to, now) {
    if (marks.reading !== null) return;
    marks.reading = true;
    try {
      const said = await read(`${addresses.marks}?${new URLSearchParams({ from: String(Math.round(from)), to: String(Math.round(Math.min(to, now))) })}`);
      const list = [...(said.alarms ?? []).map(markOf("alarm")), ...(said.events ?? []).map(markOf("event"))].filter((m) => Number.isFinite(m.at));
      list.sort((a, b) => a.at - b.at);
      marks = { from, to: Math.min(to, now), list, fault: said.fault ?? "", readAt: performance.now(), reading: null };
    } catch (error) {
      marks = { ...marks, fault: error.message, readAt: performance.now(), reading: null };
    }
    dirty = true;
    on.marks(marks);
  }

  // The strip

  function rebuild(now) {
    origin = start;
    dirty = false;
    const o0 = origin - span / 2, o1 = origin + span * 1.5, share = (ms) => (ms - origin) / span;
    const block = (className, from, to) => {
      const made = element("span", { className });
      left(made, share(Math.max(from, o0)));
      made.style.width = `${(((Math.min(to, o1) - Math.max(from, o0)) / span) * 100).toFixed(3)}%`;
      return made;
    };
    const children = [];
    const newest = held.to === null ? null : Math.max(held.to, now - 2000 < held.to + 20000 ? now : held.to);
    if (held.from !== null && newest > o0 && held.from < o1) children.push(block("time-rail", held.from, newest));
    for (const gap of held.gaps) if (gap.to > o0 && gap.from < o1) children.push(block("time-gap", gap.from, gap.to));
    const labels = T().ticks(o0, o1, span), every = Math.max(1, Math.ceil(labels.length / 2 / Math.max(2, width() / 72)));
    labels.forEach((ms, i) => {
      const text = T().minute(ms), isDay = text === "00:00", named = i % every === 0 || isDay;
      const made = element("span", { className: `time-tick${isDay ? " is-day" : ""}`, textContent: isDay ? T().date(ms) : named ? text : "" });
      left(made, share(ms));
      children.push(made);
    });
    children.push(...foldedMarks(o0, o1).map((mark) => buildMark(mark, share(mark.at))));
    place.strip.replaceChildren(...children);
  }

  /** Marks that a person can tell apart: those too near to each other become one, of the most urgent's shape. */
  function foldedMarks(from, to) {
    const step = (FOLD_PX / width()) * span, lanes = { alarm: [], event: [] };
    for (const mark of marks.list) {
      if (mark.at < from || mark.at > to || !isShown(mark)) continue;
      const lane = lanes[mark.kind], last = lane.at(-1);
      if (last === undefined || mark.at - last.first > step) { lane.push({ ...mark, first: mark.at }); continue; }
      last.count += mark.count;
      if (PRIORITIES.indexOf(mark.priority) < PRIORITIES.indexOf(last.priority)) Object.assign(last, { at: mark.at, priority: mark.priority, title: mark.title, id: mark.id });
    }
    return [...lanes.event, ...lanes.alarm];
  }

  // The journal knows every step of an alarm; the bar shows where each began, the list of marks all of it.
  const isShown = (mark) => mark.kind === "event" || ["", "raised", "realarmed"].includes(mark.what);

  function buildMark(mark, share) {
    const className = mark.kind === "event" ? "time-mark time-event" : `time-mark symbol symbol-alarm-${PRIORITIES.includes(mark.priority) ? mark.priority : "highest"}-on`;
    const made = element("span", { className: "time-place" }, element("span", { className }));
    if (mark.count > 1) made.append(element("span", { className: "time-count", textContent: mark.count > 99 ? "99+" : String(mark.count) }));
    if (mark.kind === "event") made.classList.add("is-event");
    if (mark.id !== "" && mark.id === on.chosen()) made.dataset.chosen = "1";
    left(made, share);
    return made;
  }

  function stand(target, share) {
    const hidden = share === null || share < -0.0005 || share > 1.0005;
    if (target.hidden !== hidden) target.hidden = hidden;
    if (!hidden) left(target, share);
  }

  /** Renews what time and hand have changed. `at`: the moment shown; `second`: the one it is compared with, or null. */
  function draw({ now, at: shown, mode, playing, second }) {
    if (now === null) return;
    if (follows) start = now + span * AHEAD - span;
    else if (hand === null && !panned && (shown < start + span * 0.02 || shown > start + span * 0.98)) start = Math.min(shown - span * (playing ? 0.15 : 0.5), now + span * AHEAD - span);
    if (origin === null || dirty || Math.abs(start - origin) > span * 0.45) rebuild(now);
    const moved = `translateX(${percent(-(start - origin) / span)})`;
    if (!stands(place.strip, moved)) place.strip.style.transform = moved;
    stand(place.head, (shown - start) / span);
    stand(place.now, (now - start) / span);
    if (place.track.dataset.mode !== mode) place.track.dataset.mode = mode;
    stand(place.second, second === null ? null : (second - start) / span);
    if (performance.now() - heldAt > HELD_EVERY_MS) readHeld();
    const since = performance.now() - marks.readAt, isSeen = marks.from <= start && marks.to >= Math.min(start + span, now - 2 * HELD_EVERY_MS);
    // At most once a second while the bar is moved; of an answer that did not come not sooner than of one that did.
    if (since > HELD_EVERY_MS ? !isSeen || marks.to < start + span : !isSeen && since > 1000 && marks.fault === "") readMarks(start - span / 2, start + span * 1.5, now);
  }

  // The hand

  function press(event) {
    if (event.button !== 0) return;
    place.track.setPointerCapture(event.pointerId);
    hand = { x: event.clientX, moved: false };
    place.track.focus({ preventScroll: true });
    hover(null);
  }

  function move(event) {
    if (hand === null) { hover(event); return; }
    if (Math.abs(event.clientX - hand.x) > 3) hand.moved = true;
    if (hand.moved) on.drag(at(event.clientX));
  }

  function release(event) {
    if (hand === null) return;
    const { moved } = hand, mark = moved ? null : nearest(event.clientX);
    hand = null;
    if (mark !== null) on.mark(mark);
    else on.drop(at(event.clientX), span * 0.006);
  }

  function cancel() {
    if (hand !== null) on.cancel();
    hand = null;
    hover(null);
  }

  /** The mark that is meant at that place; null where none is near. */
  function nearest(clientX) {
    const reach = (NEAR_PX / width()) * span, ms = at(clientX);
    const near = foldedMarks(start, start + span).filter((mark) => Math.abs(mark.at - ms) <= reach);
    near.sort((a, b) => Math.abs(a.at - ms) - Math.abs(b.at - ms));
    return near[0] ?? null;
  }

  function hover(event) {
    place.hover.hidden = event === null || event.pointerType === "touch";
    if (event === null) { on.hint(null, null); return; }
    const ms = at(event.clientX), mark = nearest(event.clientX);
    left(place.hover, (ms - start) / span);
    on.hint(mark === null ? ms : mark.at, mark);
  }

  window.controlRoomTrack = {
    SPANS,
    /** Makes the bar in that element. `where`: {held, marks} addresses; `does`: what happens when it is used. */
    build(where, does) {
      addresses = where;
      on = does;
      [start, follows, origin, dirty, hand, panned, heldAt] = [0, true, null, true, null, false, -Infinity];
      marks = { from: 0, to: 0, list: [], fault: "", readAt: -Infinity, reading: null };
      const strip = element("div", { className: "time-strip" });
      const [now, head, second, line] = ["time-now", "time-head", "time-head is-second", "time-hover"].map((className) => element("div", { className }));
      const track = element("div", { className: "time-track", tabIndex: 0 }, element("div", { className: "time-clip" }, strip, now, line), second, head);
      strip.setAttribute("aria-hidden", "true");
      line.hidden = second.hidden = true;
      track.setAttribute("role", "slider");
      track.setAttribute("aria-label", "Moment shown");
      place = { track, strip, now, head, second, hover: line };
      for (const [name, answer] of [["pointerdown", press], ["pointermove", move], ["pointerup", release], ["pointercancel", cancel], ["pointerleave", () => { if (hand === null) hover(null); }]]) track.addEventListener(name, answer);
      track.addEventListener("wheel", (event) => {
        event.preventDefault();
        if (event.ctrlKey) on.zoom(event.deltaY < 0 ? -1 : 1);
        else window.controlRoomTrack.shift((Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY) / width());
      }, { passive: false });
      new ResizeObserver(() => { dirty = true; on.redraw(); }).observe(track);
      return track;
    },
    draw,
    /** Reads again what is recorded and marked, at the next drawing. */
    renew() { heldAt = -Infinity; marks.readAt = -Infinity; marks.to = 0; },
    get span() { return span; },
    /** Another span, with `keep` (ms) where it was on the bar. */
    zoom(to, keep, mode) {
      const share = Math.min(1, Math.max(0, (keep - start) / span));
      span = to;
      start = keep - share * span;
      follows = mode === "live";
      panned = false;
      dirty = true;
    },
    /** Moves what the bar shows by so many of its widths; never past now. */
    shift(by) {
      follows = false;
      panned = true;
      start += by * span;
      const end = on.edge() + span * AHEAD;
      if (start + span >= end) { start = end - span; follows = on.isLive(); }
      on.shifted();
    },
    /** From LIVE on the bar goes with the clock; in a replay it stands. */
    follow(yes) { follows = yes; panned = false; },
    /** The moment shown is kept in sight again, wherever the bar was moved to. */
    keepInSight() { panned = false; },
    get window() { return { from: start, to: start + span }; },
    get held() { return held; },
    get marks() { return marks; },
    get isHeldByHand() { return hand !== null; },
    /** The next mark of an alarm's beginning (1) or the one before (-1) that moment; null where none is known. */
    beside(ms, way) {
      const list = marks.list.filter((mark) => mark.kind === "alarm" && isShown(mark));
      return (way > 0 ? list.find((mark) => mark.at > ms + 500) : list.findLast((mark) => mark.at < ms - 500)) ?? null;
    },
    redraw() { dirty = true; },
  };
})();
