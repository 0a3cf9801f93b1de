/* The way back in time: a second socket (`/timeline`) that brings recorded frames as `/live` brings new ones.
 *
 * While it is open the first socket goes on, with what must never wait: new alarms. At most one seek is in
 * the air; while a bar is dragged only its newest moment counts. Contract: docs/live-protocol.md.
 */
"use strict";

(function (scope) {
  const GAP_MS = 60; // between two seeks: a server closes a socket that says more than 20 things a second
  const ANSWER_MS = 3000; // for so long a newer wish waits for the answer to the one before
  const QUIET_MS = 3000; // the server says where a moment ends; if it does not, nothing more of it came for so long

  class Replay {
    /**
     * @param options.url      address of the socket
     * @param options.hello    () → {screen, topics, follow}
     * @param options.on       as Channel's, and moment(message), settled({at, took_ms, brought})
     * @param options.limits   as Channel's
     */
    constructor({ url, hello, on, limits }) {
      Object.assign(this, { url, hello, on, limits });
      this.clock = new Live.ServerClock();
      this.decoder = new Frames.FrameDecoder();
      this.channel = null;
      this.reset();
    }

    reset() {
      this.wantsMap = true;
      this.at = null; // the moment wanted or shown, ms
      this.rate = 0;
      this.greeted = false;
      this.era = 0; // of the moment: what belongs to an older one is not shown any more
      this.asked = null; // {at, sent} of the seek in the air
      this.next = null; // the moment wanted after it
      this.seekCount = null; // of the server, as last heard
      this.lastSent = -Infinity;
      this.arriving = null; // {since, frame, panels} of the moment that is coming in
      clearTimeout(this.timer);
      clearTimeout(this.quiet);
    }

    get isOn() { return this.channel !== null; }

    /** To that moment; opens the socket where it is not open. */
    seek(at) {
      if (this.channel === null) { this.open(at); return; }
      this.at = at;
      this.next = { at, since: performance.now() };
      this.pump();
    }

    play(rate) { this.rate = rate; if (this.greeted) this.channel.send({ type: "play", rate }); }

    pause() { this.rate = 0; if (this.greeted) this.channel.send({ type: "pause" }); }

    /** Back to now: the socket is closed, and what it still brings is not looked at. */
    leave() {
      if (this.channel === null) return;
      this.channel.stop();
      this.channel = null;
      this.reset();
      this.decoder.reset();
    }

    /** The same moment with what the screen wants now. */
    renew() { if (this.channel !== null) this.channel.open(); }

    nudge() { if (this.channel !== null) this.channel.nudge(); }

    send(message) { if (this.greeted) this.channel.send(message); }

    open(at) {
      this.reset();
      this.at = at;
      this.arriving = { since: performance.now(), frame: false, panels: new Set() };
      this.channel = new Live.Channel({
        url: this.url,
        // Each connection starts from a key frame of the moment that was shown or asked for last.
        hello: () => {
          this.greeted = false;
          this.asked = null;
          this.decoder.reset();
          const said = this.hello();
          this.wantsMap = said.topics.includes("map");
          return { ...said, at: Math.round(this.at) };
        },
        decoder: this.decoder,
        limits: this.limits,
        on: { ...this.on, text: (message) => this.text(message), frame: (state, tag) => this.frame(state, tag), panel: (panel) => this.panel(panel),
          layer: (layer) => this.layer(layer) },
      });
      this.channel.start();
    }

    text(message) {
      if (message.type === "hello") {
        this.clock.greet(message);
        this.channel.era = (this.era += 1);
        this.greeted = true;
        this.seekCount = null;
        if (this.arriving === null) this.begin(performance.now());
        if (this.rate > 0) this.channel.send({ type: "play", rate: this.rate });
        this.pump();
      } else if (message.type === "beat") {
        this.clock.hear(message);
        if (message.seek !== undefined && message.seek === this.seekCount) this.end();
      } else if (message.type === "moment") this.moment(message);
      this.on.text(message);
    }

    moment(message) {
      const isNew = this.seekCount !== null && message.seek !== this.seekCount;
      this.seekCount = message.seek;
      if (isNew) {
        // Frames and panels that came before this word are of another moment.
        this.channel.era = (this.era += 1);
        this.begin(this.asked === null ? performance.now() : this.asked.since);
        this.asked = null;
        this.clock.set(message.at, message.rate);
      } else this.clock.hear({ now: message.at, rate: message.rate });
      if (this.next === null && this.asked === null) this.at = message.at;
      this.rate = message.rate;
      this.on.moment(message);
      this.pump();
    }

    begin(since) {
      this.arriving = { since, frame: false, panels: new Set() };
      this.hush();
    }

    /** Sends the newest wish, when the one before has been answered. */
    pump() {
      clearTimeout(this.timer);
      if (this.next === null || !this.greeted) return;
      const now = performance.now();
      const wait = this.asked !== null ? this.asked.sent + ANSWER_MS - now : this.lastSent + GAP_MS - now;
      if (wait > 0) { this.timer = setTimeout(() => this.pump(), wait); return; }
      this.asked = { ...this.next, sent: now };
      this.next = null;
      this.lastSent = now;
      this.channel.send({ type: "seek", at: Math.round(this.asked.at) });
    }

    frame(state, tag) {
      this.on.frame(state, tag);
      if (this.arriving === null) return;
      this.arriving.frame = true;
      this.arriving.framed = performance.now();
      if (this.arriving.whole) this.settle(); else this.hush();
    }

    panel(panel) {
      this.on.panel(panel);
      if (this.arriving === null) return;
      this.arriving.panels.add(panel.name);
      this.arriving.last = performance.now();
      this.hush();
    }

    layer(layer) {
      this.on.layer(layer);
      if (this.arriving === null) return;
      this.arriving.panels.add(`layer:${layer.name}`);
      this.arriving.last = performance.now();
      this.hush();
    }

    /** The server has sent all of the moment. Texts are read as they come, panels one after another: these are waited for. */
    end() {
      const { arriving } = this;
      this.channel.panels.then(() => {
        if (arriving === null || arriving !== this.arriving) return;
        arriving.whole = true;
        this.settle();
      });
    }

    /** Waits for the end of what belongs to the moment: a beat that says so, or silence. */
    hush() {
      clearTimeout(this.quiet);
      this.quiet = setTimeout(() => this.settle(), QUIET_MS);
    }

    settle() {
      clearTimeout(this.quiet);
      const { arriving } = this;
      if (arriving === null || (this.wantsMap && !arriving.frame)) return;
      this.arriving = null;
      // Another moment is wanted already: that one will be what the screen has come to.
      if (this.next !== null || this.asked !== null) return;
      const done = Math.max(arriving.framed ?? 0, arriving.last ?? 0, arriving.since);
      this.on.settled({ at: this.at, took_ms: done - arriving.since, brought: [...arriving.panels] });
    }
  }

  scope.Live.Replay = Replay;
})(self);
