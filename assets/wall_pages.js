/* Turns the pages of a wall: by the clock, never because of a fault, and not while a new alarm waits.
 *
 * Every panel stands in the page once (layouts/screens/wall_pages.py); a page is the lines of a grid and the
 * cells that are seen. Nothing is made anew, so nothing flashes and nothing grows. What follows from the plan
 * and the moment alone is in `Rules` below, without the page; docs/walls.md says what people see of it.
 */
(() => {
  "use strict";

  const TICK_MS = 500;
  const AHEAD_MS = 4000; // the panels of the next page are wanted so long before it comes
  const FADE_MS = 75; // out, and as long in again
  const DRAWN_WITHIN_MS = 600; // a map that changed its size is shown by then, painted or not
  const DRIFT_EVERY_MS = 60000;
  const TOUCHED_MS = 120000; // somebody who holds the page by focus and does nothing has left
  const POINTER_MS = 6000;
  const ASK_EVERY_MS = 15000;
  const URGENT = ["highest", "high"];

  const byId = (id) => document.getElementById(id);
  const now = () => performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const plural = (count, word) => `${count.toLocaleString("en-GB")} ${word}${count === 1 ? "" : "s"}`;

  const Rules = {
    /** Whether a minute of the day is within [from, until); until at or before from is the next day. */
    within(minute, from, until) { return from < until ? minute >= from && minute < until : minute >= from || minute < until; },
    /** The nth step of a walk round a square of that radius: each a pixel on, and back where it began. */
    drift(step, radius) {
      if (radius === 0) return [0, 0];
      const side = 2 * radius, at = step % (4 * side), along = at % side - radius;
      return [[along, -radius], [radius, along], [-along, radius], [-radius, -along]][Math.floor(at / side)];
    },
    /** Calls of alarms that are new since `known` (key → raised_at), high or highest. The first list is not news. */
    listNew(calls, known) {
      return known === null ? [] : calls.filter((c) => URGENT.includes(c.priority) && (!known.has(c.key) || known.get(c.key) !== c.raised_at));
    },
  };

  let wall = null, plan = null, main = null;
  let current = 0, dueAt = 0, wanted = null, paused = null, hold = null, known = null, waits = null, turning = 0;
  let driftStep = 0, driftAt = 0, touchedAt = -Infinity, pointerAt = -Infinity, askedAt = 0, leaving = false;
  const counters = { turns: 0, errors: 0, fits: 0 };
  const kept = new Map(); // cell → rows of it that were shown last

  const cellsOf = () => [...main.querySelectorAll(":scope > [data-cell]")];
  const page = () => plan.pages[current];
  const isNarrow = () => getComputedStyle(main).display !== "grid";

  function write(element, text) { if (element !== null && element.textContent !== text) element.textContent = text; }

  // Pages

  function want(indices) {
    const topics = new Set(indices.flatMap((i) => plan.pages[i].topics));
    const names = [...topics].filter((t) => t.startsWith("panel:")).map((t) => t.slice(6));
    const text = names.join();
    if (text === wanted || !window.controlRoom?.showPanels) return;
    wanted = text;
    window.controlRoom.showPanels(names);
  }

  /** Shows that page. Cells that stay where they are stay as they are. */
  function show(index) {
    const next = plan.pages[index], before = page(), mine = (turning += 1);
    want([index]);
    dueAt = now() + next.stay_s * 1000 + 2 * FADE_MS;
    const stays = (cell) => next.places[cell.dataset.cell] === before.places[cell.dataset.cell];
    // Whoever was still fading for a turn that this one overtakes would otherwise never be seen again.
    const moving = cellsOf().filter((cell) => !stays(cell) || cell.dataset.fading !== undefined);
    for (const cell of moving) cell.dataset.fading = "1";
    const place = () => {
      if (mine !== turning) return;
      current = index;
      counters.turns += 1;
      for (const cell of cellsOf()) away(cell, !(cell.dataset.cell in next.places));
      main.style.gridTemplateAreas = next.areas;
      write(byId("wall-page-title"), next.title);
      write(wall.querySelector(".wall-title"), next.title);
      write(wall.querySelector(".wall-count"), ` ${index + 1} of ${plan.pages.length}`);
      fitAll();
      layers(next);
      driftOn(still.matches || now() - driftAt >= DRIFT_EVERY_MS);
      for (const cell of moving) {
        const ready = cell.dataset.cell === "map" && "map" in next.places ? drawn() : Promise.resolve();
        ready.then(() => requestAnimationFrame(() => { if (mine === turning) delete cell.dataset.fading; }));
      }
      tell();
    };
    if (still.matches || moving.length === 0) place();
    else setTimeout(() => guard(place), FADE_MS);
  }

  /** The map keeps its size while it is away, so that it need not be painted anew when it comes again. */
  function away(cell, gone) {
    if (gone === (cell.dataset.away !== undefined)) return;
    if (gone && cell.dataset.cell === "map") {
      for (const side of ["width", "height"]) cell.style[side] = `${cell.getBoundingClientRect()[side]}px`;
    }
    if (gone) cell.dataset.away = "1";
    else { delete cell.dataset.away; cell.style.width = cell.style.height = ""; }
    if (cell.dataset.cell === "map") window.controlRoomMap?.rest?.(gone);
  }

  /** When the map has painted what it shall show now; at the latest after a moment. */
  function drawn() {
    return new Promise((resolve) => {
      const timer = setTimeout(done, DRAWN_WITHIN_MS);
      function done() { clearTimeout(timer); document.removeEventListener("controlroom:drawn", done); resolve(); }
      document.addEventListener("controlroom:drawn", done);
    });
  }

  function layers(next) {
    if ("map" in next.places) window.controlRoomLayers?.show?.(next.layers);
  }

  // Rows: what does not fit is left out whole, and counted

  const PINNED = ".sources, .alarms-aside, .unseen";
  const WHOLE = ".key-figure, .kind, .columns, .column-chart, .shares, .against, .bar, .alarm, .skeleton, [data-whole]";
  const HEAD = "caption, thead, h3, h4, .columns-head, .chart-legend";

  const NOTE = ".panel-note, .calm, .share-words, .under";

  const isHead = (unit) => unit.matches(HEAD) || (unit.localName === "p" && unit.textContent.trimEnd().endsWith(":"));

  /** The parts of a panel that may be left out, in the order of reading; into `around` what holds them, with its first one's place. */
  function listUnits(element, around, found = []) {
    for (const child of element.children) {
      if (child.matches(PINNED)) continue;
      const within = !child.matches(WHOLE) && (["TABLE", "TBODY", "UL", "OL", "DL", "SECTION", "ARTICLE"].includes(child.tagName)
        || (child.tagName === "DIV" && child.children.length > 0));
      if (within) {
        const first = found.length;
        listUnits(child, around, found);
        if (found.length > first) around.push([child, first]);
      } else if (child.getClientRects().length > 0) found.push(child);
    }
    return found;
  }

  /** How many rows and other parts stand for these; a line "and 5 more" stands for five. */
  function count(units) {
    const sum = { rows: 0, parts: 0 };
    for (const unit of units) {
      const said = /^and ([\d,]+) more/.exec(unit.textContent);
      if (said !== null) sum.rows += Number(said[1].replaceAll(",", ""));
      else if (isHead(unit) || unit.matches(NOTE)) continue;
      else sum[unit.matches("tr, li, .alarm, .kind") ? "rows" : "parts"] += 1;
    }
    return sum;
  }

  function moreText({ rows, parts }) {
    if (rows > 0) return parts > 0 ? `and ${rows.toLocaleString("en-GB")} more rows, ${plural(parts, "more part")}` : `and ${rows.toLocaleString("en-GB")} more`;
    return `and ${plural(parts, "more part")}`;
  }

  function fit(cell) {
    const frame = cell.querySelector(":scope > .panel-frame"), more = cell.querySelector(":scope > .cell-more");
    if (frame === null || cell.dataset.away !== undefined) return;
    counters.fits += 1;
    for (const cut of frame.querySelectorAll("[data-cut]")) cut.removeAttribute("data-cut");
    more.hidden = true;
    const fits = () => frame.scrollHeight <= frame.clientHeight + 1;
    if (isNarrow() || fits()) return;
    const around = [], units = listUnits(frame.querySelector(".panel"), around);
    more.hidden = false;
    more.textContent = "and";
    // A list or table of which nothing is left is not there at all.
    const keep = (number) => {
      units.forEach((unit, i) => unit.toggleAttribute("data-cut", i >= number));
      for (const [part, first] of around) part.toggleAttribute("data-cut", first >= number);
    };
    let low = 0, high = units.length; // so many fit, so many do not
    for (let guess = Math.min(kept.get(cell) ?? Math.ceil(high / 2), high); high - low > 1; guess = Math.floor((low + high) / 2)) {
      const tried = Math.min(Math.max(guess, low + 1), high - 1);
      keep(tried);
      if (fits()) low = tried; else high = tried;
    }
    while (low > 0 && isHead(units[low - 1])) low -= 1;
    keep(low);
    kept.set(cell, low);
    const left = count(units.slice(low));
    if (left.rows + left.parts > 0) write(more, moreText(left));
    else more.hidden = true; // only notes are left out
  }

  function fitAll() {
    for (const cell of cellsOf()) guard(() => fit(cell));
    observer.takeRecords();
  }

  const isAge = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("[data-since]") !== null;
  const observer = new MutationObserver((records) => {
    const touched = new Set(records.filter((r) => !isAge(r.target)).map((r) => r.target.parentElement?.closest("[data-cell]") ?? r.target.closest?.("[data-cell]")));
    for (const cell of touched) if (cell) guard(() => fit(cell));
    observer.takeRecords();
  });

  // Alarms

  function takeCall(children) {
    const [fault, content] = window.controlRoomCall ? window.controlRoomCall.unpack(children) : [null, children];
    if (fault !== null) waits = { fault: true };
    if (content === null || content === undefined) { tellWaits(); return; }
    const { calls, counts, watched, cut } = content;
    const fresh = Rules.listNew(calls, known);
    known = new Map(calls.map((call) => [call.key, call.raised_at]));
    waits = { fault: fault !== null, counts, watched, first: calls.find((c) => URGENT.includes(c.priority)) ?? null };
    if (hold !== null && !cut.some((p) => URGENT.includes(p))) {
      for (const key of [...hold.keys]) if (!known.has(key)) hold.keys.delete(key);
    }
    if (fresh.length > 0) {
      const keys = new Set([...(hold?.keys ?? []), ...fresh.map((call) => call.key)]);
      hold = { keys, until: now() + plan.hold_s * 1000, title: fresh[0].title };
      const index = placeOfAlarms();
      if (paused === null && index !== current) show(index);
    }
    step();
    tellWaits();
  }

  /** The page that shows alarms: this one, if it does, else the first that does, else this one. */
  function placeOfAlarms() {
    if ("alarms" in page().places) return current;
    const index = plan.pages.findIndex((p) => "alarms" in p.places);
    return index === -1 ? current : index;
  }

  function tellWaits() {
    const line = byId("wall-waits");
    if (line === null || waits === null) return;
    const { fault, counts, watched, first } = waits;
    const most = counts && URGENT.find((p) => counts[p] > 0);
    const sum = counts ? URGENT.filter((p) => counts[p] > 0).map((p) => `${counts[p].toLocaleString("en-GB")} ${p}`).join(", ") : "";
    const text = fault ? "New alarms cannot be told at the moment."
      : !watched ? "No alarm system is at work."
        : most === undefined ? "No high alarm waits." : `${sum} unanswered: ${first === null ? "" : first.title}`;
    line.dataset.priority = fault || !watched ? "high" : most ?? "none";
    if (line.dataset.said === text) return;
    line.dataset.said = text;
    const symbol = Object.assign(document.createElement("span"), { className: most ? `symbol symbol-alarm-${most}-on` : fault || !watched ? "symbol symbol-failing" : "" });
    symbol.setAttribute("aria-hidden", "true");
    line.replaceChildren(...(symbol.className ? [symbol] : []), text);
  }

  // The clock of the city

  function minuteOfDay() {
    const at = window.controlRoom?.serverNow?.() ?? null;
    if (at === null) return null;
    const [hours, minutes] = window.controlRoom.clockText(at).split(":").map(Number);
    return hours * 60 + minutes;
  }

  /** Index of the page of quiet hours; -1 outside them, and before the clock is known. */
  function quietPage(minute) {
    const quiet = minute === null ? undefined : plan.quiet.find(([from, until]) => Rules.within(minute, from, until));
    return quiet === undefined ? -1 : plan.pages.findIndex((p) => p.name === quiet[2]);
  }

  function dim(minute) {
    const urgent = waits?.counts && URGENT.some((p) => waits.counts[p] > 0);
    const night = plan.night !== null && minute !== null && Rules.within(minute, plan.night[0], plan.night[1]) && !urgent;
    if (night === (wall.dataset.night !== undefined)) return;
    if (night) { wall.dataset.night = "1"; wall.style.setProperty("--dark", String(1 - plan.night[2])); }
    else delete wall.dataset.night;
  }

  function driftOn(due) {
    if (!due || plan.drift_px === 0) return;
    driftAt = now();
    const [x, y] = Rules.drift((driftStep += 1), plan.drift_px);
    wall.style.translate = `${x}px ${y}px`;
  }

  // What the rotation does, and what stops it

  /** Why it stands; null while it goes on. */
  function reason(quiet = quietPage(minuteOfDay())) {
    if (paused !== null) return paused;
    if (hold !== null) return "alarm";
    if (main.contains(document.activeElement) && now() - touchedAt < TOUCHED_MS) return "focus";
    return quiet !== -1 ? "quiet" : null;
  }

  const WORDS = {
    hand: "Paused", narrow: "Paused: pages turn by themselves on a wall", alarm: "Stays for a new alarm",
    focus: "Stays while something here is chosen", quiet: "Quiet hours",
  };

  function tell(why = reason()) {
    write(byId("wall-state"), plan.pages.length > 1 && why !== null ? WORDS[why] : "");
    const bar = byId("wall-keys"), button = bar?.querySelector('[data-turn="pause"]');
    if (!button) return;
    write(button, paused === null ? "Pause" : "Go on");
    bar.toggleAttribute("data-shown", now() - pointerAt < POINTER_MS || isNarrow());
  }

  function step() {
    const minute = minuteOfDay(), quiet = quietPage(minute);
    if (hold !== null && (hold.keys.size === 0 || now() >= hold.until)) { hold = null; dueAt = now() + 5000; }
    const why = reason(quiet), next = (current + 1) % plan.pages.length;
    dim(minute);
    if (why === "quiet" && current !== quiet) show(quiet);
    else if (why === null && plan.pages.length > 1) {
      if (now() >= dueAt) show(next);
      else if (dueAt - now() <= AHEAD_MS) want([current, next]);
    }
    if (!still.matches && now() - driftAt >= DRIFT_EVERY_MS) driftOn(true);
    tell(why);
  }

  /** A fault in one panel or page is told once and costs that page its turn, nothing more. */
  function guard(call) {
    try { call(); }
    catch (error) {
      counters.errors += 1;
      dueAt = Math.max(dueAt, now() + 5000);
      if (counters.errors <= 5) console.error("wall:", error);
    }
  }

  function turn(by) {
    const pages = plan.pages.length;
    hold = null;
    show((current + by + pages) % pages);
  }

  const turns = {
    back: () => turn(-1),
    on: () => turn(1),
    pause: () => { paused = paused === null ? "hand" : null; dueAt = now() + page().stay_s * 1000; tell(); },
  };

  // Whether the wall still hangs as it was served

  async function ask() {
    askedAt = now();
    try {
      const answer = await fetch(`/wall/${plan.name}/state`, { cache: "no-store" });
      const state = answer.status === 404 ? { fault: "This wall is no more in the file of walls.", version: plan.version } : await answer.json();
      const line = byId("wall-fault");
      if (line !== null) { line.hidden = state.fault === null; write(line, state.fault ?? ""); }
      if (state.version !== plan.version && state.fault === null && hold === null && !leaving) { leaving = true; location.reload(); }
    } catch { /* the bar of the channel says that the server is away */ }
  }

  // Keys and pointer

  const KEYS = { ArrowLeft: "back", ArrowRight: "on", " ": "pause", p: "pause" };

  document.addEventListener("keydown", (event) => {
    touchedAt = now();
    if (plan === null || plan.pages.length < 2 || event.ctrlKey || event.metaKey || event.altKey) return;
    // The map has arrows of its own, a button its space.
    if (event.target.closest?.(".leaflet-container, input, textarea, select") || (event.key === " " && event.target.closest?.("button, a"))) return;
    const action = KEYS[event.key];
    if (action === undefined) return;
    event.preventDefault();
    guard(turns[action]);
  });
  document.addEventListener("click", (event) => {
    const button = plan === null ? null : event.target.closest?.("[data-turn]");
    if (button) guard(turns[button.dataset.turn]);
  });
  document.addEventListener("pointermove", () => {
    const shown = now() - pointerAt < POINTER_MS;
    touchedAt = pointerAt = now();
    if (!shown && plan !== null) tell();
  }, { passive: true });
  document.addEventListener("controlroom:panel", (event) => {
    if (plan !== null && event.detail.name === "alarm_call") guard(() => takeCall(event.detail.children));
  });

  // Start

  function start(element) {
    wall = element;
    plan = JSON.parse(wall.dataset.plan);
    main = byId("wall-pages");
    if (wall.dataset.rootVw) document.documentElement.style.fontSize = `max(100%, ${wall.dataset.rootVw}vw)`;
    dueAt = now() + page().stay_s * 1000;
    driftAt = now();
    askedAt = now();
    if (isNarrow()) paused = "narrow";
    observer.observe(main, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-cut"] });
    new ResizeObserver(() => { kept.clear(); fitAll(); }).observe(main);
    document.fonts?.ready.then(() => guard(fitAll));
    guard(fitAll);
    setInterval(() => guard(() => { step(); if (now() - askedAt >= ASK_EVERY_MS) ask(); }), TICK_MS);
    tell();
  }

  const find = () => { const found = document.querySelector("#wall[data-plan]"); if (found !== null && plan === null) start(found); return plan !== null; };
  if (!find()) {
    const watch = new MutationObserver(() => { if (find()) watch.disconnect(); });
    watch.observe(document.documentElement, { childList: true, subtree: true });
  }

  window.controlRoomWall = {
    Rules,
    /** By so many pages, as the keys do. */
    turn: (by) => guard(() => turn(by)),
    /** Asks the server at once whether the file of walls has changed. */
    ask,
    debug: () => ({
      page: plan === null ? null : page().name, why: plan === null ? null : reason(), due_ms: dueAt - now(), paused, wanted,
      held: hold === null ? [] : [...hold.keys], night: wall?.dataset.night !== undefined, ...counters,
    }),
  };
})();
