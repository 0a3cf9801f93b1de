/* The operators' alarm list: rows, filters, selection, keys and forms.
 *
 * Made from the panel `alarm_list`. Rows are kept by key and only written where they differ, so selection,
 * focus and scroll outlast every renewal. While somebody works in the list nothing moves under the hand:
 * what is new waits behind a line that says so, what is gone stays in its place and says that.
 */
(() => {
  "use strict";

  const PRIORITIES = ["highest", "high", "medium", "low"];
  const LISTED = ["unacknowledged", "returned", "acknowledged", "latched"];
  const SHAPES = { unacknowledged: "on", returned: "back", acknowledged: "acked", latched: "latched", normal: "acked" };
  const HAND_MS = 2500; // a pointer that moved over the list this lately is about to click
  const SHOW = {
    needed: ["Needs somebody", (row) => LISTED.includes(row.state)],
    open: ["Not acknowledged", (row) => row.state === "unacknowledged" || row.state === "returned"],
    mine: ["Mine", (row, me) => row.assigned_to === me && me !== ""],
    nodata: ["Without data", (row) => row.no_data_since !== undefined],
    aside: ["Put aside", (row) => !LISTED.includes(row.state) && row.state !== "normal"],
    all: ["Everything", () => true],
  };
  const KEYS_OFF = "control-room.keys-off";

  let root = null, data = null, rows = new Map(), lines = new Map(), shown = [], current = null, opened = null;
  let chosen = null, selected = new Set(), unfolded = new Set(), pending = [], handAt = -Infinity, anchor = null, busy = new Set();
  let asked = new URLSearchParams(location.search).get("alarm"); // what a link to this page opens, until it has
  let anew = false; // the next list is of another moment: it replaces what is shown, whatever the hand does
  const filter = { priorities: new Set(PRIORITIES), show: "needed", system: "", text: "" };
  const parts = {};

  const commands = () => window.controlRoomCommands;
  const element = (tag, properties, ...children) => commands().element(tag, properties, ...children);
  const words = (state) => data?.words[state] ?? "state not known";
  const count = (n) => n.toLocaleString("en-GB");
  const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
  const titleOf = (row) => row.title || row.subject || row.alarm_key;

  function write(target, text) { if (target.textContent !== text) target.textContent = text; }
  function mark(target, name, value) {
    if (value === null || value === false) target.removeAttribute(name);
    else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
  }
  const picture = (name) => { const made = element("span", { className: `symbol symbol-${name}` }); made.setAttribute("aria-hidden", "true"); return made; };
  const shape = (row) => `alarm-${row.priority ?? "highest"}-${SHAPES[row.state] ?? "aside"}`;
  function age(iso) {
    const made = element("time", { className: "age" });
    if (iso === undefined) made.textContent = "time not known"; else made.dataset.since = String(Date.parse(iso));
    return made;
  }
  const clock = (iso) => (iso === undefined ? "—" : window.controlRoom.clockText(Date.parse(iso)).slice(0, 5));
  const button = (text, action, className = "") => element("button", { type: "button", textContent: text, className, onclick: action });

  // The frame, once

  function build(place) {
    root = place;
    for (const name of ["fault", "failures", "tools", "actions", "news", "list", "confirmed", "foot"]) parts[name] = element("div", { className: `desk-${name}` });
    // A screen that shows other things in detail as well has a place for guidance among them.
    const given = document.getElementById("alarm-guidance");
    parts.detail = given ?? element("aside", { className: "desk-detail", id: "alarm-detail", tabIndex: -1 });
    parts.detail.setAttribute("aria-label", "Guidance");
    if (given !== null) given.addEventListener("keydown", press);
    parts.status = element("p", { className: "desk-status" });
    parts.status.setAttribute("role", "status");
    parts.list.tabIndex = 0;
    parts.list.setAttribute("role", "region");
    parts.list.setAttribute("aria-label", "Alarms");
    buildTools();
    buildTable();
    buildActions();
    parts.newsText = element("span", {});
    parts.news.append(parts.newsText, button("Show (n)", () => release(true)));
    parts.news.hidden = true;
    // A line of its own height, filled or not: neither a confirmation nor news may move the list.
    const line = element("div", { className: "desk-line" }, parts.confirmed, parts.news);
    const left = element("div", { className: "desk-left" }, parts.tools, parts.actions, line, parts.list, parts.foot, parts.status);
    root.replaceChildren(parts.fault, parts.failures, element("div", { className: "desk-body" }, left, ...(given === null ? [parts.detail] : [])));
    commands().attach(parts.failures, parts.confirmed, root.dataset.commands);
    root.addEventListener("keydown", press);
    parts.list.addEventListener("pointermove", () => { handAt = performance.now(); });
    parts.list.addEventListener("scroll", () => { if (!isHeld()) release(false); }, { passive: true });
    window.controlRoomGuidance.attach(parts.detail, root.dataset.journal, escape);
    showDetail();
  }

  function buildTools() {
    parts.priorities = new Map(PRIORITIES.map((priority) => {
      const number = element("b", { textContent: "—" });
      const made = element("button", { type: "button", className: "desk-priority", onclick: () => togglePriority(priority) }, picture(`alarm-${priority}-on`), number, ` ${priority}`);
      made.setAttribute("aria-pressed", "true");
      return [priority, { made, number }];
    }));
    const select = (label, options, change) => {
      const made = element("select", { onchange: () => { change(made.value); filterChanged(); } }, ...options.map(([value, text]) => element("option", { value, textContent: text })));
      return [element("label", {}, element("span", { className: "unseen", textContent: label }), made), made];
    };
    const [showLabel, show] = select("Which alarms", Object.entries(SHOW).map(([value, [text]]) => [value, text]), (value) => { filter.show = value; });
    const [systemLabel, system] = select("System", [["", "All systems"]], (value) => { filter.system = value; });
    [parts.show, parts.system] = [show, system];
    parts.search = element("input", { type: "search", placeholder: "Search", oninput: () => { filter.text = parts.search.value.trim().toLowerCase(); filterChanged(); } });
    parts.search.setAttribute("aria-label", "Search in title, place, system and names");
    parts.who = button("", () => askName());
    const sound = element("span", { id: "alarm-sound-place", className: "desk-sound" });
    const group = element("div", { className: "desk-priorities" }, ...[...parts.priorities.values()].map((p) => p.made));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Priorities shown");
    parts.tools.append(group, showLabel, systemLabel, parts.search, element("span", { className: "desk-space" }), sound, parts.who, button("Keys", showKeys), element("a", { href: "/alarms/health", className: "desk-health", textContent: "Health" }));
    writeWho();
  }

  function buildTable() {
    const heads = ["Select", "Alarm", "Priority", "State", "Since", "Respond by", "Handled by", "System"];
    parts.every = element("input", { type: "checkbox", onchange: () => selectEvery(parts.every.checked) });
    parts.every.setAttribute("aria-label", "Select all that are shown");
    const cells = heads.map((text, i) => {
      const head = element("th", { scope: "col" }, i === 0 ? parts.every : text);
      return head;
    });
    parts.body = element("tbody", {});
    parts.caption = element("caption", { className: "unseen", textContent: "Alarms" });
    parts.table = element("table", { className: "desk-table" }, parts.caption, element("thead", {}, element("tr", {}, ...cells)), parts.body);
    parts.empty = element("p", { className: "calm desk-empty" });
    parts.list.append(parts.table, parts.empty);
  }

  function buildActions() {
    parts.target = element("p", { className: "desk-target" });
    parts.folded = element("label", { className: "desk-folded", hidden: true }, element("input", { type: "checkbox", checked: true, onchange: writeActions }), element("span", {}));
    parts.comment = element("input", { type: "text", maxLength: 500, placeholder: "Comment (optional)" });
    parts.comment.setAttribute("aria-label", "Comment, kept with what you do next");
    const act = (text, action, run) => { const made = button(text, run); made.dataset.action = action; return made; };
    parts.buttons = [
      act("Acknowledge (a)", "acknowledge", () => perform("acknowledge", {})),
      act("Shelve… (s)", "shelve", () => ask("shelve")),
      act("I handle it (t)", "assign", () => take()),
      act("Assign…", "assign", () => ask("assign")),
      act("Comment… (c)", "comment", () => ask("comment")),
      act("Out of service…", "out_of_service", () => ask("out_of_service")),
      act("Unshelve", "unshelve", () => perform("unshelve", {})),
      act("Into service", "in_service", () => perform("in_service", {})),
      act("Reset", "reset", () => perform("reset", {})),
    ];
    parts.none = button("Select none", () => { selected.clear(); writeSelection(); release(false); });
    parts.past = element("p", { className: "desk-past", hidden: true, textContent: "Commands are off: this list is of the past. L goes back to LIVE." });
    parts.actions.append(parts.past, parts.target, parts.folded, ...parts.buttons, parts.comment, parts.none);
    parts.actions.setAttribute("role", "group");
    parts.actions.setAttribute("aria-label", "Actions");
  }

  // What came

  document.addEventListener("controlroom:panel", (event) => {
    if (event.detail.name !== "alarm_list") return;
    event.preventDefault();
    const place = document.getElementById("alarm-desk");
    if (place === null) return;
    if (place !== root) { build(place); document.dispatchEvent(new CustomEvent("controlroom:desk")); }
    const [fault, content] = window.controlRoomCall.unpack(event.detail.children);
    // Said above the list, which then is older than it looks; what was known stays.
    window.controlRoomPanels.patch(parts.fault, fault ?? []);
    window.controlRoom.writeAges(parts.fault);
    if (content === null) return;
    data = content;
    rows = new Map(data.rows.map((row) => [row.alarm_key, row]));
    renew();
    // A link to one alarm (search, a message) opens it, once.
    if (asked !== null && rows.has(asked)) { const key = asked; asked = null; open(key); }
  });

  function renew() {
    writeTools();
    const wanted = listWanted();
    if (isHeld() && !anew) hold(wanted);
    else { pending = []; shown = wanted; }
    anew = false;
    draw();
    if (opened !== null) showDetail();
  }

  function isMatch(row) {
    const text = filter.text;
    return filter.priorities.has(row.priority ?? "highest") && SHOW[filter.show][1](row, commands().name())
      && (filter.system === "" || row.system === filter.system)
      && (text === "" || [titleOf(row), row.subject, row.locality, row.system, row.assigned_to, row.acknowledged_by, row.owner, row.rule]
        .some((value) => value !== undefined && value.toLowerCase().includes(text)));
  }

  /** Keys to be shown, in the server's order: what is folded stands under its first, where somebody has unfolded it. */
  function listWanted() {
    const under = new Map(), wanted = [];
    for (const row of data.rows) if (isFolded(row)) under.set(row.folded_under, [...(under.get(row.folded_under) ?? []), row.alarm_key]);
    for (const row of data.rows) {
      if (isFolded(row) || !isMatch(row)) continue;
      wanted.push(row.alarm_key);
      if (unfolded.has(row.alarm_key)) wanted.push(...(under.get(row.alarm_key) ?? []));
    }
    return wanted;
  }

  const isFolded = (row) => row.folded_under !== undefined && LISTED.includes(row.state) && (rows.get(row.folded_under)?.folded ?? 0) > 0;
  // More than there are rows for: of a flood the keys are enough to answer for it.
  const listUnder = (key) => data.under[key] ?? [];

  // Nothing moves under the hand

  function isHeld() {
    // Of another moment nothing is held: rows of then must not stand among rows of now.
    if (isPast()) return false;
    return selected.size > 0 || parts.list.scrollTop > 4 || performance.now() - handAt < HAND_MS || document.querySelector("dialog[open]") !== null
      || parts.body.contains(document.activeElement);
  }

  function hold(wanted) {
    const held = new Set(shown);
    pending = wanted.filter((key) => !held.has(key));
    if (shown.length === 0) release(false);
  }

  /** Shows the list as it now is. */
  function release(toTop) {
    pending = [];
    shown = listWanted();
    for (const key of selected) if (!rows.has(key)) selected.delete(key);
    draw();
    if (!toTop) return;
    parts.list.scrollTop = 0;
    if (shown.length > 0) go(shown[0]);
  }

  // Drawing

  function draw() {
    const keep = new Set(shown), focus = document.activeElement;
    for (const [key, line] of lines) if (!keep.has(key)) { line.row.remove(); lines.delete(key); }
    if (current === null || !keep.has(current)) current = shown[0] ?? null;
    // The row that Tab reaches is not yet one that somebody has chosen: what is done must never hit another alarm.
    if (!keep.has(chosen)) chosen = null;
    let next = parts.body.firstChild;
    for (const key of shown) {
      const line = lines.get(key) ?? makeLine(key);
      writeLine(line, rows.get(key));
      if (line.row === next) next = next.nextSibling;
      else parts.body.insertBefore(line.row, next);
    }
    if (focus !== document.activeElement && parts.body.contains(focus)) focus.focus({ preventScroll: true });
    window.controlRoom.writeAges(parts.body);
    writeDue();
    writeSelection();
    writeNews();
  }

  function makeLine(key) {
    const line = { key, cells: {}, seq: undefined };
    const cell = (name, ...children) => { line.cells[name] = element("td", { className: `cell-${name}` }, ...children); return line.cells[name]; };
    line.box = element("input", { type: "checkbox", tabIndex: -1, onclick: (event) => toggle(key, event.shiftKey) });
    line.symbol = picture("alarm-low-on");
    line.title = element("button", { type: "button", className: "desk-title", tabIndex: -1, onclick: () => open(key) });
    line.under = button("", () => { if (!unfolded.delete(key)) unfolded.add(key); release(false); }, "desk-unfold");
    line.under.tabIndex = -1;
    line.place = element("span", { className: "desk-place" });
    const head = element("th", { scope: "row" }, line.symbol, line.title, line.under, line.place);
    line.row = element("tr", {}, cell("select", line.box), head, cell("priority"), cell("state"), cell("since"), cell("due"), cell("who"), cell("system"));
    line.row.dataset.key = key;
    for (const [name, text] of [["priority", "Priority"], ["state", "State"], ["since", "Since"], ["due", "Respond by"], ["who", "Handled by"], ["system", "System"]]) line.cells[name].dataset.head = text;
    line.row.addEventListener("focusin", () => choose(key));
    lines.set(key, line);
    return line;
  }

  function choose(key) {
    if (chosen === key && current === key) return;
    const before = current;
    [chosen, current] = [key, key];
    writeTabs(before);
    writeTabs(key);
    writeActions();
  }

  function writeLine(line, row) {
    mark(line.row, "data-gone", row === undefined ? "1" : null);
    if (row === undefined) { write(line.cells.state, "no longer in the list"); return; }
    const facts = JSON.stringify(row) + unfolded.has(line.key);
    if (line.facts === facts) return;
    line.facts = facts;
    line.symbol.className = `symbol symbol-${shape(row)}`;
    write(line.title, titleOf(row));
    line.box.setAttribute("aria-label", `Select ${titleOf(row)}`);
    mark(line.row, "class", `is-${row.state}${isFolded(row) ? " is-folded" : ""}`);
    const more = row.folded ?? 0;
    line.under.hidden = more === 0;
    write(line.under, more === 0 ? "" : `and ${count(more)} like it`);
    mark(line.under, "aria-expanded", more === 0 ? null : unfolded.has(line.key));
    write(line.place, row.locality ?? "");
    write(line.cells.priority, row.priority ?? "not known");
    const said = [words(row.state)];
    if (row.state === "shelved" && row.shelved_until) said.push(` until ${clock(row.shelved_until)}`);
    if (row.is_latched && row.state !== "latched") said.push(", latched");
    if ((row.level ?? 0) > 0) said.push(`, escalated ${row.level === 1 ? "once" : `${row.level} times`}`);
    line.cells.state.replaceChildren(said.join(""));
    if (row.no_data_since !== undefined) line.cells.state.append(element("span", { className: "desk-nodata" }, picture("unknown"), "no data for ", age(row.no_data_since)));
    line.cells.since.replaceChildren(age(row.raised_at));
    line.cells.due.replaceChildren();
    line.due = row.respond_by !== undefined && (row.state === "unacknowledged" || row.state === "acknowledged") ? Date.parse(row.respond_by) : null;
    const who = row.assigned_to ? `${row.assigned_to} is handling this` : row.acknowledged_by && !["unacknowledged", "returned"].includes(row.state) ? `acknowledged by ${row.acknowledged_by}` : "nobody yet";
    write(line.cells.who, who);
    mark(line.cells.who, "class", who === "nobody yet" ? "cell-who none" : "cell-who");
    write(line.cells.system, row.system ?? "—");
  }

  /** "14:10, in 4 min", "14:10, late by 2 min": the one text here that time alone changes. */
  function writeDue() {
    const now = window.controlRoom?.serverNow();
    if (now === null || now === undefined) return;
    for (const key of shown) {
      const { due, cells, row } = lines.get(key);
      if (due === null || due === undefined) continue;
      const minutes = Math.round(Math.abs(due - now) / 60000), late = now > due;
      const span = minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
      write(cells.due, `${window.controlRoom.clockText(due).slice(0, 5)}, ${late ? "late by" : "in"} ${span}`);
      mark(row, "data-late", late ? "1" : null);
    }
  }

  function writeTabs(key) {
    const line = lines.get(key);
    if (line === undefined) return;
    const index = key === current ? 0 : -1;
    for (const target of [line.box, line.title, line.under]) if (target.tabIndex !== index) target.tabIndex = index;
    mark(line.row, "data-chosen", key === chosen ? "1" : null);
  }

  function writeSelection() {
    for (const [key, line] of lines) {
      if (line.box.checked !== selected.has(key)) line.box.checked = selected.has(key);
      mark(line.row, "data-selected", selected.has(key) ? "1" : null);
      mark(line.row, "data-busy", busy.has(key) ? "1" : null);
      mark(line.row, "data-opened", key === opened ? "1" : null);
      writeTabs(key);
    }
    const all = shown.length > 0 && shown.every((key) => selected.has(key));
    parts.every.checked = all;
    parts.every.indeterminate = !all && selected.size > 0;
    writeActions();
  }

  function writeNews() {
    const fresh = pending.map((key) => rows.get(key)), worst = PRIORITIES.find((p) => fresh.some((row) => row.priority === p));
    parts.news.hidden = fresh.length === 0;
    if (fresh.length === 0) return;
    const first = fresh.find((row) => row.priority === worst);
    write(parts.newsText, `${count(fresh.length)} new, ${count(fresh.filter((row) => row.priority === worst).length)} ${worst}: ${titleOf(first)}`);
  }

  function writeTools() {
    for (const [priority, { made, number }] of parts.priorities) {
      write(number, count(data.counts[priority]));
      made.title = `${count(data.unanswered[priority])} not acknowledged`;
    }
    const systems = [...new Set(data.rows.map((row) => row.system).filter((system) => system !== undefined))].sort();
    if (parts.system.options.length !== systems.length + 1 || systems.some((system, i) => parts.system.options[i + 1].value !== system)) {
      const chosen = filter.system;
      if (chosen !== "" && !systems.includes(chosen)) systems.push(chosen);
      parts.system.replaceChildren(...[["", "All systems"], ...systems.map((s) => [s, s])].map(([value, text]) => element("option", { value, textContent: text })));
      parts.system.value = chosen;
    }
    const aside = Object.entries(data.aside).filter(([, n]) => n > 0).map(([state, n]) => `${count(n)} ${state.replaceAll("_", " ")}`);
    const said = [...data.faults];
    if (data.left_out.listed > 0) said.push(`${count(data.left_out.listed)} more are not listed here: these are the most urgent.`);
    if (aside.length > 0) said.push(`Put aside: ${aside.join(" · ")}.`);
    if (data.no_data > 0) said.push(`${count(data.no_data)} without data.`);
    write(parts.foot, said.join(" "));
    mark(parts.foot, "data-fault", data.faults.length > 0 ? "1" : null);
  }

  function writeEmpty() {
    const none = shown.length === 0, calm = none && data !== null && data.rows.every((row) => !LISTED.includes(row.state));
    parts.table.hidden = none;
    parts.empty.hidden = !none;
    write(parts.empty, !none ? "" : calm && filter.show === "needed" ? data.calm ?? "" : "No alarm fits what you look for.");
  }

  // Whom a command is for

  /** Those selected; else the one that somebody went to; else the one whose guidance is open. */
  const listChosen = () => (selected.size > 0 ? [...selected] : [chosen ?? opened]).filter((key) => rows.has(key));

  function listTargets() {
    const present = listChosen();
    const under = parts.folded.firstChild.checked ? present.flatMap(listUnder) : [];
    return [...new Set([...present, ...under])];
  }

  function writeActions() {
    const targets = listChosen();
    const folded = targets.reduce((sum, key) => sum + listUnder(key).length, 0);
    parts.folded.hidden = folded === 0;
    write(parts.folded.lastChild, ` and ${count(folded)} folded under ${targets.length === 1 ? "it" : "them"}`);
    write(parts.target, targets.length === 0 ? "No alarm chosen" : selected.size > 0 ? `${plural(targets.length, "alarm")} selected` : titleOf(rows.get(targets[0])));
    const states = new Set(targets.map((key) => rows.get(key).state)), has = (...names) => names.some((name) => states.has(name));
    const fits = { acknowledge: targets.length > 0, unshelve: has("shelved"), in_service: has("out_of_service"),
      reset: has("latched") || targets.some((key) => rows.get(key).is_latched || rows.get(key).no_data_since) };
    for (const made of parts.buttons) {
      const action = made.dataset.action;
      made.hidden = action in fits && action !== "acknowledge" && !fits[action];
      mark(made, "aria-disabled", targets.length === 0 || isPast() ? "true" : null);
    }
    parts.none.hidden = selected.size === 0;
    parts.past.hidden = !isPast();
    writeEmpty();
  }

  // A list of the past is looked at, not acted upon: a command would hit the alarm as it is now, which nobody here sees.
  const isPast = () => document.documentElement.dataset.replaying !== undefined;
  const sayPast = () => write(parts.status, `${parts.past.textContent}\u200b`);
  document.addEventListener("controlroom:replay", () => { if (root?.isConnected && data !== null) { anew = true; selected.clear(); pending = []; writeSelection(); } });

  // Doing it

  /** Sends the command for `wanted`, as they were when the person decided, and shows that it is being written. */
  async function perform(action, options, wanted = listTargets()) {
    if (isPast()) { sayPast(); return; }
    const targets = wanted.filter((key) => !busy.has(key));
    if (targets.length === 0) { if (wanted.length === 0) chooseFirst(); return; }
    if (commands().name() === "" && !(await askName())) return;
    const why = options.why ?? parts.comment.value.trim(), titles = new Map(targets.filter((key) => rows.has(key)).map((key) => [key, titleOf(rows.get(key))]));
    for (const key of targets) busy.add(key);
    const buttons = parts.buttons.filter((made) => made.dataset.action === action), texts = buttons.map((made) => made.textContent);
    for (const made of buttons) { made.textContent = "Being written…"; made.dataset.writing = "1"; }
    writeSelection();
    const done = await commands().send(action, targets, { ...options, ...(why === "" ? {} : { why }) }, commands().name(), titles);
    buttons.forEach((made, i) => { made.textContent = texts[i]; delete made.dataset.writing; });
    for (const key of targets) busy.delete(key);
    if (done) { parts.comment.value = ""; for (const key of targets) selected.delete(key); }
    writeSelection();
  }

  async function take() {
    if (isPast()) { sayPast(); return; }
    if (commands().name() === "" && !(await askName())) return;
    await perform("assign", { to: commands().name(), why: "" });
  }

  const chooseFirst = () => write(parts.status, "No alarm is chosen: j, or a click, chooses one.");

  async function askName() {
    const name = await window.controlRoomForms.name(commands().name());
    if (name === null) return false;
    commands().rename(name);
    writeWho();
    return true;
  }

  const writeWho = () => write(parts.who, commands().name() === "" ? "Who are you?" : `You are ${commands().name()}`);

  /** Opens the form of that action, then does what was filled in. */
  async function ask(action) {
    if (isPast()) { sayPast(); return; }
    const targets = listTargets();
    if (targets.length === 0) { chooseFirst(); return; }
    const what = targets.length === 1 ? `“${titleOf(rows.get(targets[0]))}”` : plural(targets.length, "alarm");
    const names = [...new Set([commands().name(), ...data.rows.flatMap((row) => [row.assigned_to, row.acknowledged_by])].filter(Boolean))].sort();
    const options = await window.controlRoomForms[action](what, action === "assign" ? names : parts.comment.value.trim());
    if (options !== null) await perform(action, options, targets);
  }

  const showKeys = () => window.controlRoomForms.keys(localStorage.getItem(KEYS_OFF) !== "1", (on) => localStorage.setItem(KEYS_OFF, on ? "" : "1"));

  // Selection and keys

  function toggle(key, range) {
    const on = !selected.has(key);
    const [from, to] = [shown.indexOf(range && anchor !== null ? anchor : key), shown.indexOf(key)];
    for (const k of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) if (on) selected.add(k); else selected.delete(k);
    anchor = key;
    writeSelection();
  }

  function selectEvery(on) {
    selected = new Set(on ? shown.filter((key) => rows.has(key)) : []);
    writeSelection();
  }

  function go(key) {
    const line = lines.get(key);
    if (line === undefined) return;
    line.title.focus({ preventScroll: true });
    line.row.scrollIntoView({ block: "nearest" });
  }

  const step = (by) => { if (shown.length > 0) go(shown[Math.min(shown.length - 1, Math.max(0, parts.body.contains(document.activeElement) ? shown.indexOf(current) + by : shown.indexOf(current)))]); };

  const letters = {
    j: () => step(1), k: () => step(-1), n: () => { if (!parts.news.hidden) release(true); }, "?": showKeys, "/": () => parts.search.focus(),
    a: () => perform("acknowledge", {}), s: () => ask("shelve"), t: () => take(), c: () => ask("comment"), m: () => window.controlRoomCall.silence(),
  };
  const others = {
    ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => go(shown[0]), End: () => go(shown.at(-1)), Escape: () => escape(),
  };

  function press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest("dialog, input:not([type=checkbox]), textarea, select")) return;
    const inList = parts.list.contains(event.target);
    // On a title Space selects, as it does on the box beside it; elsewhere it is a button's own.
    if (event.key === " " && event.target.classList.contains("desk-title")) { event.preventDefault(); toggle(current, event.shiftKey); return; }
    const action = (event.key === "Escape" || inList ? others[event.key] : undefined) ?? (localStorage.getItem(KEYS_OFF) === "1" ? undefined : letters[event.key]);
    if (action === undefined) return;
    event.preventDefault();
    action();
  }
  // A letter counts wherever the focus is on this screen; arrows only in the list.
  document.addEventListener("keydown", (event) => { if (root?.isConnected && event.target === document.body) press(event); });

  function escape() {
    if (opened !== null) { const key = opened; close(); go(key); }
    else if (selected.size > 0) { selected.clear(); writeSelection(); }
  }

  function togglePriority(priority) {
    if (!filter.priorities.delete(priority)) filter.priorities.add(priority);
    parts.priorities.get(priority).made.setAttribute("aria-pressed", String(filter.priorities.has(priority)));
    filterChanged();
  }

  function filterChanged() {
    if (data === null) return;
    const visible = new Set(listWanted());
    // What cannot be seen must not be acted upon.
    for (const key of selected) if (!visible.has(key)) selected.delete(key);
    release(false);
    write(parts.status, `${plural(shown.length, "alarm")} shown.`);
  }

  // Guidance

  function showDetail() {
    const row = rows.get(opened);
    mark(root, "data-detail", opened === null ? null : "1");
    const about = row === undefined ? null : { row, guide: data.guides[row.guide] ?? {}, words: words(row.state), shape: shape(row), title: titleOf(row) };
    window.controlRoomGuidance.show(opened, about);
  }

  const tellPicked = (key) => document.dispatchEvent(new CustomEvent("controlroom:picked", { detail: { kind: "alarm", key, from: "list" } }));

  function open(key) {
    opened = key;
    showDetail();
    writeSelection();
    tellPicked(key);
    parts.detail.focus({ preventScroll: true });
    if (matchMedia("(max-width: 60rem)").matches) parts.detail.scrollIntoView({ block: "start" });
  }

  function close() { opened = null; showDetail(); writeSelection(); tellPicked(null); }

  /** For screens that hold more than this list: its keys from elsewhere, its list of keys, and an alarm found elsewhere. */
  window.controlRoomAlarmDesk = { press: (event) => { if (root?.isConnected) press(event); }, showKeys, open: (key) => { if (root?.isConnected && rows.has(key)) open(key); } };

  // A hand that has gone lets the list go on; and due times run.
  setInterval(() => {
    if (root === null || data === null || !root.isConnected) return;
    if (pending.length > 0 && !isHeld()) release(false);
    writeDue();
  }, 1000);
  document.addEventListener("controlroom:desk-focus", () => { if (current !== null) go(current); else parts.search.focus(); });
})();
