/* Notes by place and thing: the list and its forms on /handover. Beside a thing on another screen: handover_beside.js. */
(() => {
  "use strict";

  const WITHIN_MS = 8000, TYPED_MS = 250;
  const LASTS = [["8 hours", 28800], ["24 hours", 86400], ["3 days", 259200], ["7 days", 604800], ["30 days", 2592000]];
  const USUAL_S = 86400;
  const ABOUT = { room: "control room", place: "place", road: "road", point: "point on the map", vehicle: "vehicle", cell: "5G cell", feed: "feed", alarm: "alarm",
    display: "display", request: "service request", route: "route", stop: "stop", hire_station: "hire station", service: "digital service",
    disruption: "disruption", event: "event", airspace: "airspace", other: "" };
  const DEEDS = { added: "added", done: "said that it is done", kept: "kept it on", reopened: "opened it again" };

  const { element } = window.controlRoomCommands;
  let tools = null, place = null, parts = null;

  // The list on /handover

  const about = (note) => (note.about === "room" ? "Control room" : note.label);
  /** What sort of thing it is, where its name does not say so. */
  const sort = (note) => { const words = ABOUT[note.about] ?? note.about; return note.about === "room" || words === "" ? "" : ` · ${words}`; };

  const SHOWN = { place: (key) => `/map?${new URLSearchParams({ place: key })}`, point: (key) => `/map?at=${encodeURIComponent(key)}`,
    vehicle: (key) => `/map?${new URLSearchParams({ follow: key })}`, cell: (key) => `/map?${new URLSearchParams({ cell: key, layers: "alarms,cells" })}`,
    request: (key) => `/map?${new URLSearchParams({ request: key, layers: "alarms,requests" })}`, feed: (key) => `/feeds#feed-${encodeURIComponent(key)}`,
    alarm: (key) => `/alarms?${new URLSearchParams({ alarm: key })}`, display: (key) => `/admin/screens#display-${encodeURIComponent(key)}` };

  /** What it is about, as a link to where that is seen. */
  function subject(note) {
    const words = element("b", { textContent: about(note) });
    return note.about in SHOWN ? element("a", { href: SHOWN[note.about](note.key) }, words) : words;
  }

  function describe(note, when) {
    const ends = { open: `until ${when(note.until)}`, done: `done, says ${note.done_by}, ${when(note.done_at ?? note.until)}`, over: `time was over ${when(note.until)}, not done` }[note.state];
    const said = note.entries.map((e) => element("li", {}, element("p", { textContent: `${e.by} ${DEEDS[e.what] ?? e.what}, ${when(e.at)}${e.text === "" ? "" : ":"}` }), ...lines(e.text)));
    return [element("p", {}, subject(note), element("span", { className: "reason", textContent: `${sort(note)} · ${ends}` })), ...lines(note.text),
      element("p", { className: "reason", textContent: `Note ${note.number}, ${note.by}, ${when(note.at)}` }), ...(said.length > 0 ? [element("ul", { className: "sheet-entries" }, ...said)] : [])];
  }

  const lines = (text) => text.split("\n").filter((line) => line !== "").map((textContent) => element("p", { textContent }));

  function lasting(label, seconds) {
    const choice = element("select", {}, ...LASTS.map(([words, value]) => element("option", { value, textContent: words, selected: value === seconds })));
    return [tools.field(label, choice), choice];
  }

  function makeCard(note) {
    const card = element("li", { className: "note" }, element("div"), element("div", { className: "handover-buttons" }));
    card.dataset.note = note.number;
    const act = (order, words) => tools.tell({ note: note.number, ...order }, words, () => parts.title.focus());
    card.buttons = {
      done: tools.press("Done", () => act({ do: "done" }, `note ${note.number} is done`)),
      add: tools.press("Add …", () => toggle(card, "add")),
      keep: tools.press("Keep on …", () => toggle(card, "keep")),
    };
    for (const [name, button] of Object.entries(card.buttons)) {
      button.setAttribute("aria-label", `${button.textContent.replace(" …", "")}: note ${note.number}, ${about(note)}`);
      if (name !== "done") button.setAttribute("aria-expanded", "false");
    }
    card.lastChild.append(...Object.values(card.buttons));
    return card;
  }

  function toggle(card, name) {
    const old = card.querySelector("form"), was = old?.dataset.form;
    old?.remove();
    for (const key of ["add", "keep"]) card.buttons[key].setAttribute("aria-expanded", String(key === name && was !== name));
    if (was === name) return;
    const number = Number(card.dataset.note);
    const text = tools.area(`note-${number}-${name}`, 2, 1000, name === "add");
    const [row, until] = lasting("From now on for", USUAL_S);
    const made = name === "add"
      ? tools.form("Add to this note", [tools.field("What is to be added?", text)], "Add", async () => finish({ do: "add", text: text.value }, "added"))
      : tools.form("Keep it on", [row, tools.field("Why (need not be)", text)], "Keep on", async () => finish({ do: "keep", for_s: Number(until.value), text: text.value }, "kept on"));
    const finish = (order, words) => tools.tell({ note: number, ...order }, `note ${number} ${words}`, () => {
      tools.clear(text);
      made.remove();
      card.buttons[name].setAttribute("aria-expanded", "false");
      card.buttons[name].focus();
    });
    made.dataset.form = name;
    card.append(made);
    (name === "add" ? text : until).focus();
  }

  /** What a note is about: chosen from what the search finds, else just words. */
  function makeAbout() {
    const input = element("input", { type: "text", maxLength: 120, autocomplete: "off", placeholder: "the control room" });
    const list = element("datalist", { id: "handover-things" }), found = new Map();
    input.setAttribute("list", list.id);
    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      const q = input.value.trim();
      if (q.length < 2 || found.has(q)) return;
      timer = setTimeout(async () => {
        try {
          const answer = await fetch(`/find?${new URLSearchParams({ q: q.slice(0, 100) })}`, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
          if (!answer.ok) return;
          const { hits } = await answer.json();
          found.clear();
          for (const hit of hits) if (hit.kind in ABOUT) found.set(`${hit.label} (${ABOUT[hit.kind]})`, hit);
          list.replaceChildren(...[...found].map(([value, hit]) => element("option", { value, label: hit.sub ?? "" })));
        } catch { /* without the search it is just words */ }
      }, TYPED_MS);
    });
    const read = () => {
      const words = input.value.trim(), hit = found.get(words);
      if (words === "") return { about: "room", key: "room", label: "" };
      if (/^-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?$/.test(words)) return { about: "point", key: words.replace(/\s/g, ""), label: words };
      return hit ? { about: hit.kind, key: String(hit.key), label: hit.label } : { about: "other", key: words, label: words };
    };
    return [element("div", {}, tools.field("About what?", input, "A vehicle, place, cell, feed, request …: write, then choose what fits. Empty is the control room itself."), list), input, read];
  }

  function build(section) {
    place = section;
    const [about_, input, read] = makeAbout(), text = tools.area("note", 2, 1000, true), [row, until] = lasting("For how long?", USUAL_S);
    parts = { title: element("h2", { tabIndex: -1, textContent: "Notes" }), list: element("ul", { className: "notes" }), none: element("p", { className: "none", textContent: "none is open" }),
      ended: element("ul", { className: "notes" }), over: element("summary") };
    const made = tools.form("Write a note", [about_, tools.field("Note", text), row, element("p", { className: "reason", textContent: tools.privacy() })], "Keep this note", async () => {
      const order = { do: "note", ...read(), text: text.value, for_s: Number(until.value) };
      await tools.tell(order, "the note is kept", () => { tools.clear(text); input.value = ""; parts.title.focus(); });
    });
    parts.past = element("details", {}, parts.over, parts.ended);
    section.replaceChildren(parts.title, parts.list, parts.none, made, parts.past);
  }

  /** Rows by their number: a card with an open form keeps its node. */
  function fill(list, notes, when) {
    const held = new Map([...list.children].map((node) => [Number(node.dataset.note), node]));
    const nodes = notes.map((note) => {
      const card = held.get(note.number) ?? makeCard(note), text = JSON.stringify(note);
      if (card.dataset.said !== text) { card.firstChild.replaceChildren(...describe(note, when)); card.dataset.said = text; }
      card.buttons.done.hidden = note.state === "done";
      card.buttons.add.hidden = note.state !== "open";
      return card;
    });
    if (nodes.length !== list.children.length || nodes.some((node, i) => list.children[i] !== node)) list.replaceChildren(...nodes);
  }

  function show(section, given) {
    tools = given;
    if (section !== place) build(section);
    fill(parts.list, given.open, given.when);
    fill(parts.ended, given.ended, given.when);
    parts.none.hidden = given.open.length > 0;
    parts.past.hidden = given.ended.length === 0;
    const words = `Ended lately: ${given.ended.length}`;
    if (parts.over.textContent !== words) parts.over.textContent = words;
  }

  window.controlRoomNotes = { show, describe, LASTS, USUAL_S };
})();
