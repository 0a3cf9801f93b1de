/* The worker of a screen: socket, decoding and drawing, away from the page's main thread.
 *
 * From the page: start, canvas, palette, view, base, follow, layers, pick, painted, obeyed, nudge, time, debug.
 * To the page: order, passed, card, panel, layer, picked, channel, clock, frame, moment, settled, debug, and what draw.js says itself.
 * Their fields stand in docs/live-protocol.md, last section. Cards go out before any frame is decoded.
 */
"use strict";

importScripts("frames.js", "channel.js", "replay.js", "draw.js");

(function () {
  const WATCHED = "panel:alarm_call"; // what goes on while the screen shows the past: nobody may miss a new alarm
  const decoder = new Frames.FrameDecoder();
  const liveClock = new Live.ServerClock();
  const words = { live: ["late", 0], past: ["late", 0] }; // state of each socket, and when it was last heard
  let channel = null, replay = null, screen = null, followed = null, slot = -1;

  /** Calls a function of draw.js; a fault in drawing must not stop the data. */
  function draw(call, ...args) {
    if (!self.Draw || typeof self.Draw[call] !== "function") return;
    try { self.Draw[call](...args); } catch (error) { console.error("drawing:", call, error); }
  }

  /** performance.now() of this worker as milliseconds that page and worker share. */
  const shared = (at) => performance.timeOrigin + at;

  const isReplaying = () => replay !== null && replay.isOn;
  /** The decoder and the clock of what is shown now. */
  const shown = () => (isReplaying() ? replay : { decoder, clock: liveClock });

  function tellClock() {
    const { clock } = shown(), at = performance.now(), now = clock.now(at), { rate, mode } = clock;
    if (now === null) return;
    draw("clock", { now, at, rate, mode });
    self.postMessage({ type: "clock", now, at: shared(at), rate, mode, replaying: isReplaying(), real: clock.real === null ? null : clock.real + at });
  }

  function text(message) {
    if (message.type === "order") { self.postMessage(message); return; }
    if (message.type === "track") { draw("track", message); return; }
    if (message.type === "hello") liveClock.greet(message);
    else if (message.type === "beat") liveClock.hear(message);
    if (!isReplaying()) show(message);
  }

  function show(message) {
    if (message.type === "card") {
      followed = message.card;
      self.postMessage(message);
      return;
    }
    tellClock();
  }

  function frame(state, tag) {
    if (isReplaying()) return;
    liveClock.hear({ now: state.now });
    paint(state, tag);
  }

  function paint(state, tag) {
    draw("frame", state);
    follow(state);
    self.postMessage({ type: "frame", seq: state.seq, key: tag === Frames.KEY, n: state.n, moved: state.moved, newest: state.newest });
    tellClock();
  }

  /** Tells the drawing which slot the followed vehicle has: the one where its card says it is. */
  function follow(state) {
    if (followed === null || followed.x === null || followed.x === undefined) {
      if (slot !== -1) draw("follow", -1, NaN, NaN);
      slot = -1;
      return;
    }
    const { x, y } = followed;
    const is = (i) => i >= 0 && i < state.n && state.look[i] !== 0 && state.x[i] === x && state.y[i] === y;
    if (!is(slot)) {
      slot = -1;
      for (let i = 0; i < state.n && slot === -1; i++) if (is(i)) slot = i;
    }
    draw("follow", slot, x, y);
  }

  function start(message) {
    if (channel !== null) return;
    const { screen: name, topics, follow, build, display, address } = message;
    screen = { screen: name, topics, follow, build, display, address };
    const scheme = self.location.protocol === "https:" ? "wss://" : "ws://";
    const panel = ({ name, children }) => self.postMessage({ type: "panel", name, children });
    channel = new Live.Channel({
      url: message.url || scheme + self.location.host + "/live",
      hello: () => (isReplaying() ? { ...screen, topics: screen.topics.filter((topic) => topic === WATCHED) } : screen),
      decoder,
      limits: message.limits,
      on: { text, frame, panel, layer: (layer) => draw("layer", layer), state: (word, heardAt) => { words.live = [word, heardAt]; tellChannel(); } },
    });
    replay = new Live.Replay({
      url: scheme + self.location.host + "/timeline",
      hello: () => ({ ...screen, topics: screen.topics.filter((topic) => topic !== WATCHED) }),
      limits: message.limits,
      on: {
        panel,
        layer: (layer) => draw("layer", layer),
        text: show,
        frame: paint,
        state: (word, heardAt) => { words.past = [word, heardAt]; tellChannel(); },
        moment: (moment) => { self.postMessage(moment); },
        settled: (what) => {
          const wanted = screen.topics.filter((topic) => topic !== WATCHED && topic !== "map");
          const unknown = wanted.filter((topic) => topic.startsWith("layer:") && !what.brought.includes(topic)).map((topic) => topic.slice(6));
          if (unknown.length > 0) draw("layers", { forget: unknown });
          self.postMessage({ type: "settled", ...what, wanted });
        },
        refused: (why) => self.postMessage({ type: "refused", why }),
      },
    });
    channel.start();
  }

  /** What is shown is only as good as the worse of the sockets it comes from: one brings the past, one new alarms. */
  function tellChannel() {
    const order = ["live", "late", "lost"], both = isReplaying() ? [words.live, words.past] : [words.live];
    const [word, heardAt] = both.reduce((worst, next) => (order.indexOf(next[0]) > order.indexOf(worst[0]) ? next : worst));
    draw("channel", word);
    self.postMessage({ type: "channel", state: word, heard: shared(heardAt) });
  }

  /** The socket of now anew: with all that the screen wants, or, in a replay, with what must go on. */
  function renewLive() {
    decoder.reset();
    channel.open();
  }

  const times = {
    seek: ({ at }) => {
      const first = !isReplaying();
      if (first) { words.past = ["live", performance.now()]; draw("layers", { forget: true }); }
      replay.seek(at);
      if (first) renewLive();
    },
    play: ({ rate }) => replay.play(rate),
    pause: () => replay.pause(),
    live: () => {
      if (!isReplaying()) return;
      replay.leave();
      draw("layers", { forget: true });
      followed = null;
      renewLive();
      tellClock();
      tellChannel();
    },
  };

  function painted() {
    const { seq, newest } = decoder.state, now = liveClock.now();
    // In a replay the socket of now carries no map; that the page is alive it says there all the same.
    if (isReplaying()) { channel.send({ type: "painted", seq: 0, age_ms: null }); return; }
    // A screen without a map paints no frame; that its page is alive it says all the same.
    if (channel === null || (seq === null && screen.topics.includes("map"))) return;
    channel.send({ type: "painted", seq: seq ?? 0, age_ms: newest === null || now === null ? null : Math.round(now - newest) });
  }

  const answers = {
    start,
    painted,
    canvas: (message) => draw("init", message.canvas, message.options),
    view: (message) => draw("view", message.view),
    base: (message) => draw("base", message.basemap),
    palette: (message) => draw("palette", message.palette),
    // The panels that the page shows from now on (a wall that turns its pages).
    panels: ({ names }) => {
      if (screen === null) return;
      screen.topics = [...screen.topics.filter((topic) => !topic.startsWith("panel:")), ...names.map((name) => `panel:${name}`)];
      if (channel === null) return;
      if (isReplaying()) replay.renew();
      else channel.send({ type: "panels", names });
    },
    // The layers that the map shows from now on, how they are shaded, and which types of vehicles.
    layers: (wish) => {
      draw("layers", wish);
      if (screen === null || !wish.names) return;
      screen.topics = [...screen.topics.filter((topic) => !topic.startsWith("layer:")), ...wish.names.map((name) => `layer:${name}`)];
      if (channel !== null) (isReplaying() ? replay : channel).send({ type: "layers", names: wish.names });
    },
    pick: ({ x, y, id }) => {
      let found = [];
      try { found = self.Draw.pick(x, y); } catch (error) { console.error("picking:", error); }
      self.postMessage({ type: "picked", id, x, y, found });
    },
    // What became of an order; it goes to the server of now, also while the screen shows the past.
    obeyed: ({ order, result, why }) => {
      if (channel !== null) channel.send({ type: "obeyed", order, result, why });
      self.postMessage({ type: "passed", order });
    },
    nudge: () => { if (channel !== null) { channel.nudge(); replay.nudge(); } },
    time: (message) => { if (channel !== null && message.do in times) times[message.do](message); },
    follow: (message) => {
      screen.follow = message.id;
      draw("track", null);
      followed = null;
      (isReplaying() ? replay : channel).send({ type: "follow", id: message.id });
    },
    picture: ({ caption }) => {
      const taken = self.Draw && self.Draw.picture ? self.Draw.picture(caption) : Promise.resolve(null);
      taken.catch(() => null).then((blob) => self.postMessage({ type: "picture", blob }));
    },
    debug: () => {
      const { seq, n, now, newest } = shown().decoder.state;
      const drawing = self.Draw && self.Draw.debug ? self.Draw.debug() : null;
      // Where the first of them are drawn, zoom 18 pixels.
      const places = self.Draw && self.Draw.position ? Array.from({ length: Math.min(20, n ?? 0) }, (_, i) => self.Draw.position(i)) : [];
      self.postMessage({ type: "debug", seq, n, now, places, newest, slot, epoch: channel && channel.epoch, counters: channel && channel.counters, drawing });
    },
  };

  self.onmessage = (event) => {
    const answer = answers[event.data.type];
    if (answer) answer(event.data);
  };
})();
