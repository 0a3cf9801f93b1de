/* The things that move, seen from above, each with its own silhouette. Drawn once a size, kind and direction, then stamped. */
"use strict";

self.CitySprites = (() => {
  const STEPS = 32;
  const made = new Map();
  let colours = {};

  function recolour(next) {
    colours = next;
    for (const picture of made.values()) picture.close();
    made.clear();
  }

  const box = (c, x, y, w, h, r, fill) => {
    c.beginPath();
    c.roundRect(x, y, w, h, r);
    c.fillStyle = fill;
    c.fill();
  };

  const dot = (c, x, y, r, fill) => {
    c.beginPath();
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fillStyle = fill;
    c.fill();
  };

  // In a box of 40 about its middle, nose up.
  const SHAPES = {
    robot(c) {
      for (const y of [-9, -1.6, 5.8]) { box(c, -10.5, y, 3.4, 5.4, 1.6, colours.dark); box(c, 7.1, y, 3.4, 5.4, 1.6, colours.dark); }
      box(c, -8.2, -11.5, 16.4, 23, 6.4, colours.edgeLine);
      box(c, -7.2, -10.5, 14.4, 21, 5.6, colours.robot);
      box(c, -5.2, -9.4, 10.4, 4.4, 2.2, colours.dark);
      box(c, -4.6, -2.4, 9.2, 8.8, 2.4, colours.lid);
      dot(c, 4.8, 8.4, 2.6, colours.flag);
    },
    shuttle(c) {
      box(c, -9.4, -16.5, 18.8, 33, 8.4, colours.edgeLine);
      box(c, -8.2, -15.3, 16.4, 30.6, 7.4, colours.shuttle);
      box(c, -6, -13.4, 12, 5, 3.2, colours.glass);
      box(c, -6, 8.6, 12, 4.4, 3, colours.glass);
      box(c, -4.6, -5.6, 9.2, 11.2, 2.6, colours.roof);
    },
    bus(c) {
      box(c, -8, -18.5, 16, 37, 4, colours.edgeLine);
      box(c, -6.9, -17.4, 13.8, 34.8, 3.2, colours.bus);
      box(c, -5.4, -15.8, 10.8, 4.2, 1.8, colours.glass);
      box(c, -3.8, -8.6, 7.6, 5, 1.6, colours.roof);
      box(c, -3.8, 4.6, 7.6, 5, 1.6, colours.roof);
    },
    drone(c) {
      c.strokeStyle = colours.drone;
      c.lineWidth = 2.6;
      c.beginPath();
      c.moveTo(-9, -9); c.lineTo(9, 9); c.moveTo(9, -9); c.lineTo(-9, 9);
      c.stroke();
      for (const [x, y] of [[-10, -10], [10, -10], [10, 10], [-10, 10]]) {
        dot(c, x, y, 6, colours.blur);
        c.lineWidth = 1.6;
        c.beginPath();
        c.arc(x, y, 6, 0, 2 * Math.PI);
        c.stroke();
      }
      box(c, -4.6, -5.6, 9.2, 11.2, 4, colours.drone);
      dot(c, 0, -2.2, 1.7, colours.flag);
    },
    scooter(c) {
      box(c, -2.4, -8, 4.8, 16, 2.4, colours.edgeLine);
      box(c, -1.5, -7, 3, 14, 1.5, colours.scooter);
      box(c, -5, -6.6, 10, 2.6, 1.3, colours.scooter);
    },
    mast(c) {
      c.strokeStyle = colours.mast;
      c.lineJoin = c.lineCap = "round";
      c.lineWidth = 2.2;
      c.beginPath();
      c.moveTo(0, -8); c.lineTo(-6, 14); c.moveTo(0, -8); c.lineTo(6, 14); c.moveTo(-3.2, 4); c.lineTo(3.6, 6); c.moveTo(3.2, 4); c.lineTo(-3.6, 6);
      c.stroke();
      dot(c, 0, -9, 3.4, colours.mast);
      c.lineWidth = 1.8;
      for (const r of [7, 11]) {
        c.beginPath();
        c.arc(0, -9, r, -0.7, 0.7);
        c.moveTo(-r * Math.cos(0.7), -9 + r * Math.sin(0.7));
        c.arc(0, -9, r, Math.PI - 0.7, Math.PI + 0.7);
        c.stroke();
      }
    },
  };
  const UPRIGHT = new Set(["mast"]);

  function draw(kind, step, size) {
    const canvas = new OffscreenCanvas(size, size), c = canvas.getContext("2d"), unit = size / 44;
    c.translate(size / 2, size / 2);
    c.scale(unit, unit);
    // Light comes from the upper left, whichever way a thing turns; a drone's shadow lies farther off: it flies.
    const lift = kind === "drone" ? 5 : 1.8;
    c.shadowColor = colours.shadow;
    c.shadowBlur = (kind === "drone" ? 6 : 4) * unit;
    c.shadowOffsetX = lift * unit * 0.6;
    c.shadowOffsetY = lift * unit;
    const inner = new OffscreenCanvas(size, size), i = inner.getContext("2d");
    i.translate(size / 2, size / 2);
    i.scale(unit, unit);
    if (step >= 0 && !UPRIGHT.has(kind)) i.rotate((step / STEPS) * 2 * Math.PI);
    (SHAPES[kind] ?? SHAPES.scooter)(i);
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.drawImage(inner, 0, 0);
    return canvas.transferToImageBitmap();
  }

  /** A picture; `step` of 32 clockwise from north, -1 where the direction is not known. */
  function find(kind, step, size) {
    const key = `${kind} ${step} ${size}`;
    let picture = made.get(key);
    if (picture === undefined) {
      if (made.size > 400) recolour(colours); // sizes left behind by other views
      picture = draw(kind, step, size);
      made.set(key, picture);
    }
    return picture;
  }

  return { recolour, find, STEPS };
})();
