/* The desk's detail: guidance of an alarm, or the card of a vehicle, a cell, a request: whatever was picked last.
 *
 * A card is asked for anew while it is shown; what cannot be renewed stays, under a line that says since when.
 */
(() => {
  "use strict";

  const RENEW_MS = 5000, WITHIN_MS = 8000, WORLD = 256 * 2 ** 18;
  const PLACES = ["place", "road", "stop"], AT_ZOOM = { place: 14, road: 13.5, cell: 14.5, alarm: 15 };

  let url = null, followed = null, thing = null, asked = 0, timer = 0, failedSince = null, before = null;

  const byId = (id) => document.getElementById(id);

  function reveal(what) {
    byId("work-nothing").hidden = what !== null;
    byId("alarm-guidance").hidden = what !== "alarm";
    byId("work-thing").hidden = what !== "thing";
  }

  /** An alarm was opened (its guidance is made by alarm_desk.js) or closed. */
  function showAlarm(isOpen) {
    if (!isOpen && byId("alarm-guidance").hidden) return; // something else stands there by now
    stop();
    reveal(isOpen ? "alarm" : null);
  }

  function stop() {
    clearTimeout(timer);
    asked += 1;
    thing = null;
  }

  function show(kind, key) {
    if (thing === null) before = document.activeElement;
    stop();
    thing = { kind, key };
    failedSince = null;
    const isVehicle = kind === "vehicle";
    byId("work-card").replaceChildren();
    byId("work-card").hidden = byId("work-now").hidden = isVehicle;
    byId("panel-vehicle").hidden = !isVehicle;
    byId("work-fault").hidden = byId("work-show").hidden = true;
    reveal("thing");
    // A vehicle's card comes by the channel, each second, for whichever is followed.
    if (!isVehicle) renew();
  }

  async function renew() {
    clearTimeout(timer);
    const mine = (asked += 1), { kind, key } = thing;
    const fault = byId("work-fault");
    try {
      const answer = await fetch(`${url}?${new URLSearchParams({ kind, key })}`, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const card = await answer.json();
      if (mine !== asked) return;
      window.controlRoomPanels.patch(byId("work-card"), card);
      failedSince = null;
      fault.hidden = true;
    } catch (error) {
      if (mine !== asked) return;
      failedSince ??= window.controlRoom.serverNow();
      const since = failedSince === null ? "" : ` since ${window.controlRoom.clockText(failedSince)}`;
      fault.textContent = `This card has not been renewed${since}: ${error instanceof TypeError || error.name === "TimeoutError" ? "no answer" : error.message}.`;
      fault.hidden = false;
    }
    window.controlRoom.writeAges(byId("work-card"));
    byId("work-show").hidden = placeOf() === null;
    timer = setTimeout(() => { if (thing !== null && document.visibilityState === "visible") renew(); else if (thing !== null) timer = setTimeout(renew, RENEW_MS); }, RENEW_MS);
  }

  function placeOf() {
    const { latitude, longitude } = byId("work-card").firstElementChild?.dataset ?? {};
    return latitude === undefined ? null : [Number(latitude), Number(longitude)];
  }

  /** The map there, marked. */
  function showOnMap() {
    const place = placeOf();
    if (place === null) return;
    const [latitude, longitude] = place, s = Math.sin((latitude * Math.PI) / 180);
    const x = ((longitude + 180) / 360) * WORLD, y = (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * WORLD;
    const label = byId("work-card").querySelector("h3")?.textContent ?? thing.key;
    if (window.controlRoomMap?.show) window.controlRoomMap.show(x, y, 15, label);
    else window.controlRoomMap?.map()?.setView(place, 15, { animate: false });
  }

  function close() {
    if (thing === null) return;
    if (thing.kind === "vehicle") { followed = null; window.controlRoom.follow(null); }
    stop();
    reveal(null);
    if (before?.isConnected) before.focus({ preventScroll: true });
  }

  window.controlRoomDeskDetail = {
    attach(address) {
      url = address;
      byId("work-show").addEventListener("click", showOnMap);
      byId("work-close").addEventListener("click", close);
      byId("work-thing").addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.defaultPrevented) { event.preventDefault(); close(); } });
      reveal(null);
    },
    show,
    close,
  };

  /** Picked on the map, in a list, or found: {kind, key}. */
  function take({ detail }) {
    if (byId("work-thing") === null || url === null || !detail) return;
    const { kind } = detail, key = detail.key ?? detail.id ?? null;
    if (kind === "alarm") {
      if (detail.from === "list") showAlarm(key !== null);
      else if (key !== null) window.controlRoomAlarmDesk.open(String(key));
    } else if (typeof kind === "string" && key !== null) show(kind, String(key));
  }
  document.addEventListener("controlroom:picked", take);

  // Found: the map goes there, and what has a card shows it. What is a page (a feed, a screen) is opened by the search.
  document.addEventListener("controlroom:found", (event) => {
    const { kind, key, label, x, y } = event.detail ?? {};
    if (url === null || byId("work-thing") === null || ["feed", "screen"].includes(kind)) return;
    event.preventDefault();
    if (kind === "vehicle") window.controlRoom.follow(String(key));
    if (Number.isFinite(x) && Number.isFinite(y)) window.controlRoomMap?.show?.(x, y, AT_ZOOM[kind] ?? 16, label);
    if (!PLACES.includes(kind)) take(event);
  });
  // A vehicle that the address or another part of the screen follows.
  document.addEventListener("controlroom:card", ({ detail }) => {
    const id = detail?.id ?? null;
    if (url === null || byId("work-thing") === null || id?.startsWith("@") || id === followed) return;
    followed = id;
    if (id !== null && thing?.key !== id) show("vehicle", id);
  });
})();
