/* Tones of alarms, synthesised here: no files, nothing fetched.
 *
 * Highest: three short notes, then silence, again and again. That is one looped buffer and not a timer,
 * for a browser slows the timers of a tab that nobody looks at. High: two low notes, once.
 */
(() => {
  "use strict";

  const RATE = 22050, LOUDNESS = 0.32;
  const URGENT = { seconds: 3.2, notes: [[0, 0.16, 784], [0.22, 0.16, 988], [0.44, 0.3, 784]] };
  const NOTICE = { seconds: 0.8, notes: [[0, 0.22, 523], [0.3, 0.32, 440]] };

  let context = null, ringing = null;

  function render({ seconds, notes }) {
    const buffer = context.createBuffer(1, seconds * RATE, RATE), samples = buffer.getChannelData(0);
    for (const [at, length, hertz] of notes) {
      for (let i = 0; i < length * RATE; i += 1) {
        const t = i / RATE, wave = 2 * Math.PI * hertz * t;
        // Rises and falls within 15 ms, or it would click; overtones, for ears that hear high notes badly.
        const loud = LOUDNESS * Math.min(1, t / 0.015, (length - t) / 0.015);
        samples[Math.round(at * RATE) + i] = loud * (Math.sin(wave) + 0.4 * Math.sin(2 * wave) + 0.2 * Math.sin(3 * wave)) / 1.6;
      }
    }
    return buffer;
  }

  function play(sound, loop) {
    const source = context.createBufferSource();
    source.buffer = render(sound);
    source.loop = loop;
    source.connect(context.destination);
    source.start();
    return source;
  }

  const tell = () => document.dispatchEvent(new CustomEvent("controlroom:sound"));

  window.controlRoomSound = {
    /** Whether the browser lets us be heard. */
    isAllowed: () => context !== null && context.state === "running",
    isRinging: () => ringing !== null,
    /** Asks the browser; it agrees once a person has pressed a key or clicked in the page. */
    async wake() {
      if (context === null) {
        context = new AudioContext({ sampleRate: RATE });
        context.onstatechange = tell;
      }
      if (context.state !== "running") context.resume().catch(() => {});
      tell();
    },
    /** The repeating tone, on or off. */
    ring(on) {
      if (on === (ringing !== null)) return;
      if (on && window.controlRoomSound.isAllowed()) ringing = play(URGENT, true);
      else if (!on) { ringing.stop(); ringing = null; }
    },
    notice() { if (window.controlRoomSound.isAllowed()) play(NOTICE, false); },
  };
})();
