/* The displays at /admin/screens: a card each, renewed by the channel, and what a person tells it to do.
 *
 * A card keeps its node, its open form and the keyboard's place whatever the channel brings. An order is believed
 * once the server has written it down, and done once the display has said so: the card shows which of the two.
 * All text of displays is written as text.
 */
(() => {
  "use strict";

  const WITHIN_MS = 8000;
  const NAME = "control-room.name"; // of the person at this desk, shared with the alarm desk
  const SYMBOLS = { missing: "failing", frozen: "failing", away: "waiting", outdated: "stale", painting: "fresh", silent: "waiting", gone: "unknown" };
  const SUMS = { missing: "missing", frozen: "frozen", away: "away for a moment", outdated: "with old pages", painting: "painting", silent: "silent", gone: "gone" };
  const MOVE_S = 10; // newer than this a result is what somebody waits for

  let place = null, parts = null, last = null, fault = null;
  const cards = new Map();

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function write(node, text) { if (node.textContent !== text) node.textContent = text; }

  function writeAge(node, at, ageingS, staleS) {
    node.hidden = at === null;
    if (at === null) return;
    for (const [name, value] of [["since", at], ["ageingS", ageingS], ["staleS", staleS]]) {
      if (value !== null && value !== undefined && node.dataset[name] !== String(value)) node.dataset[name] = String(value);
    }
  }

  const button = (words, act) => element("button", { type: "button", className: "screen-button", textContent: words, onclick: act });

  // What is told

  async function tell(display, order, said) {
    const by = parts.by.value.trim();
    if (by === "") {
      write(said, "Write your name above first: what is told to a display is kept with who told it.");
      parts.by.focus();
      return false;
    }
    try { localStorage.setItem(NAME, by); } catch { /* asked again the next time */ }
    write(said, "Telling the server …");
    let answer;
    try {
      answer = await fetch(place.dataset.orders, { method: "POST", headers: { "content-type": "application/json" }, cache: "no-store",
        body: JSON.stringify({ display, by, ...order }), signal: AbortSignal.timeout(WITHIN_MS) });
    } catch {
      write(said, "No confirmation came. It may or may not have been done: look at what the card says, then try again.");
      return false;
    }
    const text = await answer.text().catch(() => "");
    let found = null;
    try { found = JSON.parse(text); } catch { /* the gate answers in plain words */ }
    if (!answer.ok) {
      write(said, `Not done: ${found?.error ?? text.trim().slice(0, 300) ?? answer.status}.`);
      return false;
    }
    const many = found?.sent > 1 ? ` to ${found.sent} connections of it` : "";
    write(said, found?.sent > 0 ? `Written down and told${many}.` : "Written down.");
    return true;
  }

  // One card

  function makeCard(key) {
    const card = { key, row: null, open: "" };
    card.symbol = element("span", { className: "symbol" });
    card.symbol.setAttribute("aria-hidden", "true");
    card.title = element("h2", { id: `screen-${key}` });
    card.standing = element("span");
    card.line = element("p", { className: "screen-standing" }, card.symbol, card.standing);
    card.facts = element("dl", { className: "screen-facts" });
    card.values = {};
    for (const [name, words] of [["shows", "Shows"], ["heard", "Heard of"], ["painted", "Painted data"], ["build", "Pages"], ["hours", "Expected"], ["order", "Last order"]]) {
      card.values[name] = element("dd");
      card.facts.append(element("div", {}, element("dt", { textContent: words }), card.values[name]));
    }
    card.link = element("a");
    card.values.shows.append(card.link);
    card.heard = element("time", { className: "age" });
    card.values.heard.append(card.heard);
    card.order = element("span");
    card.orderAge = element("time", { className: "age" });
    card.orderWhy = element("span", { className: "reason" });
    card.values.order.append(card.order, card.orderAge, card.orderWhy);
    card.said = element("p", { className: "screen-said" });
    card.said.setAttribute("role", "status");
    card.form = element("div", { className: "screen-form", hidden: true });
    card.buttons = {
      identify: button("Show its name", () => act(card, { do: "identify" })),
      reload: button("Load anew", () => act(card, { do: "reload" })),
      go: button("Move …", () => open(card, "go")),
      rename: button("Name …", () => open(card, "rename")),
      expect: button("Expect …", () => open(card, "expect")),
      retire: button("Retire …", () => open(card, "retire")),
    };
    for (const [name, made] of Object.entries(card.buttons)) if (made.textContent.endsWith("…")) {
      made.setAttribute("aria-expanded", "false");
      made.setAttribute("aria-controls", `screen-form-${key}`);
      made.dataset.form = name;
    }
    card.form.id = `screen-form-${key}`;
    const acts = element("div", { className: "screen-acts" }, ...Object.values(card.buttons));
    acts.setAttribute("role", "group");
    card.acts = acts;
    card.node = element("article", { className: "screen" }, element("div", { className: "screen-head" }, card.title, card.line), card.facts, acts, card.form, card.said);
    card.node.setAttribute("aria-labelledby", card.title.id);
    card.node.id = `display-${key}`;
    return card;
  }

  async function act(card, order) {
    const done = await tell(card.key, order, card.said);
    if (done && card.open !== "") close(card);
  }

  function close(card) {
    const from = card.buttons[card.open], had = card.form.contains(document.activeElement);
    card.open = "";
    card.form.hidden = true;
    card.form.textContent = "";
    for (const made of Object.values(card.buttons)) if (made.dataset.form) made.setAttribute("aria-expanded", "false");
    if (had && from && !from.hidden) from.focus();
  }

  function field(label, input, note) {
    const id = `field-${Math.random().toString(36).slice(2)}`;
    input.id = id;
    const made = element("div", { className: "screen-field" }, element("label", { htmlFor: id, textContent: label }), input);
    if (note) {
      const said = element("span", { className: "reason", id: `${id}-note`, textContent: note });
      input.setAttribute("aria-describedby", said.id);
      made.append(said);
    }
    return made;
  }

  const forms = {
    rename(card) {
      const input = element("input", { type: "text", maxLength: 60, value: card.row.is_named ? card.row.label : "", required: true, autocomplete: "off" });
      const note = "Such as North wall. With a name it is expected: its absence becomes an alarm.";
      return { fields: [field("Name", input, note)], order: () => ({ do: "rename", name: input.value.trim() }), words: "Give this name", first: input };
    },
    go(card) {
      const input = element("input", { type: "text", maxLength: 300, value: card.row.address ?? "/wall", required: true, autocomplete: "off", spellcheck: false });
      input.setAttribute("list", "screen-places");
      const note = "An address here, such as /wall/table or /wall?follow=47.";
      return { fields: [field("Screen", input, note)], order: () => ({ do: "go", address: input.value.trim() }), words: "Move it there", first: input };
    },
    expect(card) {
      const minutes = element("input", { type: "number", min: 0.5, max: 10080, step: "any", value: String((card.row.missing_after_s ?? 300) / 60), required: true });
      const hours = element("input", { type: "text", maxLength: 200, value: card.row.hours ?? "", autocomplete: "off", spellcheck: false });
      return {
        fields: [field("Missed after (minutes)", minutes), field("Hours", hours, "Such as mon-fri 07:00-19:00; sat 09:00-17:00, in the city's time. Empty is always.")],
        order: () => ({ do: "expect", missing_after_s: Number(minutes.value) * 60, hours: hours.value.trim() }),
        words: "Expect it so",
        first: minutes,
      };
    },
    retire() {
      const words = element("p", { textContent: "It is expected no more and leaves this list once it is off. Giving it a name brings it back." });
      return { fields: [words], order: () => ({ do: "retire" }), words: "Retire it", first: null };
    },
  };

  function open(card, name) {
    if (card.open === name) { close(card); return; }
    close(card);
    card.open = name;
    const made = forms[name](card), submit = element("button", { type: "submit", className: "screen-button is-first", textContent: made.words });
    const form = element("form", { onsubmit: (event) => { event.preventDefault(); act(card, made.order()); } }, ...made.fields,
      element("div", { className: "screen-acts" }, submit, button("Leave it", () => close(card))));
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(card); } });
    card.form.append(form);
    card.form.hidden = false;
    card.buttons[name].setAttribute("aria-expanded", "true");
    (made.first ?? submit).focus();
    made.first?.select?.();
  }

  function fill(card, row) {
    card.row = row;
    write(card.title, row.label);
    card.acts.setAttribute("aria-label", `What to tell ${row.label}`);
    card.node.dataset.standing = row.standing;
    card.symbol.className = `symbol symbol-${SYMBOLS[row.standing] ?? "unknown"}`;
    write(card.standing, row.words);
    const address = row.address !== null && window.controlRoomDisplay.isOurs(row.address) ? row.address : null;
    write(card.link, row.address ?? row.screen ?? "—");
    if (address === null) card.link.removeAttribute("href"); else if (card.link.getAttribute("href") !== address) card.link.setAttribute("href", address);
    writeAge(card.heard, row.seen_at, 20, 35);
    if (row.seen_at === null) write(card.values.heard, "never");
    const painted = row.painted_age_ms;
    write(card.values.painted, row.state === "gone" ? "—" : painted === null ? "— no map on it" : `${(painted / 1000).toLocaleString("en-GB", { maximumFractionDigits: 0 })} s old when painted`);
    const copies = row.connections > 1 ? ` · ${row.connections} connections say they are it` : "";
    write(card.values.build, `${row.build ?? "— not said"}${row.is_outdated ? " · from before an update" : ""}${copies}`);
    const patience = row.missing_after_s === null ? "" : `, missed after ${(row.missing_after_s / 60).toLocaleString("en-GB", { maximumFractionDigits: 1 })} min`;
    write(card.values.hours, row.is_named ? `${row.hours ?? "always"}${patience}` : "no: it has no name");
    write(card.order, row.order_words === null ? "none" : `${row.order_words} · ${row.order_by} · `);
    writeAge(card.orderAge, row.order_words === null ? null : row.order_done_at ?? row.order_at);
    write(card.orderWhy, row.order_why === null ? "" : ` ${row.order_why}`);
    card.values.order.dataset.result = row.order_result ?? "";
    const here = row.state !== "gone";
    for (const name of ["identify", "reload", "go"]) setOff(card.buttons[name], !here);
    for (const name of ["expect", "retire"]) if (card.buttons[name].hidden === row.is_named) card.buttons[name].hidden = !row.is_named;
    write(card.buttons.rename, row.is_named ? "Rename …" : "Name …");
    announce(card, row);
  }

  /** Not `disabled`: the keyboard would lose its place when a display leaves. */
  function setOff(made, off) {
    if ((made.getAttribute("aria-disabled") === "true") !== off) made.setAttribute("aria-disabled", String(off));
  }

  /** What became of an order that somebody waits for is said beside its card, once. */
  function announce(card, row) {
    const mark = `${row.order_at} ${row.order_result}`, now = window.controlRoom?.serverNow?.() ?? null;
    if (card.announced === undefined || card.announced === mark || row.order_words === null) { card.announced = mark; return; }
    card.announced = mark;
    const at = row.order_done_at ?? row.order_at;
    if (now === null || at === null || now - at > MOVE_S * 1000) return;
    write(card.said, `${row.order_words}${row.order_done_at === null ? "" : ` at ${window.controlRoom.clockText(row.order_done_at)}`}${row.order_why === null ? "" : `: ${row.order_why}`}.`);
  }

  // The list

  function build(element_) {
    place = element_;
    cards.clear();
    place.textContent = "";
    const by = element("input", { type: "text", maxLength: 60, autocomplete: "name" });
    try { by.value = localStorage.getItem(NAME) ?? ""; } catch { /* asked for */ }
    const offered = element("datalist", { id: "screen-places" });
    for (const [path, words] of JSON.parse(place.dataset.places || "[]")) offered.append(element("option", { value: path, label: words }));
    const all = button("Show all names", async () => {
      for (const card of cards.values()) if (card.row.state !== "gone") await tell(card.key, { do: "identify" }, parts.said);
    });
    const who = field("Your name", by);
    parts = { by, fault: element("div", {}), sum: element("p", { className: "screens-sum" }), list: element("div", { className: "screens-list" }), said: element("p", { className: "screen-said" }) };
    parts.said.setAttribute("role", "status");
    place.append(parts.fault, parts.sum, element("div", { className: "screens-tools" }, who, all), parts.said, parts.list, offered);
  }

  function show({ displays, counts }) {
    const words = Object.entries(counts).map(([name, count]) => `${count} ${SUMS[name] ?? name}`).join(" · ");
    write(parts.sum, displays.length === 0 ? "No display is connected, and none is expected." : `${displays.length} display${displays.length === 1 ? "" : "s"}: ${words}`);
    const kept = new Set(displays.map((row) => row.display_key)), focused = document.activeElement;
    for (const [key, card] of cards) if (!kept.has(key)) { card.node.remove(); cards.delete(key); }
    let before = null;
    for (const row of displays) {
      let card = cards.get(row.display_key);
      if (card === undefined) { card = makeCard(row.display_key); cards.set(row.display_key, card); }
      fill(card, row);
      const wanted = before === null ? parts.list.firstElementChild : before.nextElementSibling;
      // A card with an open form stays where it is: it must not run away from who writes in it.
      if (card.node.parentNode !== parts.list || (wanted !== card.node && card.open === "" && !card.node.contains(focused))) {
        if (before === null) parts.list.prepend(card.node); else before.after(card.node);
      }
      before = card.node;
    }
    window.controlRoom?.writeAges?.(parts.list);
  }

  function renew() {
    const found = document.getElementById("admin-screens");
    if (found === null) { place = null; return; }
    if (found !== place) build(found);
    // Said above the list, which then is older than it looks; what was known stays.
    window.controlRoomPanels.patch(parts.fault, fault ?? []);
    window.controlRoom.writeAges(parts.fault);
    if (last !== null) show(last);
  }

  document.addEventListener("controlroom:panel", (event) => {
    if (event.detail.name !== "screens") return;
    event.preventDefault();
    const [broken, content] = window.controlRoomCall.unpack(event.detail.children);
    fault = broken;
    if (content !== null) last = content;
    renew();
    // Once the list is there, the display that the address names.
    if (location.hash.startsWith("#display-") && !renew.went) {
      renew.went = true;
      document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ block: "center" });
    }
  });
})();
