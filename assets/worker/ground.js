/* The ground: estates, grid roads, places. Painted when the view changes, never for a vehicle.
 *
 * The file is control_room/city/<name>/basemap.json (see build_basemap.py for its form).
 */
"use strict";

self.Ground = (() => {
  const TOWN = 40; // stops; as many make a town, whose name is set in capitals

  let map = null;

  // Web Mercator pixels at zoom 18, the unit of the frames.
  const WORLD = 256 * 2 ** 18;
  const worldX = (lon) => ((lon + 180) / 360) * WORLD;
  const worldY = (lat) => {
    const s = Math.sin((lat * Math.PI) / 180);
    return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * WORLD;
  };

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

  function load(basemap) {
    const unit = basemap.unit_deg;
    map = {
      roads: basemap.roads.map((r) => ({ ref: r.ref, name: r.name, line: unpack(r.line, unit) })),
      crossings: basemap.crossings.map((c) => unpack(c, unit)),
      estates: basemap.estates
        .map((e) => ({ name: e.name, weight: e.weight, at: unpack(e.at, unit), cell: unpack(e.cell, unit) }))
        .sort((a, b) => b.weight - a.weight),
      places: basemap.places.map((p) => ({ name: p.name, kind: p.kind, at: unpack(p.at, unit), precision: p.precision_m })),
    };
  }

  // Names yield: a text is placed only where nothing placed before it stands.
  class Room {
    constructor() { this.taken = []; }
    take(x, y, w, h) {
      for (const b of this.taken) {
        if (x < b[2] && x + w > b[0] && y < b[3] && y + h > b[1]) return false;
      }
      this.taken.push([x, y, x + w, y + h]);
      return true;
    }
  }

  function trace(context, line, s, ox, oy) {
    context.moveTo(line[0] * s - ox, line[1] * s - oy);
    for (let i = 2; i < line.length; i += 2) context.lineTo(line[i] * s - ox, line[i + 1] * s - oy);
  }

  /** `layers`: what paints beneath the roads (ground) and beneath their numbers and all names (areas). */
  function paint(context, view, look, layers) {
    const { colours, rem } = look;
    const dpr = view.dpr, s = 2 ** (view.zoom - 18) * dpr, ox = view.originX * dpr, oy = view.originY * dpr;
    const w = view.width * dpr, h = view.height * dpr, px = rem * dpr;
    const hair = Math.max(1, px / 16);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, w, h);
    if (map === null) return;
    const near = (x, y, margin) => x > -margin && y > -margin && x < w + margin && y < h + margin;

    // Estates: one shape each; one path of all of them is slow to fill.
    context.lineJoin = context.lineCap = "round";
    context.fillStyle = colours.land;
    context.strokeStyle = colours.cell;
    context.lineWidth = hair;
    for (const estate of map.estates) {
      if (!near(estate.at[0] * s - ox, estate.at[1] * s - oy, 2600 * s)) continue;
      context.beginPath();
      trace(context, estate.cell, s, ox, oy);
      context.closePath();
      context.fill();
      context.stroke();
    }

    // Lakes are points in the facts, with how far to trust them: a disc of that size, soft at its edge.
    for (const place of map.places) {
      if (place.kind !== "lake") continue;
      const x = place.at[0] * s - ox, y = place.at[1] * s - oy, r = (place.precision / 0.3675) * s;
      if (!near(x, y, r)) continue;
      const soft = context.createRadialGradient(x, y, r * 0.72, x, y, r);
      soft.addColorStop(0, colours.water);
      soft.addColorStop(1, `${colours.water}00`); // "transparent" would fade through black
      context.fillStyle = soft;
      context.beginPath();
      context.arc(x, y, r, 0, 2 * Math.PI);
      context.fill();
    }

    const coloured = layers ? layers.ground() : false;
    context.strokeStyle = colours.road;
    context.lineWidth = hair * (view.zoom >= 14 ? 2.2 : view.zoom >= 12.5 ? 1.6 : 1.1);
    for (const road of map.roads) {
      context.beginPath();
      trace(context, road.line, s, ox, oy);
      context.stroke();
    }

    if (view.zoom >= 11.8) {
      const r = Math.min(px * 0.5, Math.max(px * 0.16, (42 / 0.3675) * s));
      context.fillStyle = colours.land;
      context.lineWidth = hair * (view.zoom >= 14 ? 2 : 1.3);
      for (const c of map.crossings) {
        const x = c[0] * s - ox, y = c[1] * s - oy;
        if (!near(x, y, r)) continue;
        context.beginPath();
        context.arc(x, y, r, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      }
    }

    if (layers) layers.areas();
    const room = new Room();
    paintShields(context, room, { s, ox, oy, w, h, px, hair }, colours);
    const sight = { s, ox, oy, w, px, hair, near, coloured, zoom: view.zoom };
    paintNames(context, room, sight, colours, (e) => e.weight >= TOWN);
    if (view.zoom >= 11.5) paintPlaces(context, room, sight, colours);
    paintNames(context, room, sight, colours, (e) => e.weight < TOWN);
  }

  // A road's number at both ends of what is in view, a little inside the edge.
  function paintShields(context, room, v, colours) {
    const size = v.px * 0.68, high = v.px * 1.12;
    context.font = `600 ${size}px Inter, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const road of map.roads) {
      const wide = context.measureText(road.ref).width + v.px * 0.6;
      for (const [x, y] of endsInView(road.line, v, v.px * 1.4)) {
        if (!room.take(x - wide / 2 - 2, y - high / 2 - 2, wide + 4, high + 4)) continue;
        context.beginPath();
        context.roundRect(x - wide / 2, y - high / 2, wide, high, v.px * 0.22);
        context.fillStyle = colours.base;
        context.fill();
        context.strokeStyle = colours.road;
        context.lineWidth = v.hair;
        context.stroke();
        context.fillStyle = colours.roadName;
        context.fillText(road.ref, x, y + size * 0.06);
      }
    }
  }

  function endsInView(line, v, inset) {
    const inside = (x, y) => x > inset && y > inset && x < v.w - inset && y < v.h - inset;
    let first = null, last = null;
    for (let i = 0; i + 3 < line.length; i += 2) {
      const ax = line[i] * v.s - v.ox, ay = line[i + 1] * v.s - v.oy;
      const bx = line[i + 2] * v.s - v.ox, by = line[i + 3] * v.s - v.oy;
      const parts = Math.max(1, Math.ceil(Math.hypot(bx - ax, by - ay) / (v.px * 2)));
      for (let p = 0; p <= parts; p += 1) {
        const x = ax + ((bx - ax) * p) / parts, y = ay + ((by - ay) * p) / parts;
        if (!inside(x, y)) continue;
        if (first === null) first = [x, y];
        last = [x, y];
      }
    }
    if (first === null) return [];
    return Math.hypot(first[0] - last[0], first[1] - last[1]) > v.px * 12 ? [first, last] : [first];
  }

  const FROM_ZOOM = {
    rail_station: 11.5, coach_station: 12.5, hospital: 12.5, shopping_centre: 13.5, stadium: 12.5, university: 13,
    visitor_attraction: 13.5, council: 14, park: 14, lake: 13, recycling_centre: 13.5,
  };

  function paintPlaces(context, room, v, colours) {
    context.textBaseline = "middle";
    context.textAlign = "left";
    const size = v.px * 0.7, r = v.px * 0.26;
    context.font = `500 ${size}px Inter, sans-serif`;
    for (const place of map.places) {
      if (v.zoom < (FROM_ZOOM[place.kind] || 14)) continue;
      const x = place.at[0] * v.s - v.ox, y = place.at[1] * v.s - v.oy;
      if (!v.near(x, y, 0)) continue;
      const name = place.name.replace(" station", "").replace(/ \(.*\)/, "").replace(" household waste and recycling centre", " recycling centre");
      const wide = context.measureText(name).width;
      const named = v.zoom >= (FROM_ZOOM[place.kind] || 14) + 0.6;
      if (place.kind === "lake") {
        if (named && room.take(x - wide / 2, y - size, wide, size * 2)) {
          context.textAlign = "center";
          context.fillStyle = colours.waterName;
          context.fillText(name, x, y);
          context.textAlign = "left";
        }
        continue;
      }
      if (!room.take(x - r * 1.6, y - r * 1.6, r * 3.2, r * 3.2)) continue;
      context.strokeStyle = context.fillStyle = colours.place;
      context.lineWidth = v.hair * 1.4;
      mark(context, place.kind, x, y, r);
      if (named && x + r * 2 + wide < v.w && room.take(x + r * 2, y - size * 0.6, wide, size * 1.2)) {
        context.fillStyle = colours.place;
        context.fillText(name, x + r * 2.1, y + size * 0.05);
      }
    }
  }

  function mark(context, kind, x, y, r) {
    context.beginPath();
    if (kind === "rail_station" || kind === "coach_station") {
      context.rect(x - r, y - r, r * 2, r * 2);
      context.moveTo(x - r * 0.55, y);
      context.lineTo(x + r * 0.55, y);
    } else if (kind === "hospital") {
      context.moveTo(x - r, y);
      context.lineTo(x + r, y);
      context.moveTo(x, y - r);
      context.lineTo(x, y + r);
    } else {
      context.arc(x, y, r * 0.62, 0, 2 * Math.PI);
    }
    context.stroke();
  }

  // The larger places first; the number of their stops stands for their size.
  function paintNames(context, room, v, colours, wanted) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    const least = v.zoom >= 13.4 ? 0 : v.zoom >= 12.6 ? 5 : v.zoom >= 12 ? 9 : v.zoom >= 11 ? 18 : 40;
    for (const estate of map.estates) {
      if (estate.weight < least) break;
      if (!wanted(estate)) continue;
      const x = estate.at[0] * v.s - v.ox, y = estate.at[1] * v.s - v.oy;
      if (!v.near(x, y, 0)) continue;
      const large = estate.weight >= TOWN;
      const size = v.px * (large ? 0.84 : 0.7);
      context.font = `${large ? 600 : 500} ${size}px Inter, sans-serif`;
      context.letterSpacing = large ? `${size * 0.12}px` : `${size * 0.02}px`;
      const text = large ? estate.name.toUpperCase() : estate.name;
      const wide = context.measureText(text).width;
      // A name cut by the edge is no name.
      if (x - wide / 2 < 0 || x + wide / 2 > v.w) continue;
      const gap = v.px * 0.5;
      if (!room.take(x - wide / 2 - gap, y - size * 0.9, wide + gap * 2, size * 1.8)) continue;
      // On a coloured ground a name needs a rim, and a stronger colour, to be read.
      if (v.coloured) {
        context.strokeStyle = colours.land;
        context.lineWidth = size * 0.24;
        context.strokeText(text, x, y);
      }
      context.fillStyle = large || v.coloured ? colours.townName : colours.estateName;
      context.fillText(text, x, y);
    }
    context.letterSpacing = "0px";
  }

  return { load, paint, worldX, worldY };
})();
