/* The panels a person has chosen for the desk: a frame each, in their order, and the topics that fill them.
 *
 * A frame has its size from the start and scrolls by itself: what comes into it moves nothing beside it.
 */
(() => {
  "use strict";

  let place = null, always = [], titles = new Map(), shown = [];
  // Frames that were taken away: the server sends a panel that comes again only where it has changed since.
  const aside = new Map();

  const element = (tag, properties, ...children) => window.controlRoomCommands.element(tag, properties, ...children);

  function skeleton() {
    const made = element("div", { className: "skeleton" }, element("span", { className: "unseen", textContent: "On its way." }));
    for (let n = 0; n < 6; n += 1) {
      const line = element("span", { className: `skeleton-line skeleton-${n % 4}` });
      line.setAttribute("aria-hidden", "true");
      made.append(line);
    }
    return made;
  }

  function build(name) {
    const heading = `heading-${name}`;
    const made = element("section", { className: "panel-frame work-panel", tabIndex: 0 },
      element("h2", { id: heading, textContent: titles.get(name) }),
      element("div", { id: `panel-${name}`, className: `panel panel-${name}` }, skeleton()));
    made.dataset.panel = name;
    made.setAttribute("aria-labelledby", heading);
    return made;
  }

  const topicsOf = (names) => [...always, ...names.map((name) => `panel:${name}`)];
  const tell = () => window.controlRoom?.showPanels(topicsOf(shown).filter((topic) => topic !== "map").map((topic) => topic.replace("panel:", "")));
  // A layout that came from the server while the channel was only beginning is told once it has begun.
  document.addEventListener("controlroom:panel", () => { if (place !== null && shown !== null) tell(); }, { once: true });

  window.controlRoomDeskPanels = {
    /** `where` they stand, the topics that are always wanted, and [name, title] of all there are. */
    attach(where, topics, all) { [place, always, titles, shown] = [where, topics, new Map(all), null]; },
    topicsOf,
    /** Shows these, in this order; one that goes on being shown keeps its frame and what is in it. */
    show(names) {
      if (shown !== null && names.join() === shown.join()) return;
      const held = new Map([...place.querySelectorAll(".work-panel")].map((made) => [made.dataset.panel, made]));
      const isFirst = shown === null;
      if (isFirst || shown.length === 0) place.replaceChildren();
      for (const [name, made] of held) if (!names.includes(name)) { made.remove(); aside.set(name, made); }
      names.forEach((name, at) => {
        const made = held.get(name) ?? aside.get(name) ?? build(name);
        if (place.children[at] !== made) place.insertBefore(made, place.children[at] ?? null);
      });
      if (names.length === 0) place.append(element("p", { className: "calm", textContent: "No panel is chosen: Arrange… puts some here." }));
      const others = shown === null || [...names].sort().join() !== [...shown].sort().join();
      shown = [...names];
      // Before the channel has begun its element carries the topics; after that it is told of others.
      if (isFirst) document.getElementById("live").dataset.topics = topicsOf(names).join();
      if (others) tell();
    },
  };
})();
