/* What moves on the map, drawn off the page's main thread. Contract: docs/live-protocol.md.
 *
 * A vehicle glides from where it was last shown to its newest position in the time
 * that lay between its last two reports, and stops there: nothing is ever drawn past
 * a position that was reported.
 *
 * Painting is as rare as the eye allows: only when something in view has moved half a
 * device pixel, at most 15 times a second, and for at most a tenth of a core.
 */
"use strict";

importScripts("symbols.js", "ground.js", "layers.js");

self.Draw = (() => {
  const LEAST_WAIT_MS = 1000 / 15;
  const SHARE = 0.1; // of one core, for painting
  const STILL_WAIT_MS = 5000; // nothing moves: only ages change
  const CROWD = 2500; // as many in view, and each update is painted once, without gliding
  const FEW = 700; // up to as many in view, tails are shown
  const JUMP_M_S = 70; // faster than this is no movement but a correction
  const METRES = 0.3675; // a pixel of zoom 18 at 52° N; good to 1 % over a city
  const LONGEST_GLIDE_MS = 60000;
  const TAIL = 7, TAIL_STEP = 20 / METRES, TAIL_MS = 60000;

  let canvas = null, context = null, baseCanvas = null, baseContext = null;
  let look = { colours: {}, rem: 16 }, calm = false;
  let view = null, state = null, channel = "live";
  let clock = { now: 0, at: 0, rate: 0 };
  let followed = { slot: -1, x: NaN, y: NaN };
  let track = null; // of the followed vehicle: places in zoom 18 pixels, and which of them a line does not lead to
  let basemap = null, groundDue = false;
  let layersAt = 0, layersTimer = 0, hidden = 0; // hidden: bits of vehicle types that are switched off

  // Per slot: where the glide began, when (ms of performance.now) and how long it takes.
  let size = 0, fromX, fromY, toX, toY, began, lasts, seenT, seenLook, tailX, tailY, tailAt, tailLength;

  let pending = 0, timer = 0, cost = 4, lastPaint = 0, drawn = -1, lastSeq = NaN;
  const counters = { paints: 0, seq: null, grounds: 0, ground_ms: 0, inView: 0, cost_ms: 0, stale: 0, fastest_px_s: 0 };

  function grow(n) {
    if (n <= size) return;
    const room = Math.max(256, n, size * 2);
    const keep = (old, made) => { if (old) made.set(old); return made; };
    fromX = keep(fromX, new Float64Array(room));
    fromY = keep(fromY, new Float64Array(room));
    toX = keep(toX, new Float64Array(room));
    toY = keep(toY, new Float64Array(room));
    began = keep(began, new Float64Array(room));
    lasts = keep(lasts, new Float32Array(room));
    seenT = keep(seenT, new Int32Array(room));
    seenLook = keep(seenLook, new Int32Array(room));
    tailX = keep(tailX, new Float64Array(room * TAIL));
    tailY = keep(tailY, new Float64Array(room * TAIL));
    tailAt = keep(tailAt, new Float64Array(room * TAIL));
    tailLength = keep(tailLength, new Uint8Array(room));
    size = room;
  }

  function init(offscreen, options) {
    canvas = offscreen;
    context = canvas.getContext("2d");
    baseCanvas = options.base;
    baseContext = baseCanvas.getContext("2d", { alpha: true });
    look = { colours: options.palette, rem: options.rem };
    calm = Boolean(options.reducedMotion);
    Symbols.init(options.symbols, options.palette);
    view = null;
    drawn = -1;
    if (options.fontUrl && self.fonts) {
      const face = new FontFace("Inter", `url(${options.fontUrl})`, { weight: "100 900" });
      face.load().then((loaded) => { self.fonts.add(loaded); ground(); }, () => {});
    }
    if (basemap !== null) base(basemap);
    else if (options.basemapUrl) {
      fetch(options.basemapUrl).then((answer) => (answer.ok ? answer.json() : null)).then((found) => { if (found) base(found); }, () => {});
    }
  }

  /** Other colours (another theme): everything is painted anew. */
  function palette(colours) {
    look.colours = colours;
    Symbols.recolour(colours);
    ground();
  }

  function base(found) {
    basemap = found;
    Ground.load(found);
    ground();
  }

  function setView(next) {
    view = next;
    const w = Math.max(1, Math.round(view.width * view.dpr)), h = Math.max(1, Math.round(view.height * view.dpr));
    for (const c of [canvas, baseCanvas]) {
      if (c.width !== w || c.height !== h) { c.width = w; c.height = h; }
    }
    if (view.rem) look.rem = view.rem;
    if (view.visible === false) { clearTimeout(timer); return; }
    ground();
  }

  function ground() {
    groundDue = true;
    request();
  }

  // The time now by the server's clock, in ms.
  const serverNow = (at) => clock.now + (at - clock.at) * clock.rate;

  function where(i, at) {
    const f = lasts[i] > 0 ? Math.min(1, Math.max(0, (at - began[i]) / lasts[i])) : 1;
    return f;
  }

  function frame(next) {
    state = next;
    const { n, t, x, y, look: looks } = next;
    const at = performance.now();
    grow(n);
    // After a gap (reconnected, or another run of the server) a slot may hold another vehicle.
    const reset = next.seq !== lastSeq + 1;
    // Another moment altogether (a seek, another run): what stands there is wrong, and the budget of painting must not keep it there.
    if (reset) lastPaint = -Infinity;
    lastSeq = next.seq;
    const glide = !calm && channel !== "lost" && counters.inView <= CROWD && clock.rate > 0;
    for (let i = 0; i < n; i += 1) {
      const l = looks[i];
      if (l === 0) { seenLook[i] = 0; continue; }
      const isNew = reset || seenLook[i] === 0 || ((seenLook[i] - 1) & 15) !== ((l - 1) & 15);
      seenLook[i] = l;
      if (isNew) {
        fromX[i] = toX[i] = x[i];
        fromY[i] = toY[i] = y[i];
        lasts[i] = 0;
        tailLength[i] = 0;
        seenT[i] = t[i];
        continue;
      }
      if (x[i] === toX[i] && y[i] === toY[i]) { seenT[i] = t[i]; continue; }
      const f = where(i, at);
      const hereX = fromX[i] + (toX[i] - fromX[i]) * f, hereY = fromY[i] + (toY[i] - fromY[i]) * f;
      const between = (t[i] - seenT[i]) * 1000;
      const metres = Math.hypot(x[i] - toX[i], y[i] - toY[i]) * METRES;
      const moves = glide && seenT[i] > 0 && between > 0 && between <= LONGEST_GLIDE_MS && metres / (between / 1000) < JUMP_M_S;
      if (between > 0 && metres / (between / 1000) >= JUMP_M_S) tailLength[i] = 0;
      fromX[i] = moves ? hereX : x[i];
      fromY[i] = moves ? hereY : y[i];
      toX[i] = x[i];
      toY[i] = y[i];
      began[i] = at;
      lasts[i] = moves ? between / Math.max(clock.rate, 0.01) : 0;
      seenT[i] = t[i];
      addTail(i, hereX, hereY, at);
    }
    for (let i = n; i < size && seenLook[i] !== 0; i += 1) seenLook[i] = 0;
    findFollowed();
    request();
  }

  function addTail(i, x, y, at) {
    const o = i * TAIL, length = tailLength[i];
    if (length > 0 && Math.abs(x - tailX[o]) + Math.abs(y - tailY[o]) < TAIL_STEP) return;
    for (let k = Math.min(length, TAIL - 1); k > 0; k -= 1) {
      tailX[o + k] = tailX[o + k - 1];
      tailY[o + k] = tailY[o + k - 1];
      tailAt[o + k] = tailAt[o + k - 1];
    }
    tailX[o] = x;
    tailY[o] = y;
    tailAt[o] = at;
    tailLength[i] = Math.min(TAIL, length + 1);
  }

  function follow(slot, x, y) {
    followed = { slot: slot === undefined || slot === null ? -1 : slot, x: Number.isFinite(x) ? x : NaN, y: Number.isFinite(y) ? y : NaN };
    findFollowed();
    request();
  }

  // A card says where its vehicle is; the row that stands exactly there is it.
  function findFollowed() {
    if (state === null || Number.isNaN(followed.x)) return;
    const { n, x, y, look: looks } = state;
    const s = followed.slot;
    if (s >= 0 && s < n && looks[s] !== 0 && x[s] === followed.x && y[s] === followed.y) return;
    for (let i = 0; i < n; i += 1) {
      if (looks[i] !== 0 && x[i] === followed.x && y[i] === followed.y) { followed.slot = i; return; }
    }
  }

  function setClock(next) {
    clock = { now: next.now, at: next.at, rate: next.rate === undefined ? 1 : next.rate };
  }

  function setChannel(next) {
    if (channel === next) return;
    channel = next;
    if (next === "lost") lasts && lasts.fill(0);
    request();
  }

  // One painting at a time is asked for; never sooner than the budget allows.
  function request(delay) {
    if (context === null || view === null || view.visible === false) return;
    const soonest = groundDue ? 0 : lastPaint + Math.max(LEAST_WAIT_MS, cost / SHARE) - performance.now();
    const wait = Math.max(0, soonest, delay || 0);
    if (pending !== 0) return;
    clearTimeout(timer);
    if (wait <= 1) animate();
    else timer = setTimeout(animate, wait);
  }

  function animate() {
    if (pending !== 0) return;
    // The worker's animation frame stands still while the page is hidden, and so does the drawing.
    pending = requestAnimationFrame(() => { pending = 0; paint(); });
  }

  function paint() {
    if (view === null || view.visible === false) return;
    const start = performance.now();
    if (groundDue) {
      groundDue = false;
      counters.grounds += 1;
      paintGround(serverNow(start) / 1000);
    }
    const before = performance.now();
    const fastest = paintVehicles(before);
    const took = performance.now() - before;
    cost = cost * 0.8 + took * 0.2;
    lastPaint = start;
    counters.paints += 1;
    counters.seq = state === null ? null : state.seq;
    counters.cost_ms = cost;
    counters.fastest_px_s = fastest;
    if (view.id !== drawn) {
      drawn = view.id;
      self.postMessage({ type: "drawn", view: drawn });
    }
    request(fastest > 0 ? Math.min(STILL_WAIT_MS, 500 / fastest) : STILL_WAIT_MS);
  }

  const LAYERS_EVERY_MS = 1000, LAYERS_WATCH_MS = 5000;

  function paintGround(seconds) {
    layersAt = performance.now();
    Ground.paint(baseContext, view, look, {
      ground: () => Layers.paintGround(baseContext, view, look, seconds),
      areas: () => Layers.paintAreas(baseContext, view, look, seconds),
    });
    Layers.paintMarks(baseContext, view, look, seconds);
    counters.ground_ms = performance.now() - layersAt;
  }

  /** A layer came, or others are shown: painted soon, but a busy feed does not repaint the ground more than once a second. */
  function layersChanged(at = Math.max(0, layersAt + LAYERS_EVERY_MS - performance.now())) {
    clearTimeout(layersTimer);
    layersTimer = setTimeout(ground, at);
  }

  // What begins, ends or grows old does so without a message.
  setInterval(() => {
    if (view !== null && view.visible !== false && clock.rate !== 0 && Layers.isDue(view, look, serverNow(performance.now()) / 1000)) ground();
  }, LAYERS_WATCH_MS);

  function layer(next) {
    const summary = Layers.take(next);
    layersChanged();
    self.postMessage({ type: "layer", ...summary });
  }

  /** {names, shades, standing, types}: which layers, shaded how, with which standing; vehicle types that are shown, null all. */
  function layers(wish) {
    Layers.choose(wish);
    if (wish.types !== undefined) hiddenTypes = wish.types;
    layersChanged(0);
  }

  let hiddenTypes = null;

  function hide(legend) {
    hidden = 0;
    if (hiddenTypes !== null) legend.types.forEach((name, i) => { if (!hiddenTypes.includes(name)) hidden |= 1 << i; });
  }

  /** Cards of what is at a place (zoom 18 pixels): the nearest vehicle first, then what the layers have there. */
  function pick(x, y) {
    if (view === null) return [];
    const at = performance.now(), seconds = serverNow(at) / 1000, found = [];
    const reach = Math.max(symbolSize(view.dpr) / 2, 12 * view.dpr) / (2 ** (view.zoom - 18) * view.dpr);
    let best = reach, vehicle = -1;
    for (let i = 0; state !== null && state.legend && i < state.n; i += 1) {
      const l = state.look[i] - 1;
      if (l < 0 || (hidden >> (l & 15)) & 1 || freshness(state.t[i], state.legend.feeds[(l >> 8) & 4095], seconds - state.legend.t0) === GONE) continue;
      const [px, py] = position(i, at), distance = Math.hypot(px - x, py - y);
      if (distance < best) [best, vehicle] = [distance, i];
    }
    if (vehicle >= 0) {
      const l = state.look[vehicle] - 1;
      found.push({ kind: "vehicle", vehicle_type: state.legend.types[l & 15], x: state.x[vehicle], y: state.y[vehicle] });
    }
    return [...found, ...Layers.pick(view, look, seconds, x, y)];
  }

  const STALE = 0, AGEING = 1, FRESH = 2, GONE = 3;

  function freshness(t, feed, seconds) {
    if (t === 0) return AGEING; // time unknown: never fresh
    const age = seconds - (t - 1);
    if (age > feed.leaves_s) return GONE;
    return age > feed.stale_s ? STALE : age > feed.ageing_s ? AGEING : FRESH;
  }

  // Returns the fastest movement in view, device pixels a second; 0 when nothing moves.
  function paintVehicles(at) {
    const { dpr } = view, s = 2 ** (view.zoom - 18) * dpr;
    const ox = view.originX * dpr, oy = view.originY * dpr, w = view.width * dpr, h = view.height * dpr;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, w, h);
    if (state === null || !state.legend) return 0;
    const { n, t, heading, look: looks, legend } = state;
    hide(legend);
    const seconds = serverNow(at) / 1000 - legend.t0;
    const classes = legend.states.map((name) => Symbols.CLASS_OF_STATE[name] ?? Symbols.DASHED);
    const unit = symbolSize(dpr), half = unit / 2;
    const lost = channel === "lost";
    const ghosts = [];
    let fastest = 0, inView = 0, helps = 0;

    const tails = counters.inView <= FEW && view.zoom >= 12 && !lost ? [[], [], []] : null;
    // Three passes, lowest first: what is old, what is as it should be, what needs a person.
    for (let pass = 0; pass < 3; pass += 1) {
      if (pass === 2 && helps === 0) break;
      for (let i = 0; i < n; i += 1) {
        const l = looks[i] - 1;
        if (l < 0 || (hidden >> (l & 15)) & 1) continue;
        const cls = classes[(l >> 4) & 15], wantsHelp = cls === Symbols.HELP;
        if (pass === 2 && !wantsHelp) continue;
        const f = where(i, at);
        const x = (fromX[i] + (toX[i] - fromX[i]) * f) * s - ox, y = (fromY[i] + (toY[i] - fromY[i]) * f) * s - oy;
        if (x < -half || y < -half || x > w + half || y > h + half) continue;
        const fresh = freshness(t[i], legend.feeds[(l >> 8) & 4095], seconds);
        if (fresh === GONE) continue;
        const old = lost || fresh === STALE;
        if (pass !== (old ? 0 : wantsHelp ? 2 : 1)) {
          if (pass === 0 && wantsHelp && !old) helps += 1;
          continue;
        }
        inView += 1;
        const step = heading[i] === 0 ? -1 : ((heading[i] - 1) >> 1) % Symbols.STEPS;
        const shown = old ? Symbols.GHOST : fresh === AGEING ? cls | Symbols.DIM : cls;
        const picture = Symbols.find(l & 15, legend.types[l & 15], shown, step, unit);
        if (f < 1) {
          const speed = (Math.max(Math.abs(toX[i] - fromX[i]), Math.abs(toY[i] - fromY[i])) * s * 1000) / lasts[i];
          if (speed > fastest) fastest = speed;
        }
        if (tails !== null && fresh === FRESH && tailLength[i] > 0) collectTail(tails, i, x, y, s, ox, oy, at);
        context.drawImage(picture, Math.round(x - half), Math.round(y - half));
        // In alarm: the shape of its priority at its shoulder, however old its position.
        const alarm = l >> 20;
        if (alarm > 0) context.drawImage(Symbols.badge(alarm, unit), Math.round(x + unit * 0.1), Math.round(y - unit * 0.55));
        if (old && ghosts.length <= 60) ghosts.push(x, y, seconds - (t[i] - 1), t[i]);
      }
      if (pass === 0 && ghosts.length > 0 && ghosts.length <= 160) paintAges(ghosts, unit);
    }
    if (tails !== null) paintTails(tails, unit);
    paintTrack(s, ox, oy, at, unit);
    paintRing(s, ox, oy, at, unit);
    counters.inView = inView;
    counters.stale = ghosts.length / 4;
    return inView > CROWD ? 0 : fastest;
  }

  // Symbols grow with the reader's distance (rem), a little with the zoom, and shrink in a crowd.
  function symbolSize(dpr) {
    const zoom = view.zoom >= 14.4 ? 1.35 : view.zoom >= 13.8 ? 1.15 : view.zoom >= 11.8 ? 1 : 0.75;
    const crowd = counters.inView > 1500 ? 0.6 : counters.inView > 500 ? 0.8 : 1;
    return Math.max(10, Math.round(look.rem * dpr * 1.5 * zoom * crowd));
  }

  function collectTail(tails, i, x, y, s, ox, oy, at) {
    const o = i * TAIL, length = tailLength[i];
    let fromPx = x, fromPy = y;
    for (let k = 0; k < length; k += 1) {
      if (at - tailAt[o + k] > TAIL_MS) break;
      const px = tailX[o + k] * s - ox, py = tailY[o + k] * s - oy;
      tails[Math.min(2, (k * 3) / TAIL | 0)].push(fromPx, fromPy, px, py);
      fromPx = px;
      fromPy = py;
    }
  }

  // Behind the symbols, which are there already; in pieces, because one long path is slow.
  function paintTails(tails, unit) {
    context.globalCompositeOperation = "destination-over";
    context.strokeStyle = look.colours.ink;
    context.lineCap = "round";
    for (let b = 0; b < 3; b += 1) {
      context.globalAlpha = [0.5, 0.28, 0.12][b];
      context.lineWidth = unit * [0.1, 0.085, 0.07][b];
      const part = tails[b];
      for (let i = 0; i < part.length; i += 256) {
        context.beginPath();
        for (let k = i; k < Math.min(i + 256, part.length); k += 4) {
          context.moveTo(part[k], part[k + 1]);
          context.lineTo(part[k + 2], part[k + 3]);
        }
        context.stroke();
      }
    }
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
  }

  /** The way the followed vehicle has come, faint, beneath all that stands on it; broken where nobody knows the way. */
  function paintTrack(s, ox, oy, at, unit) {
    if (track === null || track.x.length === 0) return;
    const gaps = new Set(track.gaps);
    context.globalCompositeOperation = "destination-over";
    context.strokeStyle = look.colours.ink;
    context.globalAlpha = 0.42;
    context.lineWidth = Math.max(1.5, unit * 0.08);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    for (let k = 0; k < track.x.length; k += 1) {
      const x = track.x[k] * s - ox, y = track.y[k] * s - oy;
      if (k === 0 || gaps.has(k)) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    // To where it is drawn now, which is a little farther than the last point that was kept.
    const i = followed.slot;
    if (i >= 0 && state !== null && i < state.n && state.look[i] !== 0) {
      const f = where(i, at);
      context.lineTo((fromX[i] + (toX[i] - fromX[i]) * f) * s - ox, (fromY[i] + (toY[i] - fromY[i]) * f) * s - oy);
    }
    context.stroke();
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
  }

  /** Steps to places; null forgets the line. */
  function setTrack(message) {
    const sum = (steps) => { let at = 0; return steps.map((d) => (at += d)); };
    track = message === null ? null : { x: sum(message.x), y: sum(message.y), gaps: message.gaps };
    request();
  }

  function ageText(s) {
    if (s < 100) return `${Math.max(0, Math.round(s))} s`;
    if (s < 6000) return `${Math.round(s / 60)} min`;
    if (s < 360000) return `${(s / 3600).toFixed(s < 36000 ? 1 : 0)} h`;
    return `${Math.round(s / 86400)} d`;
  }

  function paintAges(ghosts, unit) {
    const size = look.rem * view.dpr * 0.72;
    context.font = `italic 500 ${size}px Inter, sans-serif`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.lineWidth = size * 0.28;
    context.lineJoin = "round";
    context.strokeStyle = look.colours.land;
    context.fillStyle = look.colours.quiet;
    const taken = [];
    for (let i = 0; i < ghosts.length; i += 4) {
      const text = ghosts[i + 3] === 0 ? "age unknown" : ageText(ghosts[i + 2]);
      const x = ghosts[i] + unit * 0.42, y = ghosts[i + 1], wide = size * text.length * 0.6;
      if (taken.some((b) => x < b[0] + b[2] && x + wide > b[0] && Math.abs(y - b[1]) < size * 1.1)) continue;
      taken.push([x, y, wide]);
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  function paintRing(s, ox, oy, at, unit) {
    const i = followed.slot;
    if (i < 0 || state === null || i >= state.n || state.look[i] === 0) return;
    const f = where(i, at);
    const x = (fromX[i] + (toX[i] - fromX[i]) * f) * s - ox, y = (fromY[i] + (toY[i] - fromY[i]) * f) * s - oy;
    context.lineWidth = Math.max(2, unit * 0.07);
    for (const [colour, r] of [[look.colours.land, 0.86], [look.colours.ink, 0.78]]) {
      context.strokeStyle = colour;
      context.beginPath();
      context.arc(x, y, unit * r, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function debug() {
    return { ...counters, channel, layers: Layers.debug(), slots: state === null ? 0 : state.n, followed: followed.slot, track: track === null ? null : track.x.length };
  }

  // Where a slot is drawn now (zoom 18 pixels), for tests of the gliding.
  function position(i, at) {
    const f = where(i, at === undefined ? performance.now() : at);
    return [fromX[i] + (toX[i] - fromX[i]) * f, fromY[i] + (toY[i] - fromY[i]) * f];
  }

  /** The map as it is now, as a PNG with a line beneath it; null where there is none. */
  async function picture(caption) {
    if (view === null || canvas === null) return null;
    paint();
    const line = Math.round(look.rem * view.dpr * 2), made = new OffscreenCanvas(canvas.width, canvas.height + line), pen = made.getContext("2d");
    pen.fillStyle = look.colours.base;
    pen.fillRect(0, 0, made.width, made.height);
    pen.drawImage(baseCanvas, 0, 0);
    pen.drawImage(canvas, 0, 0);
    pen.fillStyle = look.colours.ink;
    pen.font = `500 ${Math.round(line * 0.5)}px Inter, sans-serif`;
    pen.textBaseline = "middle";
    pen.fillText(caption, line * 0.4, canvas.height + line / 2);
    return made.convertToBlob({ type: "image/png" });
  }

  return { init, picture, track: setTrack, view: setView, frame, clock: setClock, channel: setChannel, follow, base, palette, layer, layers, pick, debug, position };
})();
