/* What a visitor can change for themselves; all of it is forgotten when the screen begins anew. */

export class Options {
  constructor({ words, onChange }) {
    this.words = words;
    this.onChange = onChange;
    this.root = document.documentElement;
    this.system = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.buttons = new Map([...document.querySelectorAll("[data-option]")].map((button) => [button.dataset.option, button]));
    for (const [name, button] of this.buttons) button.addEventListener("click", () => this.turn(name));
    speechSynthesis?.addEventListener?.("voiceschanged", () => this.write());
    this.reset();
  }

  reset() {
    this.state = { contrast: matchMedia("(prefers-contrast: more)").matches, still: this.system, large: false, left: false, speaking: false };
    this.quiet();
    this.write();
  }

  async turn(name) {
    const { state } = this;
    if (name === "language") {
      const { languages, language } = this.words, at = languages.findIndex(([code]) => code === language);
      this.quiet();
      state.speaking = false;
      await this.onChange("language", languages[(at + 1) % languages.length][0]);
    } else if (name === "speech") {
      state.speaking = !state.speaking;
      if (state.speaking) this.read(); else this.quiet();
    } else {
      const key = { contrast: "contrast", motion: "still", text: "large", reach: "left" }[name];
      state[key] = !state[key];
    }
    this.write();
    if (name !== "language" && name !== "speech") this.onChange(name, null);
  }

  /** The state on the page, and on each button what touching it will do. */
  write() {
    const { state, words, root } = this;
    root.dataset.contrast = state.contrast ? "high" : "normal";
    root.dataset.motion = state.still ? "still" : "full";
    root.dataset.text = state.large ? "large" : "normal";
    root.dataset.reach = state.left ? "left" : "right";
    const { languages, language } = words, at = languages.findIndex(([code]) => code === language), next = languages[(at + 1) % languages.length];
    const says = {
      contrast: state.contrast ? "button.contrast_off" : "button.contrast_on",
      motion: state.still ? "button.play" : "button.pause",
      text: state.large ? "button.text_smaller" : "button.text_larger",
      reach: state.left ? "button.right_hand" : "button.left_hand",
      speech: state.speaking ? "button.read_stop" : "button.read_aloud",
    };
    for (const [name, button] of this.buttons) {
      const label = button.querySelector("span");
      if (name === "language") {
        // In its own language, or who needs it cannot find it.
        label.removeAttribute("data-words");
        label.textContent = next[1];
        label.lang = next[0];
        button.hidden = languages.length < 2;
      } else {
        label.dataset.words = says[name];
        if (words.has(says[name])) label.textContent = words.say(says[name]);
        button.dataset.on = String({ contrast: state.contrast, motion: state.still, text: state.large, reach: state.left, speech: state.speaking }[name]);
      }
    }
    const speech = this.buttons.get("speech");
    if (speech) speech.hidden = this.findVoice() === null;
  }

  findVoice() {
    if (!("speechSynthesis" in window)) return null;
    const { language } = this.words;
    return speechSynthesis.getVoices().find((voice) => voice.lang.toLowerCase().startsWith(language)) ?? null;
  }

  /** Reads the screen that is shown: its headings and texts in their order, without the buttons. */
  read() {
    const voice = this.findVoice();
    if (voice === null) return;
    speechSynthesis.cancel();
    const screen = document.querySelector(".screen:not([hidden])");
    const texts = [...(screen?.querySelectorAll("h1, h2, h3, p, li, dt, dd") ?? [])]
      .filter((found) => found.checkVisibility() && found.closest("button, [aria-hidden=true]") === null)
      .map((found) => found.textContent.trim()).filter(Boolean);
    texts.forEach((text, i) => {
      const spoken = new SpeechSynthesisUtterance(text);
      spoken.voice = voice;
      spoken.lang = voice.lang;
      if (i === texts.length - 1) spoken.onend = () => { this.state.speaking = false; this.write(); };
      speechSynthesis.speak(spoken);
    });
    if (texts.length === 0) this.state.speaking = false;
  }

  quiet() { if ("speechSynthesis" in window) speechSynthesis.cancel(); }

  /** Another screen: what was being read is gone, so the new one is read instead. */
  moved() {
    if (!this.state.speaking) return;
    this.quiet();
    this.read();
  }
}
