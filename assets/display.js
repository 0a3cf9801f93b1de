/* A display's own side: which display this is, and what it does when it is told to.
 *
 * Identity. A machine on a wall must be the same display after a restart of its browser, and two tabs of one
 * browser must be two. So the browser's profile (localStorage) keeps a list of identities, a tab (sessionStorage)
 * remembers which of them is its own, and a tab that is alive holds a lock on it: a new tab takes the first that
 * nobody holds, or makes another. A browser that was killed holds no locks, so it is who it was. Where the page
 * was served without encryption browsers give no locks; then a note with the time, renewed every few seconds, stands
 * for one. `?display=<id>` in the address comes before all, for kiosks whose profile is wiped at each start.
 *
 * Orders come over the live channel (docs/live-protocol.md) from /admin/screens. A display obeys those it knows, goes
 * to addresses of our own list only, and says what became of each.
 */
(() => {
  "use strict";

  const LIST = "control-room.displays", MINE = "control-room.display", LEASE = "control-room.display-held.";
  const ID = /^[A-Za-z0-9_-]{4,64}$/;
  const MOST = 20; // identities a profile remembers
  const LEASE_MS = 15000, RENEW_MS = 5000;
  // The page before this one in the same tab lets go of its lock a moment late, on a busy machine a second; only a
  // duplicated tab waits for as long as this.
  const RELOADED_WITHIN_MS = 4000;
  const LEAVES_WITHIN_MS = 3000, SENT_MS = 150;
  const NAMED_MS = 6000;

  const root = document.documentElement;
  const places = new Set((root.dataset.places ?? "").split(" ").filter(Boolean));
  let hidden = 0;

  // Identity

  function read(storage, key) { try { return storage.getItem(key); } catch { return null; } }
  function write(storage, key, value) { try { storage.setItem(key, value); } catch { /* a browser that keeps nothing: a visitor each time */ } }

  function listKnown() {
    let found = [];
    try { found = JSON.parse(read(localStorage, LIST) ?? "[]"); } catch { /* begun anew */ }
    return Array.isArray(found) ? found.filter((id) => typeof id === "string" && ID.test(id)).slice(0, MOST) : [];
  }

  function makeId() {
    return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Holds the identity for as long as this page lives; false where another tab holds it. */
  function hold(id, withinMs) {
    if (navigator.locks === undefined) return Promise.resolve(lease(id));
    return new Promise((resolve) => {
      const options = withinMs > 0 ? { signal: AbortSignal.timeout(withinMs) } : { ifAvailable: true };
      navigator.locks.request(`control-room.display.${id}`, options, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => {}); // until the page is gone
      }).catch(() => resolve(false));
    });
  }

  function lease(id) {
    const held = Number(read(localStorage, LEASE + id) ?? 0), age = Date.now() - held;
    if (age >= 0 && age < LEASE_MS) return false;
    const renew = () => write(localStorage, LEASE + id, String(Date.now()));
    renew();
    setInterval(renew, RENEW_MS);
    addEventListener("pagehide", () => write(localStorage, LEASE + id, "0"));
    addEventListener("pageshow", renew);
    return true;
  }

  async function identify() {
    const given = new URLSearchParams(location.search).get("display");
    if (given !== null && ID.test(given)) { write(sessionStorage, MINE, given); return given; }
    const before = read(sessionStorage, MINE), known = listKnown();
    // A duplicated tab has a copy of the other's memory; the lock tells them apart.
    if (before !== null && ID.test(before) && (!known.includes(before) || await hold(before, RELOADED_WITHIN_MS))) return before;
    for (const id of known) {
      if (id !== before && await hold(id, 0)) { write(sessionStorage, MINE, id); return id; }
    }
    const made = makeId();
    await hold(made, 0);
    write(localStorage, LIST, JSON.stringify([...listKnown(), made].slice(-MOST)));
    write(sessionStorage, MINE, made);
    return made;
  }

  // Orders

  function isOurs(address) {
    if (typeof address !== "string" || !/^\/(?![/\\])[\x20-\x7e]*$/.test(address) || address.includes("\\")) return false;
    let url;
    try { url = new URL(address, location.origin); } catch { return false; }
    if (url.origin !== location.origin) return false;
    const path = url.pathname.replace(/\/$/, "") || "/";
    return places.has(path) || (places.has("/wall/*") && /^\/wall\/[A-Za-z0-9_-]+$/.test(path));
  }

  /** The name over the whole screen: seen from across the room, and gone by itself. */
  function show(name, words, ms) {
    clearTimeout(hidden);
    document.getElementById("display-name")?.remove();
    const sheet = document.createElement("div"), large = document.createElement("p"), small = document.createElement("p");
    sheet.id = "display-name";
    sheet.className = "display-name";
    sheet.setAttribute("role", "status");
    large.textContent = name;
    small.textContent = words;
    // A long name is set smaller rather than broken.
    large.style.setProperty("--letters", String(Math.max(6, name.length)));
    sheet.append(large, small);
    document.body.append(sheet);
    hidden = setTimeout(() => sheet.remove(), ms);
  }

  /** Once what was just put on the page has been painted. */
  const painted = () => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });

  const deeds = {
    async identify({ name, for_s: forS }) {
      show(name, "This is its name at /admin/screens.", Math.min(60, Number(forS) || 15) * 1000);
      await painted();
      return "done";
    },
    async rename({ name }) {
      show(name, "This display has this name from now on.", NAMED_MS);
      await painted();
      return "done";
    },
    async reload() { return "under_way"; },
    async go({ address }) {
      if (!isOurs(address)) throw new Error("that address is no screen of ours");
      return "under_way";
    },
  };

  /** Once the worker has handed the answer to that order to its socket; after a while without. */
  const passed = (order) => new Promise((resolve) => {
    const hear = (event) => { if (event.detail.order === order) done(); };
    const done = () => { document.removeEventListener("controlroom:passed", hear); clearTimeout(timer); resolve(); };
    const timer = setTimeout(done, LEAVES_WITHIN_MS);
    document.addEventListener("controlroom:passed", hear);
  });

  const leave = { reload: () => location.reload(), go: ({ address }) => location.assign(address) };

  document.addEventListener("controlroom:order", async (event) => {
    const told = event.detail, answer = (result, why = "") => window.controlRoom.obeyed(told.order, result, why);
    if (!Object.hasOwn(deeds, told.do)) { answer("refused", "this page does not know that order"); return; }
    // A hidden page gets no frames; it says so rather than claim to have shown something.
    if (document.visibilityState !== "visible" && !(told.do in leave)) { answer("refused", "its page is not visible"); return; }
    try {
      const result = await deeds[told.do]({ ...told, name: String(told.name ?? "").slice(0, 80) });
      const said = told.do in leave ? passed(told.order) : null;
      answer(result);
      // The answer leaves through a worker; a page that is gone sends nothing.
      said?.then(() => setTimeout(() => leave[told.do](told), SENT_MS));
    } catch (error) {
      answer("refused", String(error.message).slice(0, 200));
    }
  });

  window.controlRoomDisplay = {
    /** The identity, once it is known; null only before that. */
    id: null,
    ready: identify().catch(() => null).then((id) => { window.controlRoomDisplay.id = id; return id; }),
    isOurs,
  };
})();
