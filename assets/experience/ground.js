/* The city as a picture: estates, parks' trees, lakes, grid roads, roundabouts, Redways. Painted once a view.
 *
 * Its lines come from the city's own file (control_room/city/<name>/basemap.json, see build_basemap.py for what it
 * claims). Trees and Redways are ornament: the city plants its grid roads with trees and leads a red path beside
 * them, but where exactly is not in our facts, so "How it works" and "Your privacy" call this map a drawing.
 */
"use strict";

self.CityGround = (() => {
  const WORLD = 256 * 2 ** 18;
  const worldX = (lon) => ((lon + 180) / 360) * WORLD;
  const worldY = (lat) => {
    const s = Math.sin((lat * Math.PI) / 180);
    return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * WORLD;
  };
  const METRE = 1 / 0.3675; // pixels of zoom 18 at 52° N; good to 1 % over a city
  const TOWN = 40; // stops; as many make a town, whose name is always shown
  const TREES_A_SIDE_M = 150;

  let map = null;

  function unpack(line, unit) {
    const out = new Float64Array(line.length);
    let lon = 0, lat = 0;
    for (let i = 0; i < line.length; i += 2) {
      lon += line[i];
      lat += line[i + 1];
      out[i] = worldX(lon * unit);
      out[i + 1] = worldY(lat * unit);
    }
    return out;
  }

  /** The same number between 0 and 1 for the same input, always: an ornament must not flicker. */
  function chance(a, b) {
    let h = Math.imul(a | 0, 374761393) ^ Math.imul(b | 0, 668265263);
    h = Math.imul(h ^ (h >>> 13), 1274126177);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  }

  function load(basemap) {
    const unit = basemap.unit_deg;
    const estates = basemap.estates.map((e, i) => ({ name: e.name, weight: e.weight, at: unpack(e.at, unit), cell: unpack(e.cell, unit), tint: Math.floor(chance(i, 7) * 5) }));
    const roads = basemap.roads.map((r) => ({ ref: r.ref, name: r.name, line: unpack(r.line, unit) }));
    map = {
      estates: estates.sort((a, b) => b.weight - a.weight),
      roads,
      crossings: basemap.crossings.map((c) => unpack(c, unit)),
      places: basemap.places.map((p) => ({ name: p.name, kind: p.kind, at: unpack(p.at, unit), precision: p.precision_m })),
      trees: plant(roads),
      box: boxOf(roads.map(({ line }) => line)), // the grid; the villages round it would make it small
    };
    return map;
  }

  function boxOf(lines) {
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (const line of lines) {
      for (let i = 0; i < line.length; i += 2) {
        x0 = Math.min(x0, line[i]); x1 = Math.max(x1, line[i]);
        y0 = Math.min(y0, line[i + 1]); y1 = Math.max(y1, line[i + 1]);
      }
    }
    return [x0, y0, x1, y1];
  }

  /** Trees in loose clumps on both sides of the grid roads: [x, y, size 0…1, shade 0…1]. */
  function plant(roads) {
    const trees = [];
    for (const { line } of roads) {
      for (let i = 0; i + 3 < line.length; i += 2) {
        const dx = line[i + 2] - line[i], dy = line[i + 3] - line[i + 1], length = Math.hypot(dx, dy);
        const steps = Math.floor(length / (TREES_A_SIDE_M * METRE));
        for (let k = 0; k < steps; k += 1) {
          for (const side of [-1, 1]) {
            const seed = chance(line[i] + k * 13, line[i + 1] + side);
            if (seed < 0.3) continue;
            const f = (k + seed) / steps, off = side * (75 + 95 * chance(seed * 9e6, k)) * METRE;
            const x = line[i] + dx * f - (dy / length) * off, y = line[i + 1] + dy * f + (dx / length) * off;
            const many = 1 + Math.floor(chance(seed * 5e6, side) * 3);
            for (let j = 0; j < many; j += 1) {
              const turn = chance(seed * 3e6, j) * 6.28;
              trees.push([x + Math.cos(turn) * 34 * METRE * j, y + Math.sin(turn) * 34 * METRE * j, chance(j, seed * 7e6), chance(j + 5, seed * 2e6)]);
            }
          }
        }
      }
    }
    return trees;
  }

  // A name is placed only where none placed before it stands.
  class Room {
    constructor() { this.taken = []; }
    take(x, y, w, h) {
      for (const b of this.taken) if (x < b[2] && x + w > b[0] && y < b[3] && y + h > b[1]) return false;
      this.taken.push([x, y, x + w, y + h]);
      return true;
    }
  }

  function trace(context, line, v) {
    context.moveTo(line[0] * v.s - v.ox, line[1] * v.s - v.oy);
    for (let i = 2; i < line.length; i += 2) context.lineTo(line[i] * v.s - v.ox, line[i + 1] * v.s - v.oy);
  }

  /** A line a fixed way to the left (right: negative) of another, corners simply joined. Pixels of the canvas. */
  function traceBeside(context, line, v, off) {
    for (let i = 0; i + 3 < line.length; i += 2) {
      const ax = line[i] * v.s - v.ox, ay = line[i + 1] * v.s - v.oy, bx = line[i + 2] * v.s - v.ox, by = line[i + 3] * v.s - v.oy;
      const length = Math.hypot(bx - ax, by - ay) || 1, nx = (-(by - ay) / length) * off, ny = ((bx - ax) / length) * off;
      if (i === 0) context.moveTo(ax + nx, ay + ny);
      else context.lineTo(ax + nx, ay + ny);
      context.lineTo(bx + nx, by + ny);
    }
  }

  /** v: {s, ox, oy, w, h, px}: scale and origin, size of the canvas, pixels of one rem. */
  function paint(context, v, colours, chosen) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, v.w, v.h);
    if (map === null) return;
    const near = (x, y, margin) => x > -margin && y > -margin && x < v.w + margin && y < v.h + margin;
    const wide = Math.max(v.px * 0.2, Math.min(v.px * 1.1, 34 * METRE * v.s)); // of a grid road
    context.lineJoin = context.lineCap = "round";
    paintEstates(context, v, colours, near, chosen);
    paintLakes(context, v, colours, near);
    paintTrees(context, v, colours, near);

    // Redways: beside every grid road, as the city built them.
    context.strokeStyle = colours.redway;
    context.lineWidth = Math.max(1.2, wide * 0.2);
    context.setLineDash([v.px * 0.34, v.px * 0.3]);
    context.beginPath();
    for (const { line } of map.roads) traceBeside(context, line, v, wide * 1.25);
    context.stroke();
    context.setLineDash([]);

    for (const [colour, width] of [[colours.kerb, wide + Math.max(2, wide * 0.24)], [colours.road, wide]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const { line } of map.roads) trace(context, line, v);
      context.stroke();
    }
    paintRoundabouts(context, v, colours, near, wide);
    paintNames(context, v, colours, near, chosen);
  }

  function paintEstates(context, v, colours, near, chosen) {
    context.strokeStyle = colours.seam;
    context.lineWidth = Math.max(1, v.px * 0.05);
    for (const estate of map.estates) {
      if (!near(estate.at[0] * v.s - v.ox, estate.at[1] * v.s - v.oy, 2600 * v.s * METRE)) continue;
      context.beginPath();
      trace(context, estate.cell, v);
      context.closePath();
      context.fillStyle = estate.name === chosen ? colours.chosen : colours.land[estate.tint % colours.land.length];
      context.fill();
      context.stroke();
    }
    const found = map.estates.find((e) => e.name === chosen);
    if (found === undefined) return;
    context.beginPath();
    trace(context, found.cell, v);
    context.closePath();
    context.strokeStyle = colours.ink;
    context.lineWidth = v.px * 0.18;
    context.stroke();
  }

  function paintLakes(context, v, colours, near) {
    for (const place of map.places) {
      if (place.kind !== "lake") continue;
      const x = place.at[0] * v.s - v.ox, y = place.at[1] * v.s - v.oy, r = place.precision * METRE * v.s;
      if (!near(x, y, r * 1.3)) continue;
      // A lake is a place and a size in our facts: a soft-edged pool, never a shoreline.
      const soft = context.createRadialGradient(x, y, r * 0.3, x, y, r * 1.05);
      soft.addColorStop(0, colours.water);
      soft.addColorStop(0.8, colours.water);
      soft.addColorStop(1, `${colours.water}00`);
      context.fillStyle = soft;
      context.beginPath();
      context.ellipse(x, y, r * 1.15, r * 0.9, 0.5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function paintTrees(context, v, colours, near) {
    const least = Math.max(v.px * 0.07, 9 * METRE * v.s);
    for (const shade of [0, 1]) {
      context.fillStyle = colours.trees[shade];
      context.beginPath();
      for (const [tx, ty, size, which] of map.trees) {
        if ((which < 0.5 ? 0 : 1) !== shade) continue;
        const x = tx * v.s - v.ox, y = ty * v.s - v.oy, r = least * (0.75 + size * 0.9);
        if (!near(x, y, r)) continue;
        context.moveTo(x + r, y);
        context.arc(x, y, r, 0, 2 * Math.PI);
      }
      context.fill();
    }
  }

  function paintRoundabouts(context, v, colours, near, wide) {
    for (const crossing of map.crossings) {
      const x = crossing[0] * v.s - v.ox, y = crossing[1] * v.s - v.oy, r = wide * 1.35;
      if (!near(x, y, r * 2)) continue;
      for (const [colour, radius] of [[colours.kerb, r + Math.max(1, wide * 0.12)], [colours.road, r], [colours.kerb, r * 0.55 + Math.max(0.5, wide * 0.08)], [colours.island, r * 0.55]]) {
        context.fillStyle = colour;
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  function paintNames(context, v, colours, near, chosen) {
    const room = new Room(), across = v.w / (1000 * METRE * v.s); // kilometres in view
    context.textAlign = "center";
    context.textBaseline = "middle";
    const least = across > 9 ? TOWN : across > 6 ? 16 : across > 3.5 ? 7 : 0;
    const named = map.estates.filter((e) => e.weight >= least || e.name === chosen).sort((a, b) => (b.name === chosen) - (a.name === chosen));
    for (const estate of named) {
      const x = estate.at[0] * v.s - v.ox, y = estate.at[1] * v.s - v.oy;
      if (!near(x, y, 0)) continue;
      const strong = estate.name === chosen || estate.weight >= TOWN, size = v.px * (strong ? 0.95 : 0.78);
      context.font = `${strong ? 600 : 500} ${size}px Inter, sans-serif`;
      const half = context.measureText(estate.name).width / 2;
      if (x - half < v.px * 0.4 || x + half > v.w - v.px * 0.4) continue;
      if (!room.take(x - half - v.px * 0.5, y - size * 0.8, half * 2 + v.px, size * 1.6)) continue;
      context.strokeStyle = colours.rim;
      context.lineWidth = size * 0.34;
      context.strokeText(estate.name, x, y);
      context.fillStyle = strong ? colours.ink : colours.inkSoft;
      context.fillText(estate.name, x, y);
    }
  }

  function inRing(points, x, y) {
    let inside = false;
    for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
      const ay = points[i + 1], by = points[j + 1];
      if ((ay > y) !== (by > y) && x < ((points[j] - points[i]) * (y - ay)) / (by - ay) + points[i]) inside = !inside;
    }
    return inside;
  }

  /** The estate at a place of zoom 18, or the nearest within `reach` metres; null where there is none. */
  function estateAt(x, y, reach) {
    if (map === null) return null;
    const inside = map.estates.find((e) => inRing(e.cell, x, y));
    if (inside !== undefined) return inside;
    let best = null, least = reach * METRE;
    for (const estate of map.estates) {
      const away = Math.hypot(estate.at[0] - x, estate.at[1] - y);
      if (away < least) { best = estate; least = away; }
    }
    return best;
  }

  const findEstate = (name) => (map === null ? null : map.estates.find((e) => e.name === name) ?? null);

  return { load, paint, estateAt, findEstate, METRE };
})();
