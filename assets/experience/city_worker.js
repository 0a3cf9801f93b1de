/* The worker of a public screen: socket, decoding and drawing, away from the page that answers fingers.
 *
 * The codec and the socket are those of every other screen (../worker). The drawing is its own: the operators' map
 * (../worker/draw.js) is made to be quiet and paints at most 15 times a second; this one is made to be watched.
 *
 * From the page: start {url, screen, topics, build, display}, canvas {ground, life}, base {basemap}, palette {palette},
 * view {view}, calm {on}, chosen {estate, thing}, masts {masts}, pick {id, x, y, kinds}, painted, nudge, debug.
 * To the page: text {message}, channel {state}, clock {now, at, mode, epoch}, frame {seq, n, counts}, drawn {view}, picked {id, found, estate},
 * where {x, y} of the chosen thing, debug.
 *
 * A thing glides from where it was shown to where it was last reported, in the time between its last two reports,
 * and stops there: nothing is ever drawn past a reported place.
 */
"use strict";

importScripts("../worker/frames.js", "../worker/channel.js", "ground.js", "sprites.js");

(() => {
  const KINDS = new Set(["robot", "shuttle", "drone", "bus", "scooter"]);
  const LONGEST_GLIDE_MS = 20000, SHORTEST_GLIDE_MS = 400;
  const FASTEST_M_S = 70; // faster is no movement but a correction
  const TAIL = 8, TAIL_EVERY_MS = 900;
  const TARGET_MS = 1000 / 22; // a frame that takes longer, again and again, is drawn on fewer pixels
  const LEAST_SCALE = 0.5;

  const decoder = new Frames.FrameDecoder();
  const clock = new Live.ServerClock();
  let channel = null;

  let ground = null, life = null, groundContext = null, lifeContext = null;
  let map = null, view = null, palette = null, sight = null;
  let calm = false, word = "late", state = null;
  let chosen = { estate: null, slot: -1, mast: -1 };
  let masts = [];
  let due = { ground: false, life: false }, pending = 0, scale = 1, slow = 0, quick = 0;
  let types = [], lastSeq = NaN;

  // Per slot: the glide (ms of performance.now) and the way it came.
  let room = 0, fromX, fromY, toX, toY, began, lasts, seen, tails = [];
  const counters = { paints: 0, fps: 0, cost_ms: 0, ground_ms: 0, scale: 1, inView: 0, worst_ms: 0 };
  let marks = [], lastPaint = 0;

  function grow(n) {
    if (n <= room) return;
    const more = Math.max(256, n * 2);
    const keep = (Type, old) => { const next = new Type(more); if (old) next.set(old); return next; };
    fromX = keep(Float64Array, fromX); fromY = keep(Float64Array, fromY);
    toX = keep(Float64Array, toX); toY = keep(Float64Array, toY);
    began = keep(Float64Array, began); lasts = keep(Float64Array, lasts);
    seen = keep(Int32Array, seen);
    for (let i = room; i < more; i += 1) tails[i] = null;
    room = more;
  }

  const kindOf = (look) => types[(look - 1) & 15] ?? "other";
  const share = (i, at) => (lasts[i] > 0 ? Math.min(1, Math.max(0, (at - began[i]) / lasts[i])) : 1);
  const placeX = (i, f) => fromX[i] + (toX[i] - fromX[i]) * f;
  const placeY = (i, f) => fromY[i] + (toY[i] - fromY[i]) * f;

  function frame(next, tag) {
    state = next;
    types = next.legend?.types ?? [];
    clock.hear({ now: next.now });
    grow(next.n);
    const at = performance.now(), reset = next.seq !== lastSeq + 1, counts = {};
    lastSeq = next.seq;
    for (let i = 0; i < next.n; i += 1) {
      const look = next.look[i];
      if (look === 0) { seen[i] = 0; tails[i] = null; continue; }
      const kind = kindOf(look);
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (reset || seen[i] === 0 || kindOf(seen[i]) !== kind) {
        fromX[i] = toX[i] = next.x[i];
        fromY[i] = toY[i] = next.y[i];
        lasts[i] = 0;
        tails[i] = null;
        seen[i] = look;
        continue;
      }
      seen[i] = look;
      if (next.x[i] === toX[i] && next.y[i] === toY[i]) continue;
      const f = share(i, at), x = placeX(i, f), y = placeY(i, f);
      const between = Math.min(LONGEST_GLIDE_MS, Math.max(SHORTEST_GLIDE_MS, next.pat[i] > 0 ? next.at[i] - next.pat[i] : 1000));
      const metres = Math.hypot(next.x[i] - x, next.y[i] - y) / CityGround.METRE;
      const glides = !calm && word !== "lost" && metres / (between / 1000) < FASTEST_M_S;
      fromX[i] = glides ? x : next.x[i];
      fromY[i] = glides ? y : next.y[i];
      toX[i] = next.x[i];
      toY[i] = next.y[i];
      began[i] = at;
      lasts[i] = glides ? between * 1.08 : 0; // a little longer than it took, so that a thing seldom waits for the next report
    }
    for (let i = next.n; i < room && seen[i] !== 0; i += 1) { seen[i] = 0; tails[i] = null; }
    self.postMessage({ type: "frame", seq: next.seq, n: next.n, key: tag === Frames.KEY, counts });
    request("life");
  }

  // What is seen: the box of the city (or a span about a place) set into the free part of the screen.

  function aim() {
    sight = null;
    if (view === null || map === null || ground === null) return;
    const dpr = view.dpr * scale, w = Math.max(1, Math.round(view.width * dpr)), h = Math.max(1, Math.round(view.height * dpr));
    for (const c of [ground, life]) if (c.width !== w || c.height !== h) { c.width = w; c.height = h; }
    const { free, focus } = view;
    let [x0, y0, x1, y1] = map.box;
    if (focus?.margin) {
      const more = (x1 - x0) * focus.margin;
      [x0, y0, x1, y1] = [x0 - more, y0 - more, x1 + more, y1 + more];
    }
    const estate = focus?.estate ? CityGround.findEstate(focus.estate) : null;
    const middle = estate ? estate.at : focus?.x !== undefined ? [focus.x, focus.y] : null;
    if (middle !== null) {
      const half = ((focus.span_m ?? 3000) / 2) * CityGround.METRE;
      [x0, y0, x1, y1] = [middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half];
    }
    const s = (focus?.cover ? Math.max : Math.min)((free.w * dpr) / (x1 - x0), (free.h * dpr) / (y1 - y0));
    sight = {
      s, dpr, w, h,
      ox: ((x0 + x1) / 2) * s - (free.x + free.w / 2) * dpr,
      oy: ((y0 + y1) / 2) * s - (free.y + free.h / 2) * dpr,
      px: view.rem * dpr,
    };
    due.ground = due.life = true;
    wake();
  }

  function request(what) { due[what] = true; wake(); }

  function wake() {
    if (pending !== 0 || sight === null || palette === null || view.visible === false) return;
    pending = requestAnimationFrame(() => { pending = 0; paint(); });
  }

  function paint() {
    if (sight === null || palette === null) return;
    const start = performance.now();
    if (due.ground) {
      due.ground = false;
      CityGround.paint(groundContext, sight, palette, chosen.estate);
      counters.ground_ms = performance.now() - start;
      self.postMessage({ type: "drawn", view: view.id });
    }
    due.life = false;
    const moves = paintLife(performance.now());
    const end = performance.now();
    measure(end, end - start);
    if (moves && !calm) wake();
  }

  /** Frames a second, and fewer pixels where a machine cannot keep up. */
  function measure(end, cost) {
    counters.paints += 1;
    counters.cost_ms = counters.cost_ms * 0.9 + cost * 0.1;
    const gap = end - lastPaint;
    lastPaint = end;
    if (gap > 500) return; // it stood still meanwhile
    counters.worst_ms = Math.max(counters.worst_ms * 0.999, gap);
    marks.push(end);
    while (marks.length > 0 && end - marks[0] > 2000) marks.shift();
    if (marks.length > 3) counters.fps = ((marks.length - 1) * 1000) / (end - marks[0]);
    slow = gap > TARGET_MS ? slow + 1 : Math.max(0, slow - 2);
    quick = gap < TARGET_MS / 2 ? quick + 1 : 0;
    if (slow > 40 && scale > LEAST_SCALE) rescale(Math.max(LEAST_SCALE, scale - 0.25));
    else if (quick > 3600 && scale < 1) rescale(Math.min(1, scale + 0.25));
  }

  function rescale(next) {
    scale = counters.scale = next;
    slow = quick = 0;
    aim();
  }

  function paintLife(at) {
    const c = lifeContext, v = sight;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.globalAlpha = 1;
    c.clearRect(0, 0, v.w, v.h);
    let moving = paintMasts(c, v, at);
    if (state === null) return moving;
    const { n, look, heading } = state, span = v.w / (v.s * CityGround.METRE); // metres across
    const base = v.px * (span > 9000 ? 1.5 : span > 5000 ? 1.9 : 2.7) * (view.grow ?? 1);
    const margin = base * 2;
    counters.inView = 0;
    const dim = word === "lost" ? 0.55 : 1;
    const order = [];
    for (let i = 0; i < n; i += 1) {
      if (look[i] === 0) continue;
      const kind = kindOf(look[i]);
      if (!KINDS.has(kind)) continue;
      const f = share(i, at), x = placeX(i, f) * v.s - v.ox, y = placeY(i, f) * v.s - v.oy;
      if (f < 1) moving = true;
      if (x < -margin || y < -margin || x > v.w + margin || y > v.h + margin) continue;
      counters.inView += 1;
      if (kind === "robot" || kind === "shuttle") paintTail(c, v, i, x, y, at, f < 1, kind);
      if (kind === "drone") order.push([i, kind, x, y]); else order.unshift([i, kind, x, y]);
    }
    // What was chosen lies on top of what it meets.
    const first = order.findIndex(([i]) => i === chosen.slot);
    if (first >= 0) order.push(...order.splice(first, 1));
    for (const [i, kind, x, y] of order) {
      const size = Math.round(base * (kind === "robot" ? 1 : kind === "bus" ? 1.12 : kind === "scooter" ? 0.7 : 1.3));
      if (kind === "drone") paintHaze(c, v, x, y);
      if (i === chosen.slot) moving = paintRing(c, v, x, y, size, at) || moving;
      const step = heading[i] === 0 ? -1 : Math.round((heading[i] - 1) / 2) % CitySprites.STEPS;
      c.globalAlpha = dim;
      c.drawImage(CitySprites.find(kind, step, size), Math.round(x - size / 2), Math.round(y - size / 2));
      c.globalAlpha = 1;
    }
    return moving;
  }

  function paintTail(c, v, i, x, y, at, moves, kind) {
    let tail = tails[i];
    if (tail === null || tail === undefined) tail = tails[i] = [];
    const wx = (x + v.ox) / v.s, wy = (y + v.oy) / v.s;
    if (moves && (tail.length === 0 || at - tail[0][2] > TAIL_EVERY_MS)) {
      tail.unshift([wx, wy, at]);
      if (tail.length > TAIL) tail.pop();
    }
    if (tail.length < 2 || calm) return;
    c.strokeStyle = kind === "robot" ? palette.tail : palette.shuttle;
    c.lineCap = "round";
    let ax = x, ay = y;
    for (let k = 0; k < tail.length; k += 1) {
      const bx = tail[k][0] * v.s - v.ox, by = tail[k][1] * v.s - v.oy;
      c.globalAlpha = 0.5 * (1 - k / TAIL) * Math.max(0, 1 - (at - tail[k][2]) / 14000);
      c.lineWidth = v.px * 0.24 * (1 - k / (TAIL + 2));
      c.beginPath();
      c.moveTo(ax, ay);
      c.lineTo(bx, by);
      c.stroke();
      ax = bx; ay = by;
    }
    c.globalAlpha = 1;
  }

  /** A drone is somewhere here: its place is rounded and late, so it is drawn with the ground it may be over. */
  function paintHaze(c, v, x, y) {
    c.fillStyle = palette.haze;
    c.beginPath();
    c.arc(x, y, Math.max(v.px * 1.1, 180 * CityGround.METRE * v.s), 0, 2 * Math.PI);
    c.fill();
  }

  function paintRing(c, v, x, y, size, at) {
    const beat = calm ? 0.5 : (at % 1800) / 1800;
    c.strokeStyle = palette.ring;
    c.lineWidth = v.px * 0.2;
    c.globalAlpha = 1;
    c.beginPath();
    c.arc(x, y, size * 0.74, 0, 2 * Math.PI);
    c.stroke();
    c.globalAlpha = 1 - beat;
    c.beginPath();
    c.arc(x, y, size * (0.74 + beat * 0.5), 0, 2 * Math.PI);
    c.stroke();
    c.globalAlpha = 1;
    return !calm;
  }

  /** Masts breathe while they are up: one slow wave each, at its own moment. */
  function paintMasts(c, v, at) {
    let moving = false;
    const size = Math.round(v.px * 1.9 * (view.grow ?? 1));
    masts.forEach((mast, k) => {
      const x = mast.x * v.s - v.ox, y = mast.y * v.s - v.oy;
      if (x < -size || y < -size || x > v.w + size || y > v.h + size) return;
      if (mast.up && !calm && word !== "lost") {
        moving = true;
        const beat = ((at + k * 1370) % 5200) / 5200;
        c.strokeStyle = palette.wave;
        c.lineWidth = v.px * 0.12;
        c.globalAlpha = 0.55 * (1 - beat) * Math.min(1, beat * 8);
        c.beginPath();
        c.arc(x, y - size * 0.2, v.px * (0.6 + beat * 2.6), 0, 2 * Math.PI);
        c.stroke();
      }
      if (k === chosen.mast) moving = paintRing(c, v, x, y, size, at) || moving;
      c.globalAlpha = mast.up ? 1 : 0.45;
      c.drawImage(CitySprites.find("mast", -1, size), Math.round(x - size / 2), Math.round(y - size * 0.62));
      c.globalAlpha = 1;
    });
    return moving;
  }

  /** What is nearest to a place on the screen (CSS pixels): things and masts within reach, and the estate there. */
  function pick({ id, x, y, reach }) {
    if (sight === null) { self.postMessage({ type: "picked", id, found: [], estate: null }); return; }
    const v = sight, px = x * v.dpr, py = y * v.dpr, at = performance.now(), found = [];
    const most = reach * v.dpr;
    for (let i = 0; state !== null && i < state.n; i += 1) {
      if (state.look[i] === 0 || !KINDS.has(kindOf(state.look[i]))) continue;
      const f = share(i, at), away = Math.hypot(placeX(i, f) * v.s - v.ox - px, placeY(i, f) * v.s - v.oy - py);
      if (away <= most) found.push({ away, ...describe(i) });
    }
    masts.forEach((mast, k) => {
      const away = Math.hypot(mast.x * v.s - v.ox - px, mast.y * v.s - v.oy - py);
      if (away <= most) found.push({ away, kind: "mast", slot: k, x: mast.x, y: mast.y });
    });
    const estate = CityGround.estateAt((px + v.ox) / v.s, (py + v.oy) / v.s, 900);
    found.sort((a, b) => a.away - b.away);
    self.postMessage({ type: "picked", id, found: found.slice(0, 6), estate: estate === null ? null : estate.name });
  }

  const describe = (i) => ({ kind: kindOf(state.look[i]), slot: i, x: state.x[i], y: state.y[i], t: state.t[i], state: state.legend.states?.[((state.look[i] - 1) >> 4) & 15] ?? "unknown" });

  /** Everything of one kind, for those who choose by a button instead of by the map. */
  function list({ id, kind }) {
    const found = [];
    if (kind === "mast") masts.forEach((mast, k) => found.push({ kind, slot: k, x: mast.x, y: mast.y }));
    else for (let i = 0; state !== null && i < state.n; i += 1) if (state.look[i] !== 0 && kindOf(state.look[i]) === kind) found.push(describe(i));
    self.postMessage({ type: "listed", id, found });
  }

  function start(message) {
    if (channel !== null) return;
    const { screen, topics, build, display, address, limits } = message;
    const scheme = self.location.protocol === "https:" ? "wss://" : "ws://";
    const tellClock = () => { const now = clock.now(); if (now !== null) self.postMessage({ type: "clock", now, at: performance.timeOrigin + performance.now(), mode: clock.mode, epoch: channel.epoch }); };
    channel = new Live.Channel({
      url: message.url ?? `${scheme}${self.location.host}/live`,
      hello: () => ({ screen, topics, follow: null, build, display, address }),
      decoder,
      limits,
      on: {
        text: (text) => {
          if (text.type === "hello") clock.greet(text);
          else if (text.type === "beat") clock.hear(text);
          else { self.postMessage({ type: "text", message: text }); return; }
          tellClock();
        },
        frame,
        panel: () => {},
        layer: () => {},
        state: (next) => { word = next; self.postMessage({ type: "channel", state: next }); request("life"); },
        refused: (why) => self.postMessage({ type: "refused", why }),
      },
    });
    channel.start();
  }

  function painted() {
    if (channel === null) return;
    const { seq, newest } = decoder.state, now = clock.now();
    channel.send({ type: "painted", seq: seq ?? 0, age_ms: newest === null || now === null ? null : Math.max(0, Math.round(now - newest)) });
  }

  const answers = {
    start,
    pick,
    list,
    painted,
    nudge: () => channel?.nudge(),
    canvas: (message) => {
      ground = message.ground;
      life = message.life;
      groundContext = ground.getContext("2d", { alpha: false });
      lifeContext = life.getContext("2d");
      const face = new FontFace("Inter", `url(${message.font})`, { weight: "100 900" });
      face.load().then((loaded) => { self.fonts.add(loaded); request("ground"); }, () => {});
      aim();
    },
    base: ({ basemap }) => { map = CityGround.load(basemap); aim(); },
    palette: (message) => { palette = message.palette; CitySprites.recolour(palette); due.ground = true; request("life"); },
    view: (message) => { view = message.view; if (view.visible !== false) aim(); },
    calm: ({ on }) => { calm = on; if (on && lasts) lasts.fill(0); request("life"); },
    chosen: (message) => {
      const before = chosen.estate;
      chosen = { estate: message.estate ?? null, slot: message.slot ?? -1, mast: message.mast ?? -1 };
      if (before !== chosen.estate) due.ground = true;
      request("life");
    },
    masts: (message) => { masts = message.masts; request("life"); },
    debug: ({ id }) => self.postMessage({ type: "debug", id, counters: { ...counters }, channel: channel?.counters ?? null, word, seq: decoder.state.seq, n: decoder.state.n, newest: decoder.state.newest, clock: clock.now() }),
  };

  self.onmessage = ({ data }) => answers[data.type]?.(data);
})();
