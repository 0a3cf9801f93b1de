/* The small windows of the time bar: its keys, a moment to go to, the list of marks. Native dialogs, which keep the focus in and give it back. */
(() => {
  "use strict";

  const MOST_ROWS = 400; // of marks in the list; the bar's own span narrows it
  const times = () => window.controlRoomTimes;
  const element = (tag, properties = {}, ...children) => window.controlRoomCommands.element(tag, properties, ...children);

  /** Opens a dialog in `root`; resolves to whether it was accepted. `accept` null only shows something. */
  function dialog(root, title, content, accept, className = "") {
    const made = element("dialog", { className: `desk-dialog ${className}`.trim() });
    made.setAttribute("aria-labelledby", "time-dialog-title");
    const form = element("form", { method: "dialog" }, element("h2", { id: "time-dialog-title", textContent: title }), ...content);
    const buttons = element("div", { className: "desk-dialog-buttons" });
    if (accept !== null) buttons.append(element("button", { type: "submit", textContent: accept, value: "ok", className: "desk-main" }));
    buttons.append(element("button", { type: "button", textContent: accept === null ? "Close" : "Cancel", onclick: () => made.close("") }));
    form.append(buttons);
    made.append(form);
    root.append(made);
    made.showModal();
    return new Promise((resolve) => made.addEventListener("close", () => { made.remove(); resolve(made.returnValue === "ok"); }));
  }

  /** A field for a moment, in the city's time; `read()` gives ms, or null with a word of what is wrong at the field. */
  function momentField(label, at, from, to) {
    const input = element("input", { type: "datetime-local", step: 1, required: true, value: times().toField(at) });
    const which = element("select", { hidden: true }, element("option", { value: 0, textContent: "before the clock changed" }), element("option", { value: 1, textContent: "after the clock changed" }));
    which.setAttribute("aria-label", "This hour comes twice");
    const check = () => {
      const found = times().fromField(input.value), ms = found[Number(which.value)] ?? found[0];
      which.hidden = found.length < 2;
      input.setCustomValidity(found.length === 0 ? "The clock passes over this time, or it is not written in full"
        : ms < from ? `Nothing is held from before ${times().moment(from, to)}` : ms > to ? "That is still to come" : "");
      return input.checkValidity() ? ms : null;
    };
    input.addEventListener("input", check);
    which.addEventListener("change", check);
    const row = element("div", { className: "desk-field" }, element("label", {}, element("span", { textContent: label }), input), which);
    return { row, input, read: check };
  }

  // The shape of the state that a step leads to, as in the alarm list.
  const FILLS = { raised: "on", realarmed: "on", reprioritised: "on", escalated: "on", acknowledged: "acked", cleared: "back", shelved: "aside" };
  const shapeOf = (mark) => (mark.kind === "event" ? "time-mark time-event" : `symbol symbol-alarm-${mark.priority ?? "highest"}-${FILLS[mark.what] ?? "on"}`);

  window.controlRoomTimeForms = {
    dialog, momentField,
    /** A moment to go to; null when it was left. */
    async moment(root, at, from, now) {
      const field = momentField(`Time in the city, from ${times().moment(from, now)} on`, at, from, now);
      return (await dialog(root, "Go to a moment", [field.row], "Go")) ? field.read() : null;
    },
    /** Which keys there are; single letters can be switched off (WCAG 2.1.4). */
    keys(root, list, areOn, change) {
      const rows = list.map(([key, text]) => element("div", {}, element("dt", {}, element("kbd", { textContent: key })), element("dd", { textContent: text })));
      const box = element("input", { type: "checkbox", checked: areOn, onchange: () => change(box.checked) });
      return dialog(root, "Keys of the time bar", [element("dl", { className: "desk-keys" }, ...rows), element("label", { className: "desk-once" }, box, " Single letters and signs are keys (Esc, arrows, Page, Home and End always are)")], null);
    },
    /** The table behind the bar: every mark that it shows, newest first, each with the way to its moment. */
    marks(root, on) {
      const { from, to } = window.controlRoomTrack.window, { list, fault } = window.controlRoomTrack.marks, now = on.now();
      const inside = list.filter((mark) => mark.at >= from && mark.at <= to).reverse();
      const row = (mark) => {
        const picture = element("span", { className: shapeOf(mark) });
        picture.setAttribute("aria-hidden", "true");
        const go = element("button", { type: "button", textContent: times().moment(mark.at, now), onclick: () => { root.querySelector("dialog[open]")?.close(""); on.mark(mark); } });
        return element("tr", {}, element("td", {}, go), element("td", {}, picture, mark.kind === "event" ? "event" : mark.priority ?? "not known"),
          element("th", { scope: "row", textContent: mark.title || mark.id }), element("td", { textContent: `${mark.what || (mark.kind === "alarm" ? "raised" : "")}${mark.count > 1 ? ` · ${mark.count} together` : ""}` }));
      };
      const head = element("thead", {}, element("tr", {}, ...["Moment", "Priority", "What", "Step"].map((text) => element("th", { scope: "col", textContent: text }))));
      const table = element("table", { className: "time-table" }, element("caption", { className: "unseen", textContent: "Marks" }), head, element("tbody", {}, ...inside.slice(0, MOST_ROWS).map(row)));
      const said = fault !== "" ? `The marks cannot be read: ${fault}.` : inside.length === 0 ? "Nothing is marked in the time that the bar shows."
        : `${inside.length.toLocaleString("en-GB")} between ${times().moment(from, now)} and ${times().moment(Math.min(to, now), now)}${inside.length > MOST_ROWS ? `; the newest ${MOST_ROWS} are listed: show less time on the bar for the others` : ""}.`;
      const scroll = element("div", { className: "time-scroll", tabIndex: 0 }, ...(inside.length === 0 ? [] : [table]));
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", "Marks");
      return dialog(root, "Marks on the bar", [element("p", { textContent: said }), ...(inside.length === 0 ? [] : [scroll])], null, "is-wide");
    },
  };
})();
