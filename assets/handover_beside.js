/* Notes beside a thing, on whichever screen shows it: those about it, those about where it is, and a form for another.
 *
 * They stand in every element with data-notes-kind and data-notes-key (layouts/parts/notes.py), which this page alone
 * fills: what is written there stays, whatever is renewed round it. Who may not read notes sees nothing of them.
 */
(() => {
  "use strict";

  const WITHIN_MS = 8000, RENEW_MS = 20000, LOOK_MS = 500;
  const KEPT = "control-room.note."; // what is half written, in this tab alone

  const made = new WeakMap(); // element -> its part
  let ids = 0, refused = false;

  const { element } = window.controlRoomCommands;
  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  function button(words, act, main = false) {
    return element("button", { type: main ? "submit" : "button", className: main ? "press press-main" : "press", textContent: words, onclick: act });
  }

  function field(words, input) {
    input.id = `note-beside-${(ids += 1)}`;
    return element("div", { className: "handover-field" }, element("label", { htmlFor: input.id, textContent: words }), input);
  }

  class Part {
    constructor(node) {
      this.node = node;
      this.kind = node.dataset.notesKind;
      this.key = node.dataset.notesKey;
      this.at = 0;
      this.told = null;
      this.asking = false;
      this.since = null;
      this.head = element("h4", { textContent: "Notes" });
      this.list = element("ul", { className: "notes" });
      this.none = element("p", { className: "none", textContent: "…" });
      this.said = element("p", { className: "notes-said" });
      this.said.setAttribute("role", "status");
      this.open = button("Write a note", () => this.toggle());
      this.open.setAttribute("aria-expanded", "false");
      this.tools = element("p", { className: "notes-tools" }, this.open, element("a", { href: "/handover", textContent: "All notes" }));
      this.form = null;
      const past = element("p", { className: "replaying-only reason", textContent: "These are of now, not of the moment that the screen shows." });
      node.replaceChildren(this.head, past, this.none, this.list, this.said, this.tools);
      // Escape closes the form before it closes what the form is in.
      node.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || this.form === null) return;
        event.preventDefault();
        event.stopPropagation();
        this.toggle();
      });
    }

    async renew() {
      this.at = Date.now();
      try {
        const query = new URLSearchParams({ kind: this.kind, key: this.key });
        const answer = await fetch(`/handover/notes?${query}`, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
        if (answer.status === 401 || answer.status === 403) {
          refused = true;
          this.node.replaceChildren();
          return;
        }
        if (!answer.ok) throw new Error();
        this.told = await answer.json();
        this.since = null;
        this.show();
      } catch {
        this.since ??= window.controlRoom?.serverNow() ?? Date.now();
        write(this.none, `— notes have not been renewed since ${window.controlRoom?.clockText(this.since) ?? "a while"}`);
        this.none.className = "unknown";
        this.none.hidden = false;
      }
    }

    show() {
      const { notes, zone } = this.told;
      const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      const when = (iso) => format.format(new Date(iso)).replace(",", "");
      write(this.head, notes.length === 0 ? "Notes" : `Notes: ${notes.length}`);
      write(this.none, "No note is open about it.");
      this.none.className = "none";
      this.none.hidden = notes.length > 0;
      const text = JSON.stringify(notes);
      if (this.list.dataset.said === text) return;
      this.list.dataset.said = text;
      this.list.replaceChildren(...notes.map((note) => {
        const line = element("li", { className: "note" }, ...window.controlRoomNotes.describe(note, when));
        if (note.near !== "") line.firstChild.append(element("span", { className: "reason", textContent: ` · ${note.near}` }));
        return line;
      }));
    }

    async toggle() {
      // What the note will be about is known from the first answer on; without it it would be kept about something else.
      if (this.asking) return;
      if (this.told === null) {
        this.asking = true;
        await this.renew();
        this.asking = false;
        this.said.classList.toggle("failed", this.told === null);
        write(this.said, this.told === null ? "No note can be written yet: the server does not answer. Try again." : "");
        if (this.told === null) return;
      }
      const isOpen = this.form !== null;
      this.form?.remove();
      this.form = isOpen ? null : this.write();
      this.open.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) { this.open.focus(); return; }
      this.node.append(this.form);
      this.form.querySelector("input, textarea").focus();
    }

    write() {
      const { LASTS, USUAL_S } = window.controlRoomNotes, commands = window.controlRoomCommands;
      const { about, key, label, keep_days: days } = this.told;
      const draft = `${KEPT}${about} ${key}`, command = { number: null };
      const name = element("input", { type: "text", maxLength: 80, autocomplete: "name", required: true, value: commands.name() });
      const text = element("textarea", { rows: 3, maxLength: 1000, required: true, value: sessionStorage.getItem(draft) ?? "" });
      text.addEventListener("input", () => { sessionStorage.setItem(draft, text.value); });
      const lasts = element("select", {}, ...LASTS.map(([words, value]) => element("option", { value, textContent: words, selected: value === USUAL_S })));
      const kept = days > 0 ? `for ${days} days` : "for ever";
      const privacy = element("p", { className: "reason", textContent: `Others read it, and it is kept ${kept}: nothing personal about residents, no health matters.` });
      const keep = button("Keep this note", null, true);
      const form = element("form", { className: "handover-form notes-form" }, field("Your name", name), field(about === "room" ? "Note" : `Note about ${label}`, text), field("For how long?", lasts),
        privacy, element("div", { className: "handover-buttons" }, keep, button("Cancel", () => this.toggle())));
      form.addEventListener("input", () => { command.number = null; }); // another wish, another number
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (keep.getAttribute("aria-disabled") === "true") return;
        keep.setAttribute("aria-disabled", "true");
        commands.rename(name.value);
        write(this.said, "Being written…");
        command.number ??= window.controlRoomHandover.number(); // the same one until it is written: trying again does no harm
        const order = { do: "note", about, key, label, text: text.value, for_s: Number(lasts.value), by: name.value, command: command.number };
        const failed = await window.controlRoomHandover.post(order);
        keep.removeAttribute("aria-disabled");
        this.said.classList.toggle("failed", failed !== null);
        write(this.said, failed === null ? "Confirmed: the note is kept." : failed.text);
        if (failed !== null) return;
        sessionStorage.removeItem(draft);
        if (this.form === form) this.toggle();
        this.renew();
      });
      return form;
    }
  }

  function look() {
    if (refused || document.visibilityState !== "visible") return;
    for (const node of document.querySelectorAll("[data-notes-kind]")) {
      let part = made.get(node);
      const { notesKind: kind, notesKey: key } = node.dataset;
      if (part === undefined || part.kind !== kind || part.key !== key) made.set(node, part = new Part(node));
      if (Date.now() - part.at >= RENEW_MS && node.isConnected) part.renew();
    }
  }
  setInterval(look, LOOK_MS);

  window.controlRoomBeside = {
    /** An element for a thing, to be put wherever it is shown. */
    make(kind, key) {
      const node = element("div", { className: "notes-of controls" });
      Object.assign(node.dataset, { notesKind: kind, notesKey: key });
      return node;
    },
    look,
  };
})();
