/* How the person at this desk has arranged it: kept in the browser at once, on the server soon after.
 *
 * The server's copy follows a person to another desk; the browser's stands in for it while the server cannot keep
 * anything, and says so. Until there is sign-in a person is the name given at the alarms.
 */
(() => {
  "use strict";

  const PREFIX = "control-room.desk.", SAVE_AFTER_MS = 700, AGAIN_MS = 30000, WITHIN_MS = 8000;
  const LEAST = 10, MOST = 80, BOTH_MOST = 85; // per cent; two columns together leave room for a map

  let usual = null, url = null, known = new Set(), layout = null, kept = null, person = null, timer = 0, turn = 0;
  let follow = () => {}, say = () => {};

  const place = () => PREFIX + (person ?? "").toLowerCase();
  const clone = (value) => JSON.parse(JSON.stringify(value));
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  /** What this build can show of a layout, whoever wrote it. */
  function fit(said) {
    const fitted = clone(usual);
    if (!isObject(said)) return fitted;
    if (["auto", "dark", "light"].includes(said.theme)) fitted.theme = said.theme;
    if (Array.isArray(said.panels)) fitted.panels = [...new Set(said.panels.filter((name) => known.has(name)))];
    if (Array.isArray(said.hidden)) fitted.hidden = said.hidden.filter((name) => ["detail", "panels", "time"].includes(name));
    if (Array.isArray(said.layers)) fitted.layers = said.layers.filter((name) => typeof name === "string");
    for (const name of Object.keys(fitted.sizes)) {
      const size = isObject(said.sizes) ? said.sizes[name] : undefined;
      if (Number.isFinite(size)) fitted.sizes[name] = Math.min(MOST, Math.max(LEAST, size));
    }
    const { alarms, detail } = fitted.sizes;
    if (alarms + detail > BOTH_MOST) fitted.sizes.detail = Math.max(LEAST, BOTH_MOST - alarms);
    if (fitted.sizes.alarms + fitted.sizes.detail > BOTH_MOST) fitted.sizes.alarms = BOTH_MOST - fitted.sizes.detail;
    return fitted;
  }

  /** {layout, saved_at} as this browser keeps it for that person; saved_at is null while the server has not got it. */
  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(place()));
      return isObject(found) && isObject(found.layout) ? found : null;
    } catch { return null; }
  }

  function write(savedAt) {
    kept = { layout, saved_at: savedAt };
    try { localStorage.setItem(place(), JSON.stringify(kept)); } catch { /* then it lasts as long as the page */ }
  }

  async function ask(options, query = "") {
    const answer = await fetch(url + query, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS), ...options });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error ?? `the server answered ${answer.status}`);
    return said;
  }

  const tell = (error) => say(`Layout kept on this screen only: ${error.name === "TimeoutError" || error.name === "TypeError" ? "the server does not answer" : error.message}.`);

  async function save() {
    clearTimeout(timer);
    if (person === "" || kept === null || kept.saved_at !== null) return;
    const mine = (turn += 1), sent = clone(layout);
    try {
      const { saved_at: savedAt } = await ask({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ person, layout: sent }) });
      if (mine !== turn) return;
      say("");
      if (JSON.stringify(sent) === JSON.stringify(layout)) write(savedAt);
    } catch (error) {
      if (mine !== turn) return;
      tell(error);
      timer = setTimeout(save, AGAIN_MS);
    }
  }

  /** The person's layout: the browser's at once, the server's where it is another. */
  async function load() {
    const before = layout, mine = (turn += 1), wasNobody = person === "";
    person = window.controlRoomCommands.name();
    kept = read();
    // Who gives a name after arranging the screen keeps what they see, unless they have another layout somewhere.
    const adopted = kept === null && wasNobody && before !== null;
    if (!adopted) use(fit(kept?.layout));
    if (person === "") return;
    try {
      const found = await ask({}, `?${new URLSearchParams({ person })}`);
      if (mine !== turn) return;
      say("");
      if (isObject(found.layout) && (kept === null || (kept.saved_at !== null && kept.saved_at !== found.saved_at))) {
        use(fit(found.layout));
        write(found.saved_at);
      } else if (adopted) { write(null); await save(); }
      else if (kept !== null && (kept.saved_at === null || found.layout === null)) { write(null); await save(); }
    } catch (error) { if (mine === turn) tell(error); }
  }

  function use(next) {
    layout = next;
    follow(layout);
  }

  window.controlRoomLayout = {
    /** Begins. `first`: the usual layout; `names`: panels there are; `apply` and `tellPerson` are called with each change. */
    begin(first, names, address, apply, tellPerson) {
      [usual, known, url, follow, say, layout, person] = [first, new Set(names), address, apply, tellPerson, null, null];
      load();
    },
    get: () => clone(layout),
    usual: () => clone(usual),
    /** Changes parts of it, at once here and soon on the server. */
    change(parts) {
      use(fit({ ...layout, ...parts }));
      write(null);
      clearTimeout(timer);
      timer = setTimeout(save, SAVE_AFTER_MS);
    },
    least: LEAST, most: MOST,
  };

  document.addEventListener("controlroom:name", () => { if (usual !== null) load(); });
  // The same person in another window of this browser.
  addEventListener("storage", (event) => { if (usual !== null && event.key === place()) { kept = read(); if (kept !== null) use(fit(kept.layout)); } });
  // A window that is closed within the pause has the layout in the browser; the next one hands it on.
  addEventListener("pagehide", () => clearTimeout(timer));
})();
