/* /trends: what is chosen goes to the callback, and into the address, where it can be passed on. */
(() => {
  "use strict";

  function choose(form, changed) {
    const wish = Object.fromEntries(["measure", "key", "span"].map((name) => [name, form.elements[name].value]));
    // What one measure is told of, another may not be.
    if (changed === "measure") wish.key = "";
    const address = new URLSearchParams(wish);
    if (!wish.key) address.delete("key");
    history.replaceState(history.state, "", `${location.pathname}?${address}`);
    window.dash_clientside.set_props("trend-wish", { data: wish });
  }

  document.addEventListener("change", ({ target }) => {
    if (target.form?.id === "trend-choice") choose(target.form, target.name);
  });
  document.addEventListener("submit", (event) => { if (event.target.id === "trend-choice") event.preventDefault(); });
})();
