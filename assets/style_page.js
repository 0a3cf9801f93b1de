/* /admin/style: its parts, the theme of the page, a dialog to look at, and greyscale. */
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const element = (tag, properties, ...children) => window.controlRoomCommands.element(tag, properties, ...children);

  function showDialog() {
    const made = element("dialog", { className: "desk-dialog controls" });
    const why = element("textarea", { rows: 2, maxLength: 500, required: true });
    const buttons = element("div", { className: "desk-dialog-buttons" }, element("button", { type: "submit", className: "press-main", textContent: "Shelve" }),
      element("button", { type: "button", textContent: "Cancel", onclick: () => made.close() }));
    made.setAttribute("aria-labelledby", "style-dialog-title");
    made.append(element("form", { method: "dialog" }, element("h2", { id: "style-dialog-title", textContent: "Shelve “Robot 47 stands still”" }),
      element("label", { className: "desk-field" }, element("span", { textContent: "Why?" }), why), buttons));
    made.addEventListener("close", () => made.remove());
    byId("wall").append(made);
    made.showModal();
  }

  /** The parts come as HTML of our own making: so many elements would keep Dash busy for half a minute. */
  async function fetchParts() {
    const groups = byId("style-groups");
    try {
      const answer = await fetch("/admin/style/parts");
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      groups.innerHTML = await answer.text();
    } catch (error) {
      groups.replaceChildren(element("p", { textContent: `The parts cannot be shown: ${error.message}. Load the page again.` }));
    }
  }

  function start(choice) {
    fetchParts();
    choice.value = window.controlRoomTheme.choice();
    choice.addEventListener("change", () => window.controlRoomTheme.choose(choice.value));
    byId("style-dialog").addEventListener("click", showDialog);
    byId("style-grey").addEventListener("click", ({ currentTarget }) => {
      const isGrey = byId("wall").toggleAttribute("data-grey");
      currentTarget.setAttribute("aria-pressed", String(isGrey));
    });
  }

  const observer = new MutationObserver(() => {
    const choice = byId("style-theme");
    if (choice !== null) { observer.disconnect(); start(choice); }
    else if (byId("wall") !== null) observer.disconnect();
  });
  observer.observe(document.documentElement, { childList: true, subtree: true });
})();
