/* Switches and legends of the map's layers, and the card of what was clicked: the page's side of layers.
 *
 * Which layers are on: `?layers=coverage,cells` of the address, else what was chosen on this screen before,
 * else `data-layers` of #live, else `data-on` of the part. A screen without the part has layers all the same. `coverage:sinr` shades a layer in its second way; `?vehicles=robot,bus` (or none) picks types.
 * Contract with worker and server: docs/live-protocol.md, "Layers of the map". Texts are only ever textContent.
 */
(() => {
  "use strict";

  const TOKENS = { ink: "--map-ink", quiet: "--map-quiet", land: "--map-land", highest: "--priority-highest", high: "--priority-high",
    medium: "--priority-medium", low: "--priority-low" };
  const HATCH_STEP = 5;

  const NAME = /^[a-z][a-z0-9_-]{0,39}$/;

  let place = null, live = null, known = null, choice = null, standings = {}, summaries = {}, asked = 0, target = null;

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined && text !== null) element.textContent = text;
    return element;
  };
  const colour = (token) => `var(${TOKENS[token] ?? `--layer-${token}`})`;
  const layerOf = (name) => known?.layers.find((layer) => layer.name === name);
  const screenName = () => document.getElementById("live")?.dataset.screen || "screen";

  // The choice: {names: [...], shades: {coverage: "sinr"}, types: null for all, or [...]}

  /** "coverage:sinr,cells" as a choice; what is no layer is left out. */
  function readNames(text) {
    const names = [], shades = {};
    for (const part of text.split(",").map((word) => word.trim()).filter(Boolean)) {
      const [name, shade] = part.split(":");
      if (!NAME.test(name) || (known !== null && layerOf(name) === undefined) || names.includes(name)) continue;
      names.push(name);
      if (shade) shades[name] = shade; // one that is not known is the usual one
    }
    return { names, shades };
  }

  function readTypes(text) {
    return text === null ? null : text.split(",").map((name) => name.trim()).filter((name) => NAME.test(name) && name !== "none");
  }

  const storageKey = () => `layers:${screenName()}`;

  function remembered() {
    try { return JSON.parse(localStorage.getItem(storageKey())); } catch { return null; }
  }

  function firstChoice() {
    const address = new URLSearchParams(window.location.search), kept = place?.dataset.switches === "yes" ? remembered() : null;
    const text = address.get("layers") ?? (typeof kept?.layers === "string" ? kept.layers : live?.dataset.layers ?? place?.dataset.on ?? "");
    const types = address.get("vehicles") ?? (typeof kept?.vehicles === "string" ? kept.vehicles : null);
    return { ...readNames(text), types: readTypes(types) };
  }

  const layersText = () => choice.names.map((name) => (choice.shades[name] ? `${name}:${choice.shades[name]}` : name)).join();

  function keep() {
    const vehicles = choice.types === null ? null : choice.types.join() || "none";
    try { localStorage.setItem(storageKey(), JSON.stringify({ layers: layersText(), vehicles })); } catch { /* not kept, then */ }
  }

  function tell() {
    const standing = Object.fromEntries(Object.entries(standings).filter(([, s]) => s.standing === "old").map(([name]) => [name, "stale"]));
    window.controlRoom?.layers({ names: choice.names, shades: choice.shades, types: choice.types, standing });
  }

  function change(next, isKept = true) {
    find();
    choice = { ...choice, ...next };
    if (isKept) keep();
    tell();
    if (place !== null) {
      renderLegends();
      syncSwitches();
    }
    document.dispatchEvent(new CustomEvent("controlroom:layers", { detail: { ...choice } }));
  }

  // Pictures

  const SVG = "http://www.w3.org/2000/svg";
  function svg(tag, attributes) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  /** One entry of a legend as the map draws it. Its path is the server's own, from layouts/layers. */
  function swatch(entry, mark) {
    const picture = svg("svg", { viewBox: "0 0 24 24", class: "layer-swatch", "aria-hidden": "true", focusable: "false" });
    const isArea = !entry.path;
    const path = entry.path || (mark === "hexagon" ? "M12 2l8.7 5v10L12 22l-8.7-5V7z" : "M3 5h18v14H3z");
    const shape = svg("path", { d: path });
    shape.style.fill = entry.fill ? colour(entry.fill) : mark === "hexagon" && !entry.hatched ? colour("land") : "none";
    if (isArea && mark !== "hexagon" && entry.fill) shape.style.fillOpacity = "0.2";
    shape.style.stroke = entry.stroke ? colour(entry.stroke) : "none";
    shape.style.strokeWidth = "2";
    if (entry.dashed) shape.style.strokeDasharray = "3 2.4";
    picture.appendChild(shape);
    if (entry.hatched) {
      let lines = "";
      for (let d = -24; d < 24; d += HATCH_STEP) lines += `M${d} 24L${d + 24} 0`;
      const clip = `swatch-${(asked += 1)}`, holder = svg("clipPath", { id: clip });
      holder.appendChild(svg("path", { d: path }));
      const hatch = svg("path", { d: lines, "clip-path": `url(#${clip})` });
      hatch.style.stroke = colour(entry.fill || "quiet");
      hatch.style.strokeWidth = "1.6";
      picture.append(holder, hatch);
    }
    if (entry.lines) {
      const lines = svg("path", { d: entry.lines, fill: "none" });
      lines.style.stroke = colour(entry.stroke && entry.stroke !== "land" ? entry.stroke : "ink");
      lines.style.strokeWidth = "2.2";
      picture.appendChild(lines);
    }
    return picture;
  }

  // Switches

  function renderSwitches() {
    const box = make("fieldset", "layer-switches");
    box.appendChild(make("legend", "", "On the map"));
    const list = box.appendChild(make("ul"));
    const row = (kind, name, words, entry, mark) => {
      const label = make("label"), input = make("input");
      input.type = "checkbox";
      input.dataset[kind] = name;
      label.append(input, swatch(entry, mark), make("span", "", words));
      list.appendChild(make("li")).appendChild(label);
    };
    for (const type of known.types) row("type", type.name, capital(type.words), { path: type.path, fill: "ink" }, "symbol");
    for (const layer of known.layers) row("layer", layer.name, layer.title, layer.legends[0].entries[0], layer.legends[0].mark);
    box.addEventListener("change", (event) => {
      const { layer, type } = event.target.dataset, on = event.target.checked;
      if (layer) change({ names: on ? [...choice.names, layer] : choice.names.filter((name) => name !== layer) });
      if (type) {
        const all = known.types.map((t) => t.name), now = choice.types ?? all;
        const next = all.filter((name) => (name === type ? on : now.includes(name)));
        change({ types: next.length === all.length ? null : next });
      }
    });
    return box;
  }

  function syncSwitches() {
    for (const input of place.querySelectorAll("input[data-layer]")) input.checked = choice.names.includes(input.dataset.layer);
    for (const input of place.querySelectorAll("input[data-type]")) input.checked = choice.types === null || choice.types.includes(input.dataset.type);
  }

  const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

  // Legends

  function renderLegends() {
    const box = place.querySelector(".layer-legends");
    const order = known.layers.filter((layer) => choice.names.includes(layer.name));
    box.replaceChildren(...order.map(renderLegend));
    window.controlRoom?.writeAges(box);
  }

  function renderLegend(layer) {
    const section = make("section", "layer-legend"), legend = layer.legends.find((l) => l.name === choice.shades[layer.name]) ?? layer.legends[0];
    section.dataset.layer = layer.name;
    section.appendChild(make("h3", "", legend.title));
    if (layer.legends.length > 1 && place.dataset.switches === "yes") section.appendChild(renderShades(layer, legend));
    const list = section.appendChild(make("ul"));
    for (const entry of legend.entries) {
      const item = list.appendChild(make("li"));
      item.append(swatch(entry, legend.mark), make("span", "", entry.words));
    }
    if (legend.note && place.dataset.switches === "yes") section.appendChild(make("p", "layer-note", legend.note));
    const said = section.appendChild(make("p", "layer-said"));
    writeSaid(said, layer);
    if (layer.table && place.dataset.tables && place.dataset.switches === "yes") {
      const link = make("a", "", `${layer.title} as a table`);
      link.href = `${place.dataset.tables}?layer=${encodeURIComponent(layer.name)}`;
      section.appendChild(make("p")).appendChild(link);
    }
    return section;
  }

  function renderShades(layer, current) {
    const label = make("label", "layer-shade", "By "), select = label.appendChild(make("select"));
    for (const legend of layer.legends) {
      const option = select.appendChild(make("option", "", legend.title));
      option.value = legend.name;
      option.selected = legend === current;
    }
    select.addEventListener("change", () => {
      const name = select.value;
      change({ shades: { ...choice.shades, [layer.name]: name } });
      place.querySelector(`.layer-legend[data-layer="${layer.name}"] select`)?.focus();
    });
    return label;
  }

  function ageOf(ms) {
    const age = make("time", "age");
    age.dataset.since = ms === null ? "" : String(ms);
    return age;
  }

  /** How many there are, how old they are, and how their feeds stand: one or two sentences. */
  function writeSaid(line, layer) {
    const summary = summaries[layer.name], standing = standings[layer.name], [one, many] = layer.noun;
    const parts = [];
    if (summary === undefined) parts.push(standing?.standing === "none" ? "" : "On its way. ");
    else if (summary.total === 0) parts.push(`No ${one} is known. `);
    else {
      parts.push(`${summary.total.toLocaleString("en-GB")} ${summary.total === 1 ? one : many}`);
      if (summary.newest !== null) {
        parts.push(", measured ", ageOf(summary.newest));
        if (summary.oldest !== summary.newest) parts.push(" to ", ageOf(summary.oldest));
        parts.push(" ago");
      }
      parts.push(". ");
    }
    if (summary?.unplaced > 0) parts.push(`${summary.unplaced.toLocaleString("en-GB")} without a place, not on the map. `);
    if (standing?.standing === "none" && layer.name !== "alarms") parts.push("No feed brings this: nothing can be said of it. ");
    for (const wrong of standing?.wrong ?? []) {
      parts.push(`${wrong.title}: ${wrong.words}`);
      if (wrong.newest !== null) parts.push(", newest ", ageOf(wrong.newest));
      parts.push(". ");
    }
    line.replaceChildren(...parts);
    line.dataset.standing = standing?.standing ?? "well";
    window.controlRoom?.writeAges(line);
  }

  function renewSaid(name) {
    const line = place?.querySelector(`.layer-legend[data-layer="${name}"] .layer-said`), layer = known && layerOf(name);
    if (line && layer) writeSaid(line, layer);
  }

  // What is there

  function pick(x, y) { window.controlRoom?.pick(Math.round(x), Math.round(y)); }

  function showPicked({ x, y, found }) {
    const box = place?.querySelector(".layer-picked");
    if (!box) return;
    const vehicle = found.find((hit) => hit.kind === "vehicle"), cards = found.filter((hit) => hit.kind !== "vehicle");
    // A vehicle has no name on this side: the server finds the one that is there, and its card says who it is.
    if (vehicle !== undefined) window.controlRoom.follow(`@${vehicle.x},${vehicle.y}`);
    box.replaceChildren();
    box.hidden = cards.length === 0 && vehicle !== undefined;
    if (found.length === 0) {
      box.append(make("p", "calm", "Nothing is there."), closer(box));
      box.hidden = false;
    } else if (cards.length > 0) box.append(closer(box), ...cards.map(renderCard));
    window.controlRoom.writeAges(box);
    if (cards.length > 0) window.controlRoomMap?.ring?.(cards[0].x, cards[0].y, cards[0].label);
    if (cards.length > 0 && vehicle === undefined) sayPicked(cards[0]);
    place.dataset.pickedAt = `${x},${y}`;
  }

  function sayPicked({ kind, key, label, x, y }) {
    document.dispatchEvent(new CustomEvent("controlroom:picked", { detail: { kind, key, label, x, y } }));
  }

  function closer(box) {
    const button = make("button", "layer-close", "Close");
    button.type = "button";
    button.addEventListener("click", () => {
      box.hidden = true;
      window.controlRoomMap?.dismiss?.();
      document.querySelector(".city-leaflet")?.focus();
    });
    return button;
  }

  function renderCard(card) {
    const section = make("section", "layer-card"), list = make("dl");
    section.dataset.kind = card.kind;
    section.dataset.key = card.key;
    section.append(make("h3", "", card.label), make("p", "layer-card-state", card.state ? `${card.title}: ${card.state}` : card.title), list);
    const row = (words, content) => {
      const pair = list.appendChild(make("div"));
      pair.append(make("dt", "", words), make("dd"));
      pair.lastChild.append(content);
    };
    for (const { words, text } of card.rows) row(words, text === null ? unknown() : text);
    if (card.timed) {
      const age = ageOf(card.observed_ms);
      if (card.ageing_s !== null) age.dataset.ageingS = String(card.ageing_s);
      if (card.stale_s !== null) age.dataset.staleS = String(card.stale_s);
      row("Measured", card.observed_ms === null ? unknown("time not known") : age);
    }
    return section;
  }

  function unknown(why = "not told") {
    const box = make("span", "unknown");
    box.append("— ", make("span", "reason", why));
    return box;
  }

  // A link's target

  function showTarget() {
    const notice = place.querySelector(".layer-notice"), map = window.controlRoomMap?.map();
    if (!target || !map) return;
    if (target.missing) { notice.textContent = `${target.missing}.`; notice.hidden = false; target = null; return; }
    const { x, y } = map.project([target.latitude, target.longitude], 18);
    window.controlRoomMap.show(x, y, target.zoom, target.label);
    target = null;
  }

  // Start

  function start(element) {
    place = element;
    known = JSON.parse(element.dataset.known);
    target = element.dataset.target ? JSON.parse(element.dataset.target) : null;
    standings = {};
    summaries = {};
    choice ??= firstChoice();
    choice.names = choice.names.filter((name) => layerOf(name) !== undefined);
    const notice = make("p", "layer-notice"), legends = make("div", "layer-legends"), picked = make("div", "layer-picked");
    notice.setAttribute("role", "status");
    notice.hidden = picked.hidden = true;
    picked.setAttribute("role", "region");
    picked.setAttribute("aria-live", "polite");
    picked.setAttribute("aria-label", "What is there");
    element.replaceChildren(make("h2", "unseen", "Layers of the map"), notice, picked, ...(element.dataset.switches === "yes" ? [renderSwitches()] : []), legends);
    syncSwitches();
    renderLegends();
    tell();
    showTarget();
  }

  function find() {
    const element = document.getElementById("map-layers"), channel = document.getElementById("live");
    if (channel !== null && channel !== live) [live, choice] = [channel, null];
    if (element === null && place !== null && !place.isConnected) [place, known] = [null, null];
    if (element !== null && element !== place) start(element);
    if (live !== null) choice ??= firstChoice();
  }

  const asText = (wanted) => (Array.isArray(wanted) ? wanted.join() : String(wanted ?? ""));
  const showOnly = (wanted) => change(readNames(asText(wanted)), false);

  window.controlRoomLayers = {
    /** Topics that the channel begins with (live.js): the layers that are on, and how their feeds stand. */
    topics() { find(); return [...(choice?.names ?? []).map((name) => `layer:${name}`), ...this.panels().map((name) => `panel:${name}`)]; },
    /** Panels that this screen needs besides those it shows. */
    panels: () => (place === null ? [] : ["map_layers"]),
    /** What is on: {names, shades, types}; null on a screen without a map. */
    choice() { find(); return choice === null ? null : { ...choice, names: [...choice.names] }; },
    /** Others from now on, not remembered here: "coverage:sinr,cells", or a list of such words. */
    show: showOnly, use: showOnly,
    /** Likewise, and remembered for this screen in this browser. */
    set(text) { change(readNames(asText(text))); },
    /** Vehicle types that are shown; null all of them. */
    setTypes(types) { change({ types }); },
    /** map.js: a click, or Enter, at zoom 18 pixels. */
    picksAt: pick,
    wantsPicks: () => place !== null && place.isConnected && place.dataset.pick === "yes",
  };

  document.addEventListener("controlroom:started", () => { find(); if (choice !== null) tell(); if (place !== null) showTarget(); });
  document.addEventListener("controlroom:map-ready", () => { find(); if (place !== null) showTarget(); });
  document.addEventListener("controlroom:layer", ({ detail }) => { summaries[detail.name] = detail; renewSaid(detail.name); });
  document.addEventListener("controlroom:hits", ({ detail }) => showPicked(detail));
  document.addEventListener("controlroom:card", ({ detail }) => {
    // The card of a place: from now on that very vehicle is followed, wherever it goes.
    if (!detail?.id?.startsWith("@")) return;
    if (!detail.card) { window.controlRoom.follow(null); return; }
    const { vehicle_key: key, label, x, y } = detail.card;
    window.controlRoom.follow(key);
    sayPicked({ kind: "vehicle", key, label, x, y });
  });
  document.addEventListener("controlroom:panel", (event) => {
    if (event.detail.name !== "map_layers") return;
    event.preventDefault();
    if (place === null) return;
    if (choice === null) return;
    const before = JSON.stringify(standings);
    standings = event.detail.children.layers ?? {};
    if (JSON.stringify(standings) === before) return;
    for (const name of choice.names) renewSaid(name);
    tell();
  });
  // Dash renders the screen some time after this script has run.
  new MutationObserver(find).observe(document.documentElement, { childList: true, subtree: true });
  find();
})();
