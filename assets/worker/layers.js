/* Layers of the map: areas beneath roads and names, marks over them and under the vehicles.
 *
 * Painted on the ground's canvas when the view or a layer changes, never for a vehicle. Pictures
 * of marks are made once and stamped. Looks come with the layer (layouts/layers), colours from
 * the page's tokens; texts of feeds are only ever drawn as text.
 */
"use strict";

importScripts("layer_data.js");

self.Layers = (() => {
  const GAUGE_FROM = 13.2; // nearer than this the gauges of one mast's sectors do not run into each other
  const HOLES = 16; // hexagons or rings in one path: one path of all is slow to fill
  const { FRESH, STALE, UNKNOWN } = LayerData;

  const held = new Map(); // name -> layer
  let shown = [], shades = {}, standing = {}, made = new Map(), madeFor = "", paths = new Map(), lastSigns = "";

  function take(layer) { held.set(layer.name, layer); return LayerData.summary(layer); }

  /** `forget`: true: another moment altogether, nothing that was shown before holds; names: of these nothing is known of the moment shown. `names` in any order; `shades`: name -> way of shading; `standing`: name -> "stale" or "failing" where its feeds are. */
  function choose(wish) {
    if (wish.forget === true) held.clear();
    else for (const name of wish.forget ?? []) held.delete(name);
    if (wish.names) shown = wish.names;
    if (wish.shades) shades = wish.shades;
    if (wish.standing) standing = wish.standing;
    for (const name of held.keys()) if (!shown.includes(name)) held.delete(name);
  }

  const list = () => shown.map((name) => held.get(name)).filter(Boolean).sort((a, b) => a.order - b.order);
  const legendOf = (layer) => layer.legends.find((l) => l.name === shades[layer.name]) ?? layer.legends[0];
  const shadeColumn = (layer) => layer.column[`shade:${legendOf(layer).name}`];
  // A way of shading may have a mark and rows of its own (heat), whatever the zoom.
  const markOf = (layer) => legendOf(layer).mark ?? layer.mark;
  const classOf = (layer, view, rem) => legendOf(layer).rows ?? LayerData.classOf(layer, view, rem);
  const isOld = (layer) => standing[layer.name] === "stale" || standing[layer.name] === "failing";

  function sight(view, look, seconds) {
    const { dpr } = view, px = look.rem * dpr;
    return { s: 2 ** (view.zoom - 18) * dpr, ox: view.originX * dpr, oy: view.originY * dpr, w: view.width * dpr, h: view.height * dpr,
      px, hair: Math.max(1, px / 16), unit: Math.max(12, Math.round(px * (view.zoom >= 13.8 ? 1.5 : view.zoom >= 11.8 ? 1.25 : 0.95))),
      zoom: view.zoom, view, rem: look.rem, colours: look.colours, seconds };
  }

  const colour = (v, token) => v.colours[token] ?? v.colours.ink;

  // A hatching of its own for each colour and size; made once.
  function hatch(context, v, token, wide) {
    const key = `hatch ${colour(v, token)} ${wide} ${v.px}`;
    let pattern = made.get(key);
    if (pattern === undefined) {
      const side = Math.max(4, Math.round(v.px * wide)), canvas = new OffscreenCanvas(side, side), pen = canvas.getContext("2d");
      pen.strokeStyle = colour(v, token);
      pen.lineWidth = Math.max(1, v.px / 18);
      pen.beginPath();
      for (const d of [-side, 0, side]) { pen.moveTo(d - 1, side + 1); pen.lineTo(d + side + 1, -1); }
      pen.stroke();
      pattern = context.createPattern(canvas, "repeat");
      made.set(key, pattern);
    }
    return pattern;
  }

  /** Hexagons: beneath the roads. Called by Ground between land and roads; whether any was painted. */
  function paintGround(context, view, look, seconds) {
    const v = sight(view, look, seconds);
    forget(v);
    const areas = list().filter((layer) => markOf(layer) === "hexagon");
    for (const layer of areas) paintHexagons(context, v, layer);
    return areas.length > 0;
  }

  function forget(v) {
    const size = `${v.px} ${v.unit} ${JSON.stringify(v.colours)}`;
    if (size === madeFor) return;
    for (const picture of made.values()) if (picture.close) picture.close();
    made.clear();
    madeFor = size;
  }

  function paintHexagons(context, v, layer) {
    const { s, ox, oy, w, h } = v, corners = layer.hexagon, entries = legendOf(layer).entries, shade = shadeColumn(layer);
    // What nobody measured is hatched, never blank: the whole city first, then what is known over it.
    if (layer.box) {
      const [west, north, east, south] = layer.box;
      context.globalAlpha = 0.22;
      context.fillStyle = hatch(context, v, "quiet", 0.75);
      context.fillRect(west * s - ox, north * s - oy, (east - west) * s, (south - north) * s);
      context.globalAlpha = 1;
    }
    if (!corners) return;
    const reach = Math.max(...corners.flat().map(Math.abs)) * s;
    const groups = entries.map(() => []), old = [], klass = classOf(layer, v.view, v.rem);
    for (let i = 0; i < layer.n; i += 1) {
      if (!LayerData.isShown(layer, i, v.seconds, klass)) continue;
      const x = layer.column.x[i] * s - ox, y = layer.column.y[i] * s - oy;
      if (x < -reach || y < -reach || x > w + reach || y > h + reach) continue;
      groups[shade[i]]?.push(x, y);
      if (isOld(layer) || LayerData.freshness(layer, i, v.seconds) === STALE) old.push(x, y);
    }
    const trace = (places, from, grow) => {
      context.beginPath();
      for (let i = from; i < Math.min(from + HOLES * 2, places.length); i += 2) {
        corners.forEach(([dx, dy], k) => {
          const x = places[i] + dx * s * grow, y = places[i + 1] + dy * s * grow;
          if (k === 0) context.moveTo(x, y); else context.lineTo(x, y);
        });
        context.closePath();
      }
    };
    entries.forEach((entry, k) => {
      if (groups[k].length === 0) return;
      for (let i = 0; i < groups[k].length; i += HOLES * 2) {
        trace(groups[k], i, 1.02); // a hair over each other, or seams of the ground show between
        context.fillStyle = entry.fill ? colour(v, entry.fill) : v.colours.land;
        context.fill();
        if (!entry.stroke || reach < v.px * 0.35) continue;
        trace(groups[k], i, 0.8);
        context.strokeStyle = colour(v, entry.stroke);
        context.lineWidth = v.hair;
        if (entry.dashed) context.setLineDash([v.hair * 3, v.hair * 3]);
        context.stroke();
        context.setLineDash([]);
      }
    });
    context.fillStyle = hatch(context, v, "ink", 0.35);
    context.globalAlpha = 0.55;
    for (let i = 0; i < old.length; i += HOLES * 2) { trace(old, i, 1); context.fill(); }
    context.globalAlpha = 1;
  }

  /** Areas and lines: over the roads, beneath their numbers and all names. */
  function paintAreas(context, view, look, seconds) {
    const v = sight(view, look, seconds);
    context.lineJoin = context.lineCap = "round";
    for (const layer of list()) {
      if (layer.shapes === null) continue;
      const entries = legendOf(layer).entries, shade = shadeColumn(layer), klass = classOf(layer, view, v.rem);
      for (let k = entries.length - 1; k >= 0; k -= 1) {
        for (let i = 0; i < layer.n; i += 1) {
          if (shade[i] === k && layer.shapes[i] !== null && LayerData.isShown(layer, i, v.seconds, klass)) paintShape(context, v, layer, i, entries[k]);
        }
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  function paintShape(context, v, layer, i, entry) {
    const { s, ox, oy, w, h } = v, shape = layer.shapes[i];
    let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
    context.beginPath();
    for (const { closed, points } of shape) {
      for (let k = 0; k < points.length; k += 2) {
        const x = points[k] * s - ox, y = points[k + 1] * s - oy;
        west = Math.min(west, x); east = Math.max(east, x);
        north = Math.min(north, y); south = Math.max(south, y);
        if (k === 0) context.moveTo(x, y); else context.lineTo(x, y);
      }
      if (closed) context.closePath();
    }
    if (east < 0 || south < 0 || west > w || north > h) return;
    const token = entry.path ? "ink" : entry.stroke || "ink", old = isOld(layer) || LayerData.freshness(layer, i, v.seconds) === STALE;
    if (shape.some((part) => part.closed) && !entry.path) {
      if (entry.fill) { context.globalAlpha = 0.1; context.fillStyle = colour(v, entry.fill); context.fill("evenodd"); }
      if (entry.hatched || old) { context.globalAlpha = 0.3; context.fillStyle = hatch(context, v, old ? "quiet" : entry.fill || "ink", 0.6); context.fill("evenodd"); }
    }
    context.globalAlpha = old ? 0.6 : 1;
    context.lineWidth = v.hair * (entry.path ? 3.2 : 1.6);
    context.strokeStyle = colour(v, token);
    context.setLineDash(entry.dashed || old ? [v.hair * 5, v.hair * 4] : []);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Marks and their texts: over the names. */
  function paintMarks(context, view, look, seconds) {
    const v = sight(view, look, seconds), texts = [];
    for (const layer of list()) {
      if (markOf(layer) === "hexagon") continue;
      const entries = legendOf(layer).entries, shade = shadeColumn(layer), klass = classOf(layer, view, v.rem);
      const order = [];
      for (let i = 0; i < layer.n; i += 1) if (LayerData.isShown(layer, i, v.seconds, klass)) order.push(i);
      // The first of a legend matters most and lies on top; of clusters the small ones do.
      const size = layer.column.size;
      order.sort((a, b) => shade[b] - shade[a] || (size ? size[b] - size[a] : 0));
      for (const i of order) paintMark(context, v, layer, i, entries[shade[i]], texts);
    }
    paintTexts(context, v, texts);
    lastSigns = signs(view, look, seconds);
  }

  /** Half the width of a mark in device pixels: of a cluster by the root of its size, else that of a symbol. */
  function reachOf(v, layer, i) {
    if (layer.mark !== "cluster") return v.unit / 2;
    return v.unit * Math.min(1.7, 0.3 + 0.16 * Math.sqrt(layer.column.size[i]));
  }

  /** How far a mark stands off its place, so that the sectors of one mast do not cover each other. */
  function offsetOf(v, layer, i) {
    const angle = layer.column.angle?.[i];
    if (angle === undefined || angle === UNKNOWN) return [0, 0];
    const turn = (angle * Math.PI) / 180, far = v.unit * 0.55;
    return [Math.sin(turn) * far, -Math.cos(turn) * far];
  }

  function paintMark(context, v, layer, i, entry, texts) {
    if (entry === undefined) return;
    const [offX, offY] = offsetOf(v, layer, i), reach = reachOf(v, layer, i);
    const x = layer.column.x[i] * v.s - v.ox + offX, y = layer.column.y[i] * v.s - v.oy + offY;
    if (x < -reach * 2 || y < -reach * 2 || x > v.w + reach * 2 || y > v.h + reach * 2) return;
    const fresh = LayerData.freshness(layer, i, v.seconds), old = isOld(layer) || fresh === STALE;
    const tag = layer.tags.length > 0 && layer.column.tag[i] !== 0 ? layer.tags[layer.column.tag[i] - 1] : null;
    if (entry.path) {
      const picture = stamp(v, entry, Math.round(reach * 2), old ? 2 : fresh === FRESH ? 0 : 1);
      context.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - picture.height / 2));
    }
    if (layer.mark === "cluster") {
      if (layer.column.size[i] > 1 && reach > v.px * 0.42) texts.push({ x, y, text: layer.column.size[i].toLocaleString("en-GB"), middle: true, size: Math.min(v.px * 0.72, reach * 0.8), old });
      return;
    }
    const level = layer.column.level?.[i];
    if (level !== undefined && v.zoom >= GAUGE_FROM) paintGauge(context, v, x + reach * 0.95, y, level, old);
    if (tag !== null && v.zoom >= layer.tags_from) {
      // A tag of one or two figures stands on its mark, a longer one beside it, or in the middle of its area.
      const short = entry.path && tag.length <= 2;
      texts.push({ x: short || !entry.path ? x : x + reach * 1.15, y, text: tag, middle: short || !entry.path, size: v.px * (short ? 0.66 : 0.68), old, on: short ? entry.fill : "" });
    }
  }

  // fresh 0, ageing 1, stale 2: dimmer, then hatched.
  function stamp(v, entry, side, age) {
    const key = `${entry.path}|${entry.lines}|${entry.fill}|${entry.stroke}|${entry.dashed}|${side}|${age}`;
    let picture = made.get(key);
    if (picture !== undefined) return picture;
    const canvas = new OffscreenCanvas(side + 4, side + 4), pen = canvas.getContext("2d");
    pen.translate(2, 2);
    pen.scale(side / 24, side / 24);
    pen.lineJoin = pen.lineCap = "round";
    pen.globalAlpha = age === 0 ? 1 : 0.6;
    const path = find(entry.path), lines = entry.lines ? find(entry.lines) : null;
    // A rim of the ground's colour keeps marks apart from what they lie on.
    pen.strokeStyle = v.colours.land;
    pen.lineWidth = 4.4;
    pen.stroke(path);
    if (entry.fill) { pen.fillStyle = age === 2 ? v.colours.land : colour(v, entry.fill); pen.fill(path); }
    if (age === 2) {
      pen.save();
      pen.clip(path);
      pen.strokeStyle = colour(v, entry.fill && entry.fill !== "land" ? entry.fill : entry.stroke || "quiet");
      pen.lineWidth = 1.4;
      pen.beginPath();
      for (let d = -24; d < 24; d += 4) { pen.moveTo(d, 24); pen.lineTo(d + 24, 0); }
      pen.stroke();
      pen.restore();
    }
    pen.lineWidth = 2;
    if (entry.stroke) {
      pen.strokeStyle = colour(v, age === 2 && entry.stroke === "land" ? entry.fill : entry.stroke);
      if (entry.dashed) pen.setLineDash([2.8, 2.2]);
      pen.stroke(path);
      pen.setLineDash([]);
    }
    if (lines !== null) {
      pen.lineWidth = 2.2;
      pen.strokeStyle = colour(v, entry.stroke && entry.stroke !== "land" ? entry.stroke : "ink");
      pen.stroke(lines);
    }
    picture = canvas.transferToImageBitmap();
    made.set(key, picture);
    return picture;
  }

  function find(data) {
    let path = paths.get(data);
    if (path === undefined) { path = new Path2D(data); paths.set(data, path); }
    return path;
  }

  /** A small upright gauge: how full, of a hundred; dashed where nobody knows. */
  function paintGauge(context, v, x, y, level, old) {
    const wide = Math.max(3, v.unit * 0.16), high = v.unit * 0.8, top = y - high / 2;
    context.fillStyle = v.colours.land;
    context.fillRect(x - 1, top - 1, wide + 2, high + 2);
    context.strokeStyle = v.colours.quiet;
    context.lineWidth = Math.max(1, v.hair * 0.8);
    if (level === UNKNOWN) context.setLineDash([2, 2]);
    context.strokeRect(x, top, wide, high);
    context.setLineDash([]);
    if (level === UNKNOWN) return;
    const full = (high * Math.max(0, Math.min(100, level))) / 100;
    context.fillStyle = old ? v.colours.quiet : v.colours.ink;
    context.fillRect(x, top + high - full, wide, full);
  }

  function paintTexts(context, v, texts) {
    const taken = [];
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const { x, y, text, middle, size, old, on } of texts) {
      context.font = `${old ? "italic " : ""}600 ${size}px Inter, sans-serif`;
      const wide = context.measureText(text).width, left = middle ? x - wide / 2 : x;
      if (taken.some((b) => left < b[2] && left + wide > b[0] && y - size * 0.6 < b[3] && y + size * 0.6 > b[1])) continue;
      taken.push([left, y - size * 0.6, left + wide, y + size * 0.6]);
      context.textAlign = "left";
      const dark = on && on !== "land"; // on a filled mark the text takes the ground's colour
      if (!dark) {
        context.lineWidth = size * 0.3;
        context.strokeStyle = v.colours.land;
        context.strokeText(text, left, y + size * 0.04);
      }
      context.fillStyle = dark ? v.colours.land : v.colours.ink;
      context.fillText(text, left, y + size * 0.04);
    }
  }

  /** How many rows are shown, ageing and stale: another answer than at the last painting asks for a new one. */
  function signs(view, look, seconds) {
    const parts = [];
    for (const layer of list()) {
      if (layer.column.begins === undefined && layer.column.ends === undefined && layer.column.t === undefined) continue;
      let sum = 0;
      for (let i = 0; i < layer.n; i += 1) {
        if (LayerData.isShown(layer, i, seconds, layer.column.class?.[i] ?? 0)) sum += 1 + 100003 * LayerData.freshness(layer, i, seconds);
      }
      parts.push(sum);
    }
    return parts.join();
  }

  const isDue = (view, look, seconds) => signs(view, look, seconds) !== lastSigns;

  /** Cards of what is at a place (zoom 18 pixels), the topmost layer first, at most `most`. */
  function pick(view, look, seconds, x, y, most = 6) {
    const v = sight(view, look, seconds), radius = Math.max(v.unit / 2, 12 * view.dpr) / v.s, cards = [];
    for (const layer of list().reverse()) {
      const klass = classOf(layer, view, v.rem);
      const found = LayerData.rowsAt(layer, markOf(layer), x, y, radius, seconds, klass, (l, i) => reachOf(v, l, i) / v.s, (l, i) => offsetOf(v, l, i).map((d) => d / v.s));
      for (const { i } of found) if (cards.length < most) cards.push(LayerData.card(layer, i, legendOf(layer).name));
    }
    return cards;
  }

  const debug = () => ({ shown: [...shown], held: Object.fromEntries([...held].map(([name, layer]) => [name, layer.n])) });

  return { take, choose, paintGround, paintAreas, paintMarks, isDue, pick, debug };
})();
