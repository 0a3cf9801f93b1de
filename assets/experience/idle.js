/* Nobody there? It asks, waits, and begins anew for whoever comes next. */

import { find, say } from "./page.js";

const TOUCHES = ["pointerdown", "keydown", "wheel", "touchstart"];

export class Idle {
  /** @param after_s without a touch before it asks; @param answer_s that it waits for an answer */
  constructor({ after_s, answer_s, words, isResting, isListening, onLeave }) {
    Object.assign(this, { after_s, answer_s, words, isResting, isListening, onLeave });
    this.sheet = find("idle");
    this.touched = performance.now();
    this.askedAt = null;
    for (const name of TOUCHES) addEventListener(name, () => this.touch(), { capture: true, passive: true });
    find("idle-stay").addEventListener("click", () => this.stay());
    find("idle-leave").addEventListener("click", () => this.leave());
    this.sheet.addEventListener("cancel", (event) => { event.preventDefault(); this.stay(); });
    setInterval(() => this.watch(), 250);
  }

  touch() { if (this.askedAt === null) this.touched = performance.now(); }

  watch() {
    const now = performance.now();
    if (this.askedAt !== null) {
      const left = Math.ceil(this.answer_s - (now - this.askedAt) / 1000);
      if (left <= 0) this.leave();
      else say(find("idle-lead"), this.words.say("idle.text", { count: left }));
      return;
    }
    if (this.isResting()) { this.touched = now; return; }
    // Who listens touches nothing; but a voice that hangs must not keep the screen for ever.
    const patience = this.isListening() ? 4 : 1;
    if (now - this.touched > this.after_s * 1000 * patience) {
      this.askedAt = now;
      say(find("idle-lead"), this.words.say("idle.text", { count: this.answer_s }));
      if (!this.sheet.open) this.sheet.showModal();
    }
  }

  close() {
    this.askedAt = null;
    this.touched = performance.now();
    if (this.sheet.open) this.sheet.close();
  }

  stay() { this.close(); }

  leave() { this.close(); this.onLeave(); }
}
