/* Symbols of the map: small pictures made once and stamped many times.
 *
 * A symbol is (type, class, heading step). Kinds differ by silhouette, states by
 * fill, so both can be read in greyscale. Shapes are SVG path data in a box of 24,
 * nose up, given by the page (layouts/parts/symbol.py holds the one copy).
 */
"use strict";

self.Symbols = (() => {
  const STEPS = 32; // headings drawn; the frames carry 64, which nobody can tell apart at this size
  const FILLED = 0, HOLLOW = 1, HELP = 2, DASHED = 3, GHOST = 4;
  const DIM = 8; // added to a class: ageing

  const CLASS_OF_STATE = {
    working: FILLED, stopped: FILLED,
    idle: HOLLOW, reserved: HOLLOW, charging: HOLLOW,
    needs_help: HELP,
    out_of_service: DASHED, out_of_contact: DASHED, removed: DASHED, unknown: DASHED,
  };

  const PRIORITIES = ["highest", "high", "medium", "low"];

  let paths = {}, help = null, alarms = {}, nib = {}, colours = {}, made = new Map(), madeSize = 0;

  function init(symbols, palette) {
    colours = palette;
    paths = {};
    nib = {};
    for (const [type, shape] of Object.entries(symbols.types)) {
      paths[type] = new Path2D(shape.path);
      nib[type] = shape.nib;
    }
    help = new Path2D(symbols.help);
    alarms = Object.fromEntries(Object.entries(symbols.alarms || {}).map(([name, path]) => [name, new Path2D(path)]));
    made.clear();
  }

  function recolour(palette) {
    colours = palette;
    for (const picture of made.values()) picture.close();
    made.clear();
  }

  // step is -1 where the heading is not known: then there is no nib, and nothing is turned.
  function draw(type, cls, step, size) {
    const canvas = new OffscreenCanvas(size, size);
    const context = canvas.getContext("2d");
    const path = paths[type] || paths.other;
    const dim = (cls & DIM) !== 0, kind = cls & 7, unit = size / 36;
    context.globalAlpha = dim ? 0.55 : 1;
    context.translate(size / 2, size / 2);
    context.scale(unit, unit);
    if (kind === HELP) {
      context.save();
      context.translate(-18, -18);
      context.scale(1.5, 1.5);
      context.fillStyle = colours.high;
      context.strokeStyle = colours.land;
      context.lineWidth = 1.2;
      context.fill(help);
      context.stroke(help);
      context.restore();
      context.translate(0, 3);
      context.scale(0.72, 0.72);
    }
    if (step >= 0) context.rotate((step / STEPS) * 2 * Math.PI);
    context.translate(-12, -12);
    context.lineJoin = "round";
    const ink = kind === HELP ? colours.land : kind === GHOST || kind === DASHED ? colours.quiet : colours.ink;
    // A rim of the ground's colour keeps neighbours apart where they overlap.
    if (kind !== HELP) {
      context.strokeStyle = colours.land;
      context.lineWidth = 5;
      context.stroke(path);
    }
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 2;
    if (kind === FILLED || kind === HELP) {
      context.fill(path);
    } else {
      context.fillStyle = colours.land;
      context.fill(path);
      context.fillStyle = ink;
      if (kind === GHOST) hatchInto(context, path);
      if (kind === DASHED) context.setLineDash([2.6, 2.2]);
      context.stroke(path);
      context.setLineDash([]);
    }
    if (step >= 0) {
      const tip = nib[type] === undefined ? 4 : nib[type];
      context.beginPath();
      context.moveTo(12, tip - 4.6);
      context.lineTo(15.2, tip + 0.6);
      context.lineTo(8.8, tip + 0.6);
      context.closePath();
      context.fill();
    }
    return canvas.transferToImageBitmap();
  }

  function hatchInto(context, path) {
    context.save();
    context.clip(path);
    context.lineWidth = 1.3;
    context.beginPath();
    for (let d = -24; d < 24; d += 4) {
      context.moveTo(d, 24);
      context.lineTo(d + 24, 0);
    }
    context.stroke();
    context.restore();
  }

  // What stands at the shoulder of a vehicle in alarm: priority by shape, then by colour.
  function drawBadge(number, size) {
    const name = PRIORITIES[number - 1], side = Math.max(7, Math.round(size * 0.46));
    const canvas = new OffscreenCanvas(side, side), context = canvas.getContext("2d");
    context.scale(side / 27, side / 27);
    context.translate(1.5, 1.5);
    context.lineJoin = "round";
    context.fillStyle = name === "low" ? colours.land : colours[name];
    context.strokeStyle = name === "low" ? colours[name] : colours.land;
    context.lineWidth = name === "low" ? 4 : 2.4;
    if (alarms[name]) { context.fill(alarms[name]); context.stroke(alarms[name]); }
    return canvas.transferToImageBitmap();
  }

  // The picture, made when first asked for. A new size throws the old ones away.
  function keep(key, size, make) {
    if (size !== madeSize) {
      for (const picture of made.values()) picture.close();
      made.clear();
      madeSize = size;
    }
    let picture = made.get(key);
    if (picture === undefined) {
      picture = make();
      made.set(key, picture);
    }
    return picture;
  }

  const find = (typeIndex, type, cls, step, size) => keep((typeIndex * 16 + cls) * 64 + step + 1, size, () => draw(type, cls, step, size));
  const badge = (number, size) => keep(-number, size, () => drawBadge(number, size));

  return { init, recolour, find, badge, STEPS, FILLED, HOLLOW, HELP, DASHED, GHOST, DIM, CLASS_OF_STATE };
})();
