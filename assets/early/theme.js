/* Which theme this screen has: known before anything is painted, so that no screen flashes in the other one.
 *
 * Loaded from the head of the page, by itself. A wall is dark unless its file says otherwise (data-theme of #wall);
 * every other screen follows the person's choice, else what their system prefers. Paper is light.
 * Whoever paints with colours of its own hears of a change: `controlroom:theme` on the document.
 */
(() => {
  "use strict";

  const CHOICE = "control-room.theme";
  const CHOICES = ["auto", "dark", "light"];
  const root = document.documentElement, light = matchMedia("(prefers-color-scheme: light)");
  let isPrinting = false;

  /** What the person at this screen has chosen: auto (as the system), dark or light. */
  function choice() {
    let kept = null;
    try { kept = localStorage.getItem(CHOICE); } catch { /* a browser that keeps nothing */ }
    return CHOICES.includes(kept) ? kept : "auto";
  }

  function wanted() {
    if (isPrinting) return "light";
    const own = document.getElementById("wall")?.dataset.theme;
    if (own) return own;
    if (/^\/wall(\/|$)/.test(location.pathname)) return "wall";
    const chosen = choice();
    return chosen !== "auto" ? chosen : light.matches ? "light" : "dark";
  }

  function use() {
    const theme = wanted();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", theme === "light" ? "light" : "dark");
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", theme === "light" ? "#e9ebed" : "#14181c");
    document.dispatchEvent(new CustomEvent("controlroom:theme", { detail: { theme } }));
  }

  light.addEventListener("change", use);
  // The same person in another window.
  addEventListener("storage", (event) => { if (event.key === CHOICE) use(); });
  addEventListener("beforeprint", () => { isPrinting = true; use(); });
  addEventListener("afterprint", () => { isPrinting = false; use(); });
  // The screen comes after this script; what it says of itself counts from then on.
  new MutationObserver((_, observer) => {
    if (document.getElementById("wall") === null) return;
    observer.disconnect();
    use();
  }).observe(root, { childList: true, subtree: true });

  window.controlRoomTheme = {
    choice,
    /** Keeps the choice of the person at this screen (auto, dark, light) and follows it. */
    choose(next) {
      if (!CHOICES.includes(next)) throw new Error(`no theme is called ${next}: ${CHOICES.join(", ")}`);
      try { localStorage.setItem(CHOICE, next); } catch { /* then it lasts as long as the page */ }
      use();
    },
  };
  use();
})();
