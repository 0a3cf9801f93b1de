/* The desk: regions, their boundaries, its keys, and the dialog that arranges it. docs/desk.md.
 *
 * F6 goes round the regions, their number goes to one; `?` says all keys. Boundaries are moved by mouse or arrows.
 */
(() => {
  "use strict";

  const KEYS_OFF = "control-room.keys-off"; // as the alarm desk: letters and digits may be switched off (WCAG 2.1.4)
  const STEP = 2, LEAP = 10;
  const HIDEABLE = ["detail", "panels", "time"];

  let work = null, regions = [], titles = [];

  const byId = (id) => document.getElementById(id);
  const layout = () => window.controlRoomLayout;
  const element = (tag, properties, ...children) => window.controlRoomCommands.element(tag, properties, ...children);
  const boundaries = () => [...work.querySelectorAll("[data-boundary]")];

  function start(place) {
    work = place;
    const data = work.dataset;
    regions = JSON.parse(data.regions);
    titles = JSON.parse(data.panels);
    window.controlRoomDeskPanels.attach(byId("work-panels"), data.topics.split(","), titles);
    window.controlRoomDeskDetail.attach(data.detail);
    for (const boundary of boundaries()) attach(boundary);
    byId("work-arrange").addEventListener("click", arrange);
    byId("work-layers").addEventListener("click", ({ currentTarget }) => {
      const isOpen = byId("region-map").toggleAttribute("data-layers");
      currentTarget.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) byId("map-layers")?.querySelector("input")?.focus();
    });
    byId("work-keys").addEventListener("click", () => window.controlRoomAlarmDesk.showKeys());
    byId("work-theme").addEventListener("change", (event) => layout().change({ theme: event.target.value }));
    window.controlRoomForms.more("This desk", [["F6, Shift+F6", "next region, the one before"], ...regions.map(([, title, key]) => [key, title.toLowerCase()]),
      ["arrows on a boundary", "move it; Enter: as at first"], ["w", "arrange the desk: panels and regions"]]);
    const usual = { ...JSON.parse(data.usual), theme: window.controlRoomTheme.choice() };
    layout().begin(usual, titles.map(([name]) => name), data.layout, apply, say);
  }

  function say(text) {
    const place = byId("work-said");
    if (place.textContent !== text) place.textContent = text;
  }

  /** Everything as the layout says. */
  function apply({ theme, panels, sizes, hidden, layers }) {
    for (const [name, size] of Object.entries(sizes)) {
      work.style.setProperty(`--at-${name}`, String(size));
      byId(`boundary-${name}`)?.setAttribute("aria-valuenow", String(Math.round(size)));
    }
    work.dataset.without = hidden.join(" ");
    for (const name of HIDEABLE) for (const part of [byId(`region-${name}`), byId(`boundary-${name}`)]) if (part !== null) part.hidden = hidden.includes(name);
    window.controlRoomTheme.choose(theme);
    byId("work-theme").value = theme;
    window.controlRoomDeskPanels.show(hidden.includes("panels") ? [] : panels);
    // What the address asks for comes before what was kept.
    const isAsked = new URLSearchParams(window.location.search).has("layers");
    if (layers !== null && !isAsked && layers.join() !== layersNow().join()) window.controlRoomLayers?.use(layers);
  }

  /** What the map shows now, as words: "cells", "coverage:sinr". */
  function layersNow() {
    const choice = window.controlRoomLayers?.choice();
    return choice ? choice.names.map((name) => (choice.shades[name] ? `${name}:${choice.shades[name]}` : name)) : [];
  }
  document.addEventListener("controlroom:layers", () => {
    if (work === null || !work.isConnected || layout().get() === null) return;
    const now = layersNow(), { layers } = layout().get();
    if (now.join() !== (layers ?? []).join()) layout().change({ layers: now });
  });

  // Boundaries

  function move(name, to) {
    const { least, most } = layout(), { sizes } = layout().get();
    layout().change({ sizes: { ...sizes, [name]: Math.min(most, Math.max(least, Math.round(to * 10) / 10)) } });
  }

  /** Where a pointer puts that boundary, in per cent of the screen. */
  function measure(name, { clientX, clientY }) {
    const { left, right, bottom, width, height } = work.getBoundingClientRect();
    if (name === "alarms") return ((clientX - left) / width) * 100;
    return name === "detail" ? ((right - clientX) / width) * 100 : ((bottom - clientY) / height) * 100;
  }

  function attach(boundary) {
    const name = boundary.dataset.boundary;
    // The region that it measures lies left of, right of or beneath it: then the other arrow makes that region larger.
    const larger = { alarms: "ArrowRight", detail: "ArrowLeft", panels: "ArrowUp" }[name], smaller = { alarms: "ArrowLeft", detail: "ArrowRight", panels: "ArrowDown" }[name];
    boundary.addEventListener("keydown", (event) => {
      const size = layout().get().sizes[name], by = event.shiftKey ? LEAP : STEP, { least, most } = layout();
      const to = { [larger]: size + by, [smaller]: size - by, Home: least, End: most, Enter: layout().usual().sizes[name] }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      move(name, to);
    });
    boundary.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      boundary.focus({ preventScroll: true });
      boundary.setPointerCapture(event.pointerId);
      boundary.dataset.moving = "1";
    });
    boundary.addEventListener("pointermove", (event) => { if (boundary.dataset.moving) move(name, measure(name, event)); });
    for (const end of ["pointerup", "pointercancel"]) boundary.addEventListener(end, () => { delete boundary.dataset.moving; });
    boundary.addEventListener("dblclick", () => move(name, layout().usual().sizes[name]));
  }

  // Regions by key

  const isShown = (name) => byId(`region-${name}`)?.getClientRects().length > 0;

  function go(name) {
    const region = byId(`region-${name}`);
    if (!isShown(name)) return;
    region.scrollIntoView({ block: "nearest" });
    const inside = {
      map: () => region.querySelector(".city-leaflet"),
      detail: () => [byId("alarm-guidance"), byId("work-thing")].find((part) => !part.hidden),
      panels: () => region.querySelector(".work-panel"),
      time: () => region.querySelector("[tabindex='0'], button, input"),
    }[name]?.();
    if (name === "alarms" && region.querySelector(".desk-list")) document.dispatchEvent(new CustomEvent("controlroom:desk-focus"));
    if (name !== "alarms" || !region.contains(document.activeElement)) (inside ?? region).focus({ preventScroll: true });
  }

  function step(by) {
    const names = regions.map(([name]) => name).filter(isShown);
    const here = names.findIndex((name) => byId(`region-${name}`).contains(document.activeElement));
    go(names[(here === -1 ? (by > 0 ? 0 : names.length - 1) : here + by + names.length) % names.length]);
  }

  const isWriting = (target) => target.closest?.("dialog, input:not([type=checkbox]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (work === null || !work.isConnected || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.key === "F6") { event.preventDefault(); step(event.shiftKey ? -1 : 1); return; }
    if (isWriting(event.target) || localStorage.getItem(KEYS_OFF) === "1") return;
    const region = regions.find(([, , key]) => key === event.key);
    if (region !== undefined) { event.preventDefault(); go(region[0]); }
    else if (event.key === "w") { event.preventDefault(); arrange(); }
    else if (event.key === "?") { event.preventDefault(); window.controlRoomAlarmDesk.showKeys(); }
    // From anywhere to the list; what changes an alarm counts only where the alarm is seen.
    else if ("jkn".includes(event.key) && event.target !== document.body && !byId("alarm-desk").contains(event.target)) window.controlRoomAlarmDesk.press(event);
  });

  // On this desk the map stands beside the guidance: no other window for it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#alarm-guidance a[data-focus=map]");
    if (link === null || link === undefined || work === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const vehicle = new URL(link.href).searchParams.get("follow");
    if (vehicle !== null) window.controlRoom.follow(vehicle);
  });

  // The dialog

  function arrange() {
    const list = element("ul", { className: "work-choices" }), made = element("dialog", { className: "desk-dialog work-dialog controls" });
    const shown = element("fieldset", {}, element("legend", { textContent: "Regions" }), ...HIDEABLE.map((name) => {
      const box = element("input", { type: "checkbox", checked: !layout().get().hidden.includes(name), onchange: () => {
        const hidden = layout().get().hidden.filter((other) => other !== name);
        layout().change({ hidden: box.checked ? hidden : [...hidden, name] });
      } });
      return element("label", { className: "desk-once" }, box, ` ${regions.find(([region]) => region === name)[1]}`);
    }));
    const themes = element("select", { onchange: () => layout().change({ theme: themes.value }) }, ...[...byId("work-theme").options].map(({ value, textContent }) => element("option", { value, textContent })));
    themes.value = layout().get().theme;
    themes.setAttribute("aria-label", "Theme");
    const person = window.controlRoomCommands.name();
    const whose = element("p", { className: "reason", textContent: person === ""
      ? "Kept on this screen. Give your name at the alarms (Who are you?) and it follows you to other desks."
      : `Kept for ${person}, on every desk.` });
    const close = element("button", { type: "button", className: "desk-main", textContent: "Done", onclick: () => made.close() });
    const reset = element("button", { type: "button", textContent: "All as at first", onclick: () => { layout().change({ ...layout().usual(), theme: layout().get().theme }); draw("reset"); } });
    reset.dataset.focus = "reset";
    made.setAttribute("aria-labelledby", "work-dialog-title");
    made.append(element("h2", { id: "work-dialog-title", textContent: "Arrange the desk" }), whose, themes, shown,
      element("h3", { textContent: "Panels, in their order" }), list, element("div", { className: "desk-dialog-buttons" }, reset, close));
    const set = (panels, focus) => { layout().change({ panels }); draw(focus); };

    function row([name, title], at, chosen) {
      const isChosen = at !== -1;
      const box = element("input", { type: "checkbox", checked: isChosen, onchange: () => set(isChosen ? chosen.filter((other) => other !== name) : [...chosen, name], `${name} on`) });
      box.dataset.focus = `${name} on`;
      const shift = (words, sign, by) => {
        const press = element("button", { type: "button", textContent: sign, disabled: at + by < 0 || at + by >= chosen.length, onclick: () => {
          const next = [...chosen];
          next.splice(at, 1);
          next.splice(at + by, 0, name);
          set(next, `${name} ${by}`);
        } });
        press.setAttribute("aria-label", `${words}: ${title}`);
        press.dataset.focus = `${name} ${by}`;
        return press;
      };
      return element("li", {}, element("label", {}, box, ` ${title}`), ...(isChosen ? [shift("Earlier", "↑", -1), shift("Later", "↓", 1)] : []));
    }

    function draw(focus) {
      const chosen = layout().get().panels, titled = new Map(titles);
      list.replaceChildren(...chosen.map((name, at) => row([name, titled.get(name)], at, chosen)), ...titles.filter(([name]) => !chosen.includes(name)).map((pair) => row(pair, -1, chosen)));
      for (const box of shown.querySelectorAll("input")) box.checked = !layout().get().hidden.includes(box.parentElement.textContent.trim().toLowerCase());
      const wanted = [...made.querySelectorAll("[data-focus]")].find((part) => part.dataset.focus === focus);
      // At the end of the list a button is dead; its twin is next to it.
      if (wanted?.disabled) wanted.parentElement.querySelector("button:not([disabled])")?.focus(); else wanted?.focus();
    }

    draw(null);
    made.addEventListener("close", () => made.remove());
    byId("wall").append(made);
    made.showModal();
  }

  // Dash renders the screen some time after this script has run; before live.js reads its topics.
  const find = () => { const place = byId("work"); if (place !== null && place !== work && byId("live") !== null) start(place); return place; };
  const observer = new MutationObserver(() => { if (find() !== null) observer.disconnect(); });
  observer.observe(document.documentElement, { childList: true, subtree: true });
})();
