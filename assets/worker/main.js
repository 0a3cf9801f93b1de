/* The worker of a screen: socket, decoding and drawing, away from the page's main thread.
 *
 * From the page: start, canvas, view, base, follow, painted, nudge, debug.
 * To the page: card, panel, channel, clock, frame, debug, and what draw.js says itself.
 * Their fields stand in docs/live-protocol.md, last section. Cards go out before any frame is decoded.
 */
"use strict";

importScripts("frames.js", "channel.js", "draw.js");

(function () {
  const decoder = new Frames.FrameDecoder();
  const clock = new Live.ServerClock();
  let channel = null, screen = null, followed = null, slot = -1;

  /** Calls a function of draw.js; a fault in drawing must not stop the data. */
  function draw(call, ...args) {
    if (!self.Draw || typeof self.Draw[call] !== "function") return;
    try { self.Draw[call](...args); } catch (error) { console.error("drawing:", call, error); }
  }

  /** performance.now() of this worker as milliseconds that page and worker share. */
  const shared = (at) => performance.timeOrigin + at;

  function tellClock() {
    const at = performance.now(), now = clock.now(at), { rate, mode } = clock;
    if (now === null) return;
    draw("clock", { now, at, rate, mode });
    self.postMessage({ type: "clock", now, at: shared(at), rate, mode, real: clock.real === null ? null : clock.real + at });
  }

  function text(message) {
    if (message.type === "card") {
      followed = message.card;
      self.postMessage(message);
      return;
    }
    if (message.type === "hello") clock.greet(message);
    else if (message.type === "beat") clock.hear(message);
    tellClock();
  }

  function frame(state, tag) {
    clock.hear({ now: state.now });
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
    screen = { screen: message.screen, topics: message.topics, follow: message.follow, build: message.build };
    const scheme = self.location.protocol === "https:" ? "wss://" : "ws://";
    channel = new Live.Channel({
      url: message.url || scheme + self.location.host + "/live",
      hello: () => screen,
      decoder,
      limits: message.limits,
      on: {
        text,
        frame,
        panel: ({ name, children }) => self.postMessage({ type: "panel", name, children }),
        state: (word, heardAt) => {
          draw("channel", word);
          self.postMessage({ type: "channel", state: word, heard: shared(heardAt) });
        },
      },
    });
    channel.start();
  }

  function painted() {
    const { seq, newest } = decoder.state, now = clock.now();
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
    nudge: () => channel !== null && channel.nudge(),
    follow: (message) => {
      screen.follow = message.id;
      followed = null;
      channel.send({ type: "follow", id: message.id });
    },
    debug: () => {
      const { seq, n, now, newest } = decoder.state;
      const drawing = self.Draw && self.Draw.debug ? self.Draw.debug() : null;
      self.postMessage({ type: "debug", seq, n, now, newest, slot, epoch: channel && channel.epoch, counters: channel && channel.counters, drawing });
    },
  };

  self.onmessage = (event) => {
    const answer = answers[event.data.type];
    if (answer) answer(event.data);
  };
})();
