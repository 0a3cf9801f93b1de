/* A layer's message into columns, and what of it is at a place: the mirror of control_room/layers.py.
 *
 * A layer holds for long and is read once, so its columns are plain arrays of its own.
 * Contract: docs/live-protocol.md, "Layers of the map".
 */
"use strict";

self.LayerData = (() => {
  const UNKNOWN = -(2 ** 31);
  const text = new TextDecoder();
  const NNBSP = "\u202f";

  /** The layer of an inflated message. Throws Frames.FrameError where it is cut short. */
  function decode(body) {
    const bytes = new Uint8Array(body), length = new DataView(body).getUint32(0, true);
    const layer = JSON.parse(text.decode(bytes.subarray(4, 4 + length)));
    const reader = new Frames.Reader(), { n } = layer;
    reader.open(bytes.subarray(4 + length), 0);
    const sizes = { lengths: layer.parts, px: layer.points, py: layer.points };
    layer.column = {};
    for (const name of layer.columns) {
      const size = sizes[name] ?? n, out = new Int32Array(size);
      reader.column(out, size);
      const middle = layer.middles[name];
      if (middle === undefined) for (let i = 1; i < size; i += 1) out[i] = (out[i] + out[i - 1]) | 0;
      else for (let i = 0; i < size; i += 1) out[i] = (out[i] + middle) | 0;
      layer.column[name] = out;
    }
    const { x, y } = layer.column;
    for (let i = 0; i < n; i += 1) { x[i] *= layer.grain; y[i] *= layer.grain; }
    layer.names = readKeys(layer);
    readShapes(layer);
    return layer;
  }

  function readKeys({ keys, column, n }) {
    if (keys === null) return null;
    const parts = keys.list ?? keys.parts.split("\n"), names = new Array(n);
    let before = "";
    for (let i = 0; i < n; i += 1) {
      before = before.slice(0, column.key[i]) + parts[i];
      names[i] = before + keys.end;
    }
    return names;
  }

  /** `shapes[i]`: lines and rings of a row as {closed, points: [x0, y0, x1, …]} in zoom 18 pixels, null for a point. */
  function readShapes(layer) {
    const { parts, lengths, px, py } = layer.column;
    layer.shapes = null;
    if (!parts) return;
    layer.shapes = new Array(layer.n).fill(null);
    let part = 0, point = 0;
    for (let i = 0; i < layer.n; i += 1) {
      for (let k = 0; k < parts[i]; k += 1, part += 1) {
        const count = lengths[part] >> 1, points = new Float64Array(count * 2);
        for (let j = 0; j < count; j += 1, point += 1) {
          points[j * 2] = px[point] * layer.grain;
          points[j * 2 + 1] = py[point] * layer.grain;
        }
        (layer.shapes[i] ??= []).push({ closed: (lengths[part] & 1) === 1, points });
      }
    }
  }

  /** Seconds since 1970 of a row's moment; null where it is not known. */
  function moment(layer, name, i, step = 1) {
    const column = layer.column[name];
    return column === undefined || column[i] === 0 ? null : layer.t0 + (column[i] - 1) * step;
  }

  const observed = (layer, i) => moment(layer, "t", i, layer.step_s);

  /** Whether a row is to be seen at that moment (seconds), at that zoom. */
  function isShown(layer, i, seconds, klass) {
    if (layer.column.class !== undefined && layer.column.class[i] !== klass) return false;
    const begins = moment(layer, "begins", i), ends = moment(layer, "ends", i);
    return !(begins !== null && seconds < begins) && !(ends !== null && seconds >= ends);
  }

  /** The class of clusters for that zoom, seen from as far as the text is sized for. */
  function classOf(layer, view, rem) {
    if (layer.zooms.length === 0) return 0;
    const zoom = view.zoom - Math.log2(rem / 16);
    return layer.zooms.findLastIndex((least) => zoom >= least) < 0 ? 0 : layer.zooms.findLastIndex((least) => zoom >= least);
  }

  const FRESH = 0, AGEING = 1, STALE = 2;

  function freshness(layer, i, seconds) {
    if (layer.column.t === undefined) return FRESH;
    const at = observed(layer, i), feed = layer.feeds[layer.column.feed?.[i] ?? -1];
    if (at === null) return AGEING; // time unknown: never fresh
    if (feed === undefined || feed.stale_s === undefined) return FRESH;
    return seconds - at > feed.stale_s ? STALE : seconds - at > feed.ageing_s ? AGEING : FRESH;
  }

  // What is where

  function inRing(points, x, y) {
    let inside = false;
    for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
      const ay = points[i + 1], by = points[j + 1];
      if ((ay > y) !== (by > y) && x < ((points[j] - points[i]) * (y - ay)) / (by - ay) + points[i]) inside = !inside;
    }
    return inside;
  }

  function nearLine(points, closed, x, y, r) {
    const count = points.length / 2;
    for (let k = 0; k < count - (closed ? 0 : 1); k += 1) {
      const a = k * 2, b = ((k + 1) % count) * 2;
      const dx = points[b] - points[a], dy = points[b + 1] - points[a + 1], length = dx * dx + dy * dy;
      const f = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - points[a]) * dx + (y - points[a + 1]) * dy) / length));
      if (Math.hypot(points[a] + dx * f - x, points[a + 1] + dy * f - y) <= r) return true;
    }
    return false;
  }

  function inShape(shape, x, y, r) {
    let inside = false;
    for (const { closed, points } of shape) {
      if (nearLine(points, closed, x, y, r)) return true;
      if (closed && inRing(points, x, y)) inside = !inside; // a hole is a ring as well
    }
    return inside;
  }

  /** Rows at a place (zoom 18 pixels), the nearest first: [{i, distance}]. `mark`: how they are drawn now; `radius` is that of a mark, in the same pixels. */
  function rowsAt(layer, mark, x, y, radius, seconds, klass, radiusOf, offset) {
    const found = [];
    const hexagon = layer.hexagon?.flat();
    for (let i = 0; i < layer.n; i += 1) {
      const dx = x - layer.column.x[i], dy = y - layer.column.y[i];
      if (mark === "hexagon") {
        if (hexagon && isShown(layer, i, seconds, klass) && Math.abs(dx) < 2000 && Math.abs(dy) < 2000 && inRing(hexagon, dx, dy)) found.push({ i, distance: 1e6 });
        continue;
      }
      if (!isShown(layer, i, seconds, klass)) continue;
      const [offX, offY] = offset(layer, i);
      const distance = Math.hypot(dx - offX, dy - offY);
      if (distance <= Math.max(radius, radiusOf(layer, i))) found.push({ i, distance });
      else if (layer.shapes?.[i] && inShape(layer.shapes[i], x, y, radius / 2)) found.push({ i, distance: 1e5 });
    }
    return found.sort((a, b) => a.distance - b.distance);
  }

  /** The card of a row: plain texts, and moments from which the page counts ages. */
  function card(layer, i, shade) {
    const label = layer.column.label[i] === 0 ? layer.title : layer.labels[layer.column.label[i] - 1];
    const legend = layer.legends.find((l) => l.name === shade) ?? layer.legends[0];
    const entry = legend.entries[layer.column[`shade:${legend.name}`][i]];
    const rows = [];
    layer.values.forEach(({ words, unit, decimals }, k) => {
      const value = layer.column[`value:${k}`][i];
      const said = (value / 10 ** decimals).toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
      rows.push({ words, text: value === UNKNOWN ? null : unit ? `${said}${NNBSP}${unit}` : said });
    });
    layer.facts.forEach(({ words, texts }, k) => {
      const which = layer.column[`fact:${k}`][i];
      if (which !== 0) rows.push({ words, text: texts[which - 1] });
    });
    const at = observed(layer, i), feed = layer.feeds[layer.column.feed?.[i] ?? -1];
    return {
      layer: layer.name, kind: layer.kind, title: layer.title, table: layer.table,
      key: layer.names === null ? `${layer.column.x[i]},${layer.column.y[i]}` : layer.names[i],
      label, state: entry === undefined ? null : entry.words, rows,
      x: layer.column.x[i], y: layer.column.y[i],
      timed: layer.column.t !== undefined, observed_ms: at === null ? null : at * 1000,
      ageing_s: feed?.ageing_s ?? null, stale_s: feed?.stale_s ?? null,
    };
  }

  /** What the page says of a layer: how many there are, how old the oldest and the newest. */
  function summary(layer) {
    let oldest = null, newest = null;
    for (let i = 0; i < (layer.column.t === undefined ? 0 : layer.n); i += 1) {
      const at = observed(layer, i);
      if (at === null) continue;
      if (oldest === null || at < oldest) oldest = at;
      if (newest === null || at > newest) newest = at;
    }
    const ms = (seconds) => (seconds === null ? null : seconds * 1000);
    return { name: layer.name, n: layer.n, total: layer.total, unplaced: layer.unplaced, oldest: ms(oldest), newest: ms(newest) };
  }

  return { decode, isShown, classOf, freshness, rowsAt, card, summary, FRESH, AGEING, STALE, UNKNOWN };
})();
