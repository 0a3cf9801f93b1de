/* No way out: what a browser offers beside the page is taken away, and the way back leads to the page's own start. */

const PATCHES = 12; // steps of history that lie between the page and whatever was before it

export function guard(onBack) {
  for (const name of ["contextmenu", "dragstart", "drop", "dragover", "selectstart", "copy", "cut", "auxclick", "gesturestart", "gesturechange"]) {
    addEventListener(name, (event) => event.preventDefault(), { capture: true, passive: false });
  }
  // A second finger is a pinch; touch-action in the styles already says so, this is for browsers that do not listen.
  addEventListener("touchmove", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { capture: true, passive: false });
  addEventListener("wheel", (event) => { if (event.ctrlKey || event.metaKey) event.preventDefault(); }, { capture: true, passive: false });
  addEventListener("dblclick", (event) => event.preventDefault(), { capture: true });
  addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    const plain = ["Tab", "Enter", " ", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Shift"];
    if (ctrlKey || metaKey || altKey || !plain.includes(key)) event.preventDefault();
  }, { capture: true });
  addEventListener("beforeprint", (event) => event.stopImmediatePropagation(), { capture: true });

  const wall = () => { for (let i = 0; i < PATCHES; i += 1) history.pushState({ step: i }, "", location.href); };
  history.replaceState({ step: -1 }, "", location.href);
  wall();
  addEventListener("popstate", () => {
    if ((history.state?.step ?? -1) < PATCHES - 4) wall();
    onBack();
  });
}
