/* Runs the scripts of a page that is served ready, once its first picture has been painted (control_room/wall_service.py).
 *
 * They wait in <template id="later">, in their order. In the page itself the browser would run them all before it
 * paints anything, although the picture needs none of them.
 */
(() => {
  "use strict";

  const LATEST_MS = 400; // a page that nobody sees has no frames
  let begun = false;

  function copy(script) {
    const made = document.createElement("script");
    for (const { name, value } of script.attributes) made.setAttribute(name, value);
    made.textContent = script.textContent;
    return made;
  }

  function run() {
    if (begun) return;
    begun = true;
    const scripts = [...document.getElementById("later").content.querySelectorAll("script")].map(copy);
    // Dash's own start stands in the page and not in a file; it comes when the files have run.
    const isStart = (script) => !script.src && !/json/.test(script.type);
    let waiting = scripts.filter((script) => script.src).length;
    const done = () => { waiting -= 1; if (waiting === 0) document.body.append(...scripts.filter(isStart)); };
    for (const script of scripts.filter((one) => !isStart(one))) {
      script.async = false;
      if (script.src) { script.addEventListener("load", done); script.addEventListener("error", done); }
      document.body.append(script);
    }
  }

  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(run)));
  setTimeout(run, LATEST_MS);
})();
