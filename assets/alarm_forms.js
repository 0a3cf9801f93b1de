/* The small forms of the alarm screen: native dialogs, which keep the focus in and give it back.
 *
 * Each opens one and resolves to what was filled in, or to null when it was left.
 */
(() => {
  "use strict";

  const SHELVE_S = [["15 minutes", 900], ["1 hour", 3600], ["4 hours", 14400], ["8 hours", 28800]];
  const USUAL_S = 3600;
  const KEYS = [["j or ↓", "next alarm"], ["k or ↑", "alarm before"], ["Home, End", "first, last"], ["Space", "select"],
    ["Enter", "what to do: guidance"], ["a", "acknowledge"], ["s", "shelve"], ["t", "take: I handle it"], ["c", "comment"],
    ["n", "show what is new"], ["/", "search"], ["m", "silence the tone"], ["Esc", "close, or select none"], ["?", "these keys"]];
  const LONGEST = 500;
  const others = new Map(); // keys of what stands beside the list on this screen: its name -> [key, what it does]

  const element = (tag, properties, ...children) => window.controlRoomCommands.element(tag, properties, ...children);

  /** Resolves to whether it was accepted; `accept` null only shows something. */
  function open(title, content, accept) {
    const made = element("dialog", { className: "desk-dialog" });
    made.setAttribute("aria-labelledby", "desk-dialog-title");
    const form = element("form", { method: "dialog" }, element("h2", { id: "desk-dialog-title", textContent: title }), ...content);
    const buttons = element("div", { className: "desk-dialog-buttons" });
    if (accept !== null) buttons.append(element("button", { type: "submit", textContent: accept, value: "ok", className: "desk-main" }));
    buttons.append(element("button", { type: "button", textContent: accept === null ? "Close" : "Cancel", onclick: () => made.close("") }));
    form.append(buttons);
    made.append(form);
    // Enter sends a form of several lines only with Ctrl; a reason is a sentence, and Enter ends it.
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && event.target.localName === "textarea") { event.preventDefault(); form.requestSubmit(form.querySelector("[type=submit]")); }
    });
    document.getElementById("alarm-desk").append(made);
    made.showModal();
    return new Promise((resolve) => made.addEventListener("close", () => { made.remove(); resolve(made.returnValue === "ok"); }));
  }

  function field(label, properties) {
    const input = element(properties.rows ? "textarea" : "input", { required: true, maxLength: LONGEST, ...properties });
    return [element("label", { className: "desk-field" }, element("span", { textContent: label }), input), input];
  }

  /** A form of one text that must not be empty. */
  async function askText(title, label, properties, accept) {
    const [row, input] = field(label, properties);
    // Blanks alone are no text; the browser then says so at the field.
    input.addEventListener("input", () => input.setCustomValidity(input.value.trim() === "" ? "Write something" : ""));
    return (await open(title, [row], accept)) ? input.value.trim() || null : null;
  }

  window.controlRoomForms = {
    /** Further keys of this screen, said with those of the list. */
    more(title, keys) { others.set(title, keys); },
    name: (value) => askText("Who is at this desk?", "Your name, as the others know it. It stands beside what you do.", { value, maxLength: 80, autocomplete: "name" }, "Keep"),
    async comment(what, value) {
      const why = await askText(`Comment on ${what}`, "Comment", { rows: 3, value }, "Comment");
      return why === null ? null : { why };
    },
    async out_of_service(what, value) {
      const why = await askText(`Take ${what} out of service`, "Why? It stays out of service until somebody puts it back.", { rows: 3, value }, "Take out of service");
      return why === null ? null : { why };
    },
    async assign(what, names) {
      const [row, input] = field("Who handles it? Leave it empty for nobody.", { maxLength: 80, required: false });
      input.setAttribute("list", "desk-names");
      const list = element("datalist", { id: "desk-names" }, ...names.map((value) => element("option", { value })));
      return (await open(`Assign ${what}`, [row, list], "Assign")) ? { to: input.value.trim() } : null;
    },
    async shelve(what, value) {
      const [row, input] = field("Why?", { rows: 2, value });
      const choice = ([text, seconds]) => element("label", {}, element("input", { type: "radio", name: "desk-for", value: seconds, checked: seconds === USUAL_S }), ` ${text}`);
      const times = element("fieldset", {}, element("legend", { textContent: "For how long?" }), ...SHELVE_S.map(choice));
      const once = element("input", { type: "checkbox" });
      const onceRow = element("label", { className: "desk-once" }, once, " Once: ends as soon as it is back to normal");
      if (!(await open(`Shelve ${what}`, [row, times, onceRow], "Shelve")) || input.value.trim() === "") return null;
      return { why: input.value.trim(), for_s: Number(times.querySelector(":checked").value), once: once.checked };
    },
    /** Which keys there are; single letters can be switched off (WCAG 2.1.4). */
    keys(on, change) {
      const list = (keys) => element("dl", { className: "desk-keys" }, ...keys.map(([key, text]) => element("div", {}, element("dt", {}, element("kbd", { textContent: key })), element("dd", { textContent: text }))));
      const more = [...others].flatMap(([title, keys]) => [element("h3", { textContent: title }), list(keys)]);
      const box = element("input", { type: "checkbox", checked: on, onchange: () => change(box.checked) });
      return open("Keys", [...(more.length > 0 ? [...more, element("h3", { textContent: "Alarms" })] : []), list(KEYS), element("label", { className: "desk-once" }, box, " Single letters are keys (arrows, Space, Enter and Esc always are)")], null);
    },
  };
})();
