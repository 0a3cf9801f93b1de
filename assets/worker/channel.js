/* The socket of a screen: opened again for ever, watched, and decoded strictly in order.
 *
 * It lives in a worker, so a busy page neither delays the data nor loses the connection, and the
 * browser does not slow its timers when the page is hidden. Contract: docs/live-protocol.md.
 */
"use strict";

(function (scope) {
  const LIMITS = {
    late_ms: 6000, // silence: three beats are missing
    lost_ms: 9000, // silence: the page must say so within 10 s
    watch_ms: 500,
    first_ms: 500, // back-off: a random part of this, doubled at each try …
    most_ms: 15000, // … up to this: a server that comes back is found within seconds
    waiting: 64, // frames received but not decoded; more, and a key frame is shorter
  };

  /** One screen's connection.
   *
   * @param options.url      address of the socket
   * @param options.hello    () → {screen, topics, follow}
   * @param options.decoder  Frames.FrameDecoder
   * @param options.on       {text(message), frame(state, tag), panel({name, children}), layer(layer), state(word, heardAt), refused(why)}
   * @param options.limits   as LIMITS, for tests
   */
  class Channel {
    constructor({ url, hello, decoder, on, limits }) {
      this.url = url;
      this.hello = hello;
      this.decoder = decoder;
      this.on = on;
      this.limits = { ...LIMITS, ...limits };
      this.epoch = null;
      this.socket = null;
      this.generation = 0; // of the socket; what an older one still brings is not looked at
      this.attempt = 0;
      this.retryTimer = 0;
      this.heardAt = performance.now();
      this.openedAt = this.heardAt;
      this.heard = false;
      this.state = "late";
      this.waiting = [];
      this.era = 0; // raised by whoever owns it: what was received before is then no longer shown (replay.js)
      this.draining = false;
      this.panels = Promise.resolve();
      this.counters = { opened: 0, lost: 0, errors: 0, keys: 0, deltas: 0, skipped: 0, panels: 0, layers: 0, bytes: 0, texts: 0 };
    }

    start() {
      this.watchTimer = setInterval(() => this.watch(), this.limits.watch_ms);
      this.open();
    }

    /** For good. */
    stop() {
      clearInterval(this.watchTimer);
      this.drop();
    }

    send(message) {
      if (this.socket !== null && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    /** Something tells that a try is worth while now: the network is back, somebody looks at the page. */
    nudge() {
      this.watch();
      const silent = performance.now() - this.heardAt > this.limits.late_ms;
      if (this.socket === null || (silent && performance.now() - this.openedAt > 1000)) {
        this.attempt = 0;
        this.open();
      }
    }

    open() {
      this.drop();
      const mine = this.generation;
      this.openedAt = performance.now();
      let socket;
      try { socket = new WebSocket(this.url); } catch { this.retry(); return; }
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        if (mine !== this.generation) return;
        this.counters.opened += 1;
        socket.send(JSON.stringify({ type: "hello", ...this.hello(), epoch: this.epoch, seq: this.decoder.state.seq }));
      };
      socket.onmessage = (event) => { if (mine === this.generation) this.receive(event.data, mine); };
      socket.onclose = (event) => {
        if (mine !== this.generation) return;
        if (event.reason && this.on.refused) this.on.refused(event.reason);
        this.counters.lost += 1;
        this.retry();
      };
      this.socket = socket;
    }

    /** Leaves the present socket, if any, and all that it brought and nobody has read. */
    drop() {
      clearTimeout(this.retryTimer);
      this.retryTimer = 0;
      this.generation += 1;
      this.waiting.length = 0;
      const socket = this.socket;
      this.socket = null;
      if (socket === null) return;
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }

    retry() {
      this.drop();
      const { first_ms, most_ms } = this.limits;
      // Full jitter: after a restart a thousand screens come back one by one, not in waves.
      const wait = Math.random() * Math.min(most_ms, first_ms * 2 ** Math.min(this.attempt, 16));
      this.attempt += 1;
      this.retryTimer = setTimeout(() => this.open(), wait);
    }

    watch() {
      const now = performance.now(), silence = now - this.heardAt, { late_ms, lost_ms } = this.limits;
      const word = silence > lost_ms ? "lost" : silence > late_ms || !this.heard ? "late" : "live";
      // A socket may be open and dead; one that hangs while connecting is given up as well.
      if (silence > lost_ms && this.socket !== null && now - this.openedAt > lost_ms) {
        this.counters.lost += 1;
        this.retry();
      }
      this.say(word);
    }

    say(word) {
      if (word === this.state) return;
      this.state = word;
      this.on.state(word, this.heardAt);
    }

    receive(data, mine) {
      this.heardAt = performance.now();
      this.heard = true;
      this.say("live");
      if (typeof data === "string") {
        this.counters.texts += 1;
        this.counters.bytes += data.length;
        let message;
        try { message = JSON.parse(data); } catch (error) { this.fail(error, mine); return; }
        if (message.type === "hello" && message.epoch !== this.epoch) {
          // Another run of the server: nothing held means anything to it.
          this.epoch = message.epoch;
          this.decoder.reset();
        }
        this.on.text(message);
        return;
      }
      this.counters.bytes += data.byteLength;
      const tag = new Uint8Array(data, 0, 1)[0];
      if (tag === Frames.PANEL) this.panel(data, mine);
      else if (tag === Frames.LAYER) this.layer(data, mine);
      else {
        this.waiting.push({ data, tag, era: this.era });
        if (this.waiting.length > this.limits.waiting && !this.waiting.some((frame) => frame.tag === Frames.KEY)) {
          this.fail(new Error("frames come faster than they can be read"), mine);
        } else this.drain();
      }
    }

    /** Decodes what waits, one after another: a delta means nothing without the one before. */
    async drain() {
      if (this.draining) return;
      this.draining = true;
      while (this.waiting.length > 0) {
        const mine = this.generation;
        const key = this.waiting.findLastIndex((frame) => frame.tag === Frames.KEY);
        if (key > 0) {
          this.counters.skipped += key;
          this.waiting.splice(0, key);
        }
        const { data, tag, era } = this.waiting.shift();
        if (era !== this.era) continue;
        try {
          const body = await Frames.inflate(data);
          if (mine !== this.generation || era !== this.era) continue;
          const state = this.decoder.decode(body, tag);
          this.attempt = 0;
          this.counters[tag === Frames.KEY ? "keys" : "deltas"] += 1;
          this.on.frame(state, tag);
        } catch (error) {
          this.fail(error, mine);
        }
      }
      this.draining = false;
    }

    panel(data, mine) {
      const { era } = this;
      // One after another as well, or a small old panel could overtake a large new one.
      this.panels = this.panels.then(async () => {
        try {
          const panel = JSON.parse(new TextDecoder().decode(await Frames.inflate(data)));
          if (mine !== this.generation || era !== this.era) return;
          this.counters.panels += 1;
          this.attempt = 0; // a screen without a map is well, too
          this.on.panel(panel);
        } catch (error) {
          this.fail(error, mine);
        }
      });
    }

    layer(data, mine) {
      const { era } = this;
      this.panels = this.panels.then(async () => {
        try {
          const layer = LayerData.decode(await Frames.inflate(data));
          if (mine !== this.generation || era !== this.era) return;
          this.counters.layers += 1;
          this.on.layer(layer);
        } catch (error) {
          this.fail(error, mine);
        }
      });
    }

    /** Something came that cannot be true: start anew from a key frame, never go on from doubt. */
    fail(error, mine) {
      if (mine !== this.generation) return;
      this.counters.errors += 1;
      console.warn("live channel starts anew:", error.message);
      this.decoder.reset();
      this.retry();
    }
  }

  /** The server's clock as this screen can know it; never the screen's own.
   *
   * A message can only be late, so the farthest estimate is the truest. Lower ones pull it back slowly, in
   * case the server's clock was set back: a burst of old messages after a stall must not make ages younger.
   */
  class ServerClock {
    constructor() { this.offset = null; this.rate = 1; this.mode = "live"; this.real = null; }

    /** A hello: the pace and mode, and the first estimate of this connection. */
    greet({ now, rate, mode, real }, at = performance.now()) {
      this.rate = rate;
      this.mode = mode;
      this.real = real === undefined ? null : real - at;
      this.offset = now - at * rate;
    }

    /** A beat. At the end of a recording its pace becomes 0: then the time it says is the time. */
    hear({ now, rate = this.rate }, at = performance.now()) {
      if (rate !== this.rate) { this.rate = rate; this.offset = null; }
      const offset = now - at * this.rate;
      if (this.offset === null || offset > this.offset) this.offset = offset;
      else this.offset += (offset - this.offset) * 0.02;
    }

    /** Another moment altogether, as in a replay: nothing that was heard before counts. */
    set(now, rate, at = performance.now()) {
      this.rate = rate;
      this.offset = now - at * rate;
    }

    now(at = performance.now()) { return this.offset === null ? null : this.offset + at * this.rate; }
  }

  scope.Live = { Channel, ServerClock, LIMITS };
})(self);
