/* Search: a combobox with a list (ARIA 1.2), in the header of operators' screens.
 *
 * Keys: `/` goes to it from anywhere, arrows choose, Enter opens, Escape closes and then empties. What is chosen is
 * told to the screen first (`controlroom:found` on document, {kind, key, label, lat, lon, x, y, link}); who can show it
 * there cancels the event. Else a map that is on the screen shows it, else its link is opened.
 *
 * Names come from feeds and are written as text, links are addresses of ours. Nothing is asked twice at the same time,
 * and an answer to an older question is never shown under a newer one.
 */
(() => {
  "use strict";

  const WAIT_MS = 120; // after the last letter
  const WITHIN_MS = 5000;
  const MOST = 100;
  const AT_ZOOM = { place: 14, road: 14, cell: 15, vehicle: 15 };

  let place = null, input = null, list = null, said = null, timer = 0, asked = 0, abort = null;
  let options = [], chosen = -1;

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function build(found) {
    place = found;
    place.textContent = "";
    input = element("input", { type: "text", id: "search-input", maxLength: MOST, placeholder: "Search", autocomplete: "off", spellcheck: false });
    for (const [name, value] of [["role", "combobox"], ["aria-label", "Search vehicles, places, roads, requests and more"], ["aria-autocomplete", "list"],
      ["aria-expanded", "false"], ["aria-controls", "search-list"], ["aria-keyshortcuts", "/"], ["enterkeyhint", "go"]]) input.setAttribute(name, value);
    list = element("div", { id: "search-list", className: "search-list", hidden: true });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Found");
    said = element("p", { className: "search-said unseen" });
    said.setAttribute("role", "status");
    const key = element("kbd", { className: "search-key", textContent: "/" });
    key.setAttribute("aria-hidden", "true");
    place.append(element("div", { className: "search-field" }, input, key), element("div", { className: "search-drop" }, said, list));
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT_MS); });
    input.addEventListener("keydown", keys);
    input.addEventListener("focus", () => { if (options.length > 0 && input.value.trim() !== "") open(true); });
    // The list takes no focus: pressing an option must not close it before it is heard.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option !== null) take(Number(option.dataset.number));
    });
    input.addEventListener("blur", () => open(false));
  }

  function open(yes) {
    const shown = yes && options.length > 0;
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) choose(-1);
    if (!yes) say("");
  }

  function say(text) {
    if (said.textContent !== text) said.textContent = text;
    said.classList.toggle("unseen", text === "" || options.length > 0);
  }

  function choose(number) {
    chosen = number;
    for (const [i, option] of list.querySelectorAll("[role=option]").entries()) {
      option.setAttribute("aria-selected", String(i === number));
      if (i === number) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    }
    if (number === -1) input.removeAttribute("aria-activedescendant");
  }

  async function ask() {
    const query = input.value.trim().slice(0, MOST), mine = (asked += 1);
    abort?.abort();
    if (query === "") { show([]); open(false); return; }
    abort = new AbortController();
    let answer;
    try {
      answer = await fetch(`${place.dataset.url}?${new URLSearchParams({ q: query })}`, { cache: "no-store",
        signal: AbortSignal.any ? AbortSignal.any([abort.signal, AbortSignal.timeout(WITHIN_MS)]) : abort.signal });
      const found = await answer.json().catch(() => null);
      if (mine !== asked) return;
      if (answer.status === 429) { timer = setTimeout(ask, 1000); return; }
      if (!answer.ok || !Array.isArray(found?.hits)) {
        show([]);
        say(answer.status === 403 ? "Only operators may search." : "Search does not answer as it should. What is on the screen is not affected.");
        return;
      }
      show(found.hits);
      say(found.hits.length === 0 ? `Nothing is called “${query}”.` : `${found.hits.length} found`);
    } catch {
      if (mine !== asked) return;
      show([]);
      say("Search does not answer. What is on the screen is not affected.");
    }
  }

  /** The hits in groups, each with its picture, name and what tells it from others. */
  function show(hits) {
    options = hits;
    list.textContent = "";
    let group = null, kind = null;
    for (const [number, hit] of hits.entries()) {
      if (hit.kind !== kind) {
        kind = hit.kind;
        const heading = element("div", { className: "search-group", id: `search-group-${kind}`, textContent: hit.group });
        heading.setAttribute("role", "presentation");
        group = element("div", {}, heading);
        group.setAttribute("role", "group");
        group.setAttribute("aria-labelledby", heading.id);
        list.append(group);
      }
      const picture = element("span", { className: `symbol symbol-${/^[a-z-]+$/.test(hit.symbol) ? hit.symbol : "unknown"}` });
      picture.setAttribute("aria-hidden", "true");
      const option = element("div", { id: `search-option-${number}`, className: "search-option" }, picture,
        element("span", { className: "search-label", textContent: hit.label }), element("span", { className: "search-sub", textContent: hit.sub }));
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.number = String(number);
      group.append(option);
    }
    open(hits.length > 0 && document.activeElement === input);
    if (hits.length > 0) choose(0);
  }

  function keys(event) {
    if (event.isComposing) return;
    const shown = !list.hidden, last = options.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!shown) { open(true); if (options.length > 0) choose(event.key === "ArrowDown" ? 0 : last); return; }
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(chosen === -1 ? (step > 0 ? 0 : last) : (chosen + step + options.length) % options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown && chosen !== -1) take(chosen);
      // Enter before the answer came: the first that comes of it is taken.
      else { clearTimeout(timer); const before = input.value; ask().then(() => { if (input.value === before && options.length > 0 && !list.hidden) take(0); }); }
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      // What was asked before would open the list again.
      clearTimeout(timer);
      asked += 1;
      abort?.abort();
      if (shown) open(false);
      else if (input.value !== "") { input.value = ""; show([]); say(""); } else input.blur();
    }
  }

  function take(number) {
    const { kind, key, label, lat, lon, x, y, link } = options[number];
    input.value = label;
    open(false);
    const event = new CustomEvent("controlroom:found", { detail: { kind, key, label, lat, lon, x, y, link }, cancelable: true });
    if (!document.dispatchEvent(event)) return; // the screen shows it itself
    if (showHere({ kind, key, label, x, y })) return;
    if (typeof link === "string" && /^\/(?![/\\])/.test(link)) location.assign(link);
  }

  /** Where this screen can show it: alarms in its list, places and things on its map. */
  function showHere({ kind, key, label, x, y }) {
    input.blur(); // the next slash begins anew
    if (kind === "alarm") {
      if (document.getElementById("alarm-desk") === null || !window.controlRoomAlarmDesk) return false;
      window.controlRoomAlarmDesk.open(key);
      return true;
    }
    const map = window.controlRoomMap;
    if (!map?.map?.() || x === null || y === null) return false;
    const leaflet = map.map();
    if (kind === "vehicle") {
      // The map marks whom it follows; a ring of ours would stay where it has been.
      // In a replay it was elsewhere: its card brings the map there.
      if (window.controlRoom.isReplaying()) leaflet.setZoom(AT_ZOOM.vehicle, { animate: false });
      else leaflet.setView(leaflet.unproject([x, y], 18), AT_ZOOM.vehicle, { animate: false });
      window.controlRoom.follow(key);
    } else if (typeof map.show === "function") map.show(x, y, AT_ZOOM[kind] ?? 16, label);
    else return false;
    leaflet.getContainer().focus({ preventScroll: true });
    return true;
  }

  // Not while somebody writes elsewhere, and not where a screen has given the key to something else.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || input === null || !input.isConnected) return;
    const at = event.target;
    if (at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))) return;
    event.preventDefault();
    input.focus();
    input.select();
  });

  // A link to a row (/feeds#feed-buses) comes before the row does: the channel brings it.
  let wanted = /^#feed-[\w-]+$/.test(location.hash) ? location.hash.slice(1) : null;

  function find() {
    const found = document.getElementById("search"), row = wanted === null ? null : document.getElementById(wanted);
    if (found !== null && found !== place) build(found);
    if (row !== null) { wanted = null; row.scrollIntoView({ block: "center" }); }
  }

  // Dash puts another screen, with another field, in the place of this one; that is seen where it happens, at the top.
  new MutationObserver(find).observe(document.documentElement, { childList: true, subtree: true });
  find();
})();
