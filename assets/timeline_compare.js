/* Two moments side by side: counts in numbers, alarms that came and went, and the words of panels that differ. */
(() => {
  "use strict";

  const WITHIN_MS = 15000, MOST_ROWS = 25, MOST_CHANGES = 12;
  // What people compare first; those that the screen shows come on top.
  const PANELS = ["fleet", "feed_table", "network", "requests", "transport"];
  const SHAPES = { unacknowledged: "on", returned: "back", acknowledged: "acked", latched: "latched", normal: "acked" };
  const times = () => window.controlRoomTimes;
  const element = (tag, properties = {}, ...children) => window.controlRoomCommands.element(tag, properties, ...children);
  const count = (n) => n.toLocaleString("en-GB");
  const words = (text) => String(text ?? "not known").replaceAll("_", " ");

  let asked = 0, parts = null;

  function begin(drawer, at, isLive, on, close) {
    const now = on.now(), said = element("p", {}), body = element("div", {});
    const made = element("button", { type: "button", textContent: "Close (Esc)", className: "time-close", onclick: close });
    said.setAttribute("role", "status");
    said.textContent = `Compared with ${times().moment(at, now)}${isLive ? ", which was LIVE" : ""}. Now choose the other moment on the bar; this one keeps its dashed mark.`;
    parts = { said, body };
    drawer.replaceChildren(made, element("h3", { textContent: "Two moments" }), said, body);
    drawer.hidden = false;
    drawer.tabIndex = 0;
    drawer.setAttribute("role", "region");
    drawer.setAttribute("aria-label", "Two moments compared");
  }

  function end(drawer) { asked += 1; parts = null; drawer.replaceChildren(); drawer.hidden = true; }

  /** Asks for what differs and shows it; the newest question counts. */
  async function show(drawer, url, second, at, on) {
    if (parts === null || Math.abs(second - at) < 1000) return;
    const mine = (asked += 1), [a, b] = [Math.min(second, at), Math.max(second, at)], now = on.now();
    drawer.dataset.waiting = "1";
    let said = null, fault = "";
    try {
      const shown = [...document.querySelectorAll("[id^=panel-]")].map((panel) => panel.id.slice(6)).filter((name) => !["alarms", "alarm_list", "feeds"].includes(name));
      const query = new URLSearchParams({ a: String(Math.round(a)), b: String(Math.round(b)), panels: [...new Set([...PANELS, ...shown])].slice(0, 20).join(",") });
      const answer = await fetch(`${url}?${query}`, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
      const text = await answer.text();
      try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
      if (!answer.ok || said === null) throw new Error(said?.error || text.trim().slice(0, 200) || `the server answered ${answer.status}`);
    } catch (error) { [said, fault] = [null, error.message || "no answer"]; }
    if (mine !== asked || parts === null) return;
    delete drawer.dataset.waiting;
    if (said === null) { parts.said.textContent = `The two moments cannot be compared: ${fault}.`; return; }
    const gaps = [said.a.gap, said.b.gap].filter(Boolean).length;
    parts.said.textContent = `${times().moment(a, now)} and ${times().moment(b, now)}, ${times().span(b - a)} apart.${gaps > 0 ? " One of them lies in a gap of the record: what stood before the gap is compared." : ""}`;
    parts.body.replaceChildren(...build(said, a, b, now));
  }

  function build(said, a, b, now) {
    const { vehicles, alarms, panels } = said, [from, to] = [times().time(a), times().time(b)];
    return [
      element("h4", { textContent: "On the map" }), buildNumbers(vehicles, from, to),
      element("p", { textContent: `${count(vehicles.came)} came, ${count(vehicles.left)} left, ${count(vehicles.changed_state)} changed state, ${count(vehicles.moved)} moved by more than ${vehicles.moved_over_m} m.` }),
      element("h4", { textContent: "Alarms" }), ...buildAlarms(alarms),
      ...Object.entries(panels).flatMap(([name, panel]) => buildPanel(name, panel)),
    ];
  }

  function buildNumbers(vehicles, from, to) {
    const row = (name, before, after) => {
      const by = after - before, made = element("tr", {}, element("th", { scope: "row", textContent: name }), ...[count(before), count(after), by === 0 ? "same" : `${by > 0 ? "▲" : "▼"} ${count(Math.abs(by))}`]
        .map((textContent) => element("td", { className: "is-number", textContent })));
      if (by === 0) made.dataset.same = "1";
      return made;
    };
    const head = element("tr", {}, ...["", from, to, "Change"].map((textContent, i) => element(i === 0 ? "td" : "th", { textContent, className: i === 0 ? "" : "is-number" })));
    for (const cell of head.querySelectorAll("th")) cell.scope = "col";
    const rows = [row("Vehicles", vehicles.a, vehicles.b), ...Object.entries(vehicles.states).map(([word, n]) => row(words(word), n.a, n.b))];
    return element("table", { className: "time-table" }, element("caption", { className: "unseen", textContent: "Vehicles on the map at both moments" }), element("thead", {}, head), element("tbody", {}, ...rows));
  }

  function buildAlarms(alarms) {
    if (alarms === null) return [element("p", { className: "unknown", textContent: "— the list of alarms was not recorded at one of the moments" })];
    const { began, ended, changed } = alarms;
    if (began.length + ended.length + changed.length === 0) return [element("p", { textContent: `No difference: ${count(alarms.same)} in the list at both.` })];
    const item = (word, row) => {
      const picture = element("span", { className: `symbol symbol-alarm-${row.priority ?? "highest"}-${SHAPES[row.state] ?? "aside"}` });
      picture.setAttribute("aria-hidden", "true");
      return element("li", {}, picture, element("b", { textContent: word }), ` ${row.priority ?? "priority not known"} · ${row.title ?? row.id}${row.was ? ` · was ${words(row.was)}, then ${words(row.state)}` : ""}`);
    };
    const items = [...began.map((row) => item("came", row)), ...ended.map((row) => item("gone", row)), ...changed.map((row) => item("changed", row))];
    const more = items.length - MOST_ROWS;
    return [element("p", { textContent: `${count(began.length)} came, ${count(ended.length)} gone, ${count(changed.length)} changed, ${count(alarms.same)} the same.` }),
      element("ul", { className: "time-changes" }, ...items.slice(0, MOST_ROWS)), ...(more > 0 ? [element("p", { textContent: `And ${count(more)} more.` })] : [])];
  }

  const titleOf = (name) => document.getElementById(`heading-${name}`)?.textContent || words(name).replace(/^./, (first) => first.toUpperCase());

  function buildPanel(name, panel) {
    const title = element("h4", { textContent: titleOf(name) });
    if (panel.differs === null) return [title, element("p", { className: "unknown", textContent: "— not recorded at one of the moments" })];
    if (!panel.differs || panel.changes.length === 0) return [title, element("p", { className: "calm", textContent: "The same." })];
    const item = ({ after, a, b }) => element("li", {}, ...(after === "" ? [] : [element("span", { className: "calm", textContent: `${after}: ` })]), element("span", { textContent: a.join(" ") || "nothing" }), " → ", element("b", { textContent: b.join(" ") || "nothing" }));
    const more = Math.max(0, panel.changes.length - MOST_CHANGES) + panel.more;
    return [title, element("ul", { className: "time-changes" }, ...panel.changes.slice(0, MOST_CHANGES).map(item)), ...(more > 0 ? [element("p", { textContent: `And ${count(more)} more places.` })] : [])];
  }

  window.controlRoomCompare = { begin, end, show };
})();
