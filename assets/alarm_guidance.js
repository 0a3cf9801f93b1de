/* Beside the alarm list: what to do about one alarm, what is known of it, and what happened to it so far. */
(() => {
  "use strict";

  const PAGE = 30, WITHIN_MS = 8000, AGAIN_MS = 5000;

  let place = null, url = null, leave = null, key = null, last = null, notes = null;
  // The journal of the alarm that is open: as read when its newest event was `seq`.
  let journal = { seq: null, events: [], before: null, fault: "" };

  const element = (tag, properties, ...children) => window.controlRoomCommands.element(tag, properties, ...children);
  const clock = (iso) => window.controlRoom.clockText(Date.parse(iso)).slice(0, 5);
  const times = (count) => (count === 1 ? "once" : `${count.toLocaleString("en-GB")} times`);

  function age(iso) {
    const made = element("time", { className: "age" });
    if (iso === undefined) made.textContent = "time not known"; else made.dataset.since = String(Date.parse(iso));
    return made;
  }

  function open(next) {
    key = next;
    last = null;
    notes = key === null ? null : window.controlRoomBeside.make("alarm", key);
    journal = { seq: null, events: [], before: null, fault: "" };
  }

  /** Shows the alarm `next` (null: none). `about`: {row, guide, words, shape, title} or null once it has left the list. */
  function show(next, about) {
    if (next !== key) open(next);
    if (about !== null) last = about;
    if (key === null || last === null) {
      if (place.dataset.facts !== "none") place.replaceChildren(element("p", { className: "calm", textContent: "Enter, or a click on an alarm, shows what to do." }));
      place.dataset.facts = "none";
      return;
    }
    if (journal.seq !== (last.row.seq ?? 0)) load(null);
    const facts = JSON.stringify([last, about !== null, journal]);
    if (place.dataset.facts === facts) return;
    const focus = place.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined, top = place.scrollTop;
    place.dataset.facts = facts;
    // The notes stay where they are: somebody may be writing one.
    const [above, below] = build(last, about !== null);
    for (const node of [...place.childNodes]) if (node !== notes) node.remove();
    if (notes.parentNode !== place) place.append(notes);
    notes.before(...above);
    notes.after(...below);
    window.controlRoomBeside.look();
    place.scrollTop = top;
    if (focus !== undefined) (place.querySelector(`[data-focus="${focus}"]`) ?? place).focus({ preventScroll: true });
    window.controlRoom.writeAges(place);
  }

  function build({ row, guide, words, shape, title }, isListed) {
    const close = element("button", { type: "button", textContent: "Close (Esc)", className: "desk-close", onclick: leave });
    close.dataset.focus = "close";
    const picture = element("span", { className: `symbol symbol-${shape}` });
    picture.setAttribute("aria-hidden", "true");
    const state = element("p", { className: "desk-said" }, element("b", { textContent: row.priority ?? "priority not known" }),
      ` · ${isListed ? words : "no longer in the list"} · raised `, age(row.raised_at), " ago");
    const texts = [["Do", guide.action], ["Cause", guide.cause], ["If nobody acts", guide.consequence]].filter(([, text]) => text)
      .map(([name, text]) => element("section", { className: name === "Do" ? "desk-do" : "" }, element("h4", { textContent: name }), element("p", { textContent: text })));
    return [[close, element("h3", {}, picture, title), state, ...texts, buildLinks(row)], [buildFacts(row, guide), ...buildJournal()]];
  }

  function buildFacts(row, guide) {
    const facts = [
      ["Read", row.value],
      ["Respond by", row.respond_by && clock(row.respond_by)],
      ["Owner", guide.owner],
      ["Handled by", row.assigned_to],
      ["Acknowledged", row.acknowledged_by && `by ${row.acknowledged_by}${row.acknowledged_at ? ` at ${clock(row.acknowledged_at)}` : ""}`],
      ["Back to normal", row.cleared_at && clock(row.cleared_at)],
      ["Shelved", row.shelved_until && `until ${clock(row.shelved_until)}${row.shelved_by ? ` by ${row.shelved_by}` : ""}`],
      ["Why put aside", row.put_aside_why],
      ["Comment", row.comment && `${row.comment}${row.commented_by ? ` (${row.commented_by})` : ""}`],
      ["No data since", row.no_data_since && clock(row.no_data_since)],
      ["Raised", row.occurrences && times(row.occurrences)],
      ["Escalated", row.level && times(row.level)],
      ["Place", row.locality],
      ["Feed", row.feed],
      ["Rule", row.rule],
    ].filter(([, text]) => text);
    return element("dl", {}, ...facts.map(([name, text]) => element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: text }))));
  }

  /** Addresses of ours only: a text that came with a row never becomes another. */
  function buildLinks(row) {
    const links = element("p", { className: "desk-links" });
    const add = (text, href, focus) => {
      // One window for all of them: on a second screen the map follows what the list is about.
      const made = element("a", { href, target: "control-room-view", rel: "noopener", textContent: text });
      made.dataset.focus = focus;
      links.append(made);
    };
    const place = placeOf(row), raised = row.raised_at === undefined ? NaN : Date.parse(row.raised_at);
    if (place !== null) add("On the map", `/wall?${new URLSearchParams(place)}`, "map");
    if (Number.isFinite(raised)) add(`The moment it was raised, ${clock(row.raised_at)}`, momentOf(row, raised, place), "moment");
    if (row.screen && /^\/(?!\/)/.test(row.screen) && row.screen !== "/wall") add("Its screen", row.screen, "screen");
    return links;
  }

  /** What of an address shows the place of an alarm on the map: its vehicle, its cell, else its position; null where none is known. */
  function placeOf(row) {
    if (row.row_kind === "vehicle" && row.row_key) return { follow: row.row_key };
    if (row.row_kind === "cell" && row.row_key) return { cell: row.row_key };
    if (row.row_kind === "request" && row.row_key) return { request: row.row_key };
    if (row.latitude !== undefined && row.longitude !== undefined) return { at: `${row.latitude},${row.longitude}` };
    return null;
  }

  /** The timeline at that moment, with the alarm marked and its vehicle, cell or place on the map. There `at` is the moment, and a place is `where`. */
  function momentOf(row, raised, place) {
    const { at: where, ...shown } = place ?? {};
    if (where !== undefined) shown.where = where;
    return `/timeline?${new URLSearchParams({ at: new Date(raised).toISOString().replace(".000Z", "Z"), alarm: row.alarm_key, ...shown })}`;
  }

  function buildJournal() {
    const parts = [element("h4", { textContent: "What happened" })];
    if (journal.fault !== "") parts.push(element("p", { className: "desk-said", textContent: journal.fault }));
    parts.push(element("ol", { className: "desk-journal" }, ...journal.events.map(buildEvent)));
    if (journal.before !== null) {
      const more = element("button", { type: "button", textContent: "Earlier", onclick: () => load(journal.before) });
      more.dataset.focus = "earlier";
      parts.push(more);
    }
    return parts;
  }

  /** "14:03:12 acknowledged by Anna: on my way". */
  function buildEvent({ at, what, by, why, facts }) {
    const moment = Date.parse(at), to = facts.to ? ` to ${facts.to}` : "", until = facts.until ? ` until ${clock(facts.until)}` : "";
    return element("li", {}, element("time", { textContent: `${dayOf(moment)}${window.controlRoom.clockText(moment)}` }), " ",
      element("b", { textContent: what.replaceAll("_", " ") }), `${to}${until}${by === "engine" ? "" : ` by ${by}`}${why ? `: ${why}` : ""}`);
  }

  /** The day, where it is not today's. */
  function dayOf(moment) {
    const now = window.controlRoom.serverNow(), text = window.controlRoom.dateText(moment);
    return now === null || text === window.controlRoom.dateText(now) ? "" : `${text}, `;
  }

  async function load(before) {
    const wanted = key, seq = last.row.seq ?? 0;
    // At once, or every renewal until the answer would ask again.
    journal = { ...journal, seq, fault: "" };
    let said = null, fault = "";
    try {
      const query = new URLSearchParams({ alarm: wanted, limit: String(PAGE), ...(before === null ? {} : { before: String(before) }) });
      const answer = await fetch(`${url}?${query}`, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
      said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
    } catch (error) {
      fault = `The journal could not be read: ${error.message || "no answer"}.`;
      said = null;
    }
    if (wanted !== key) return;
    if (said === null) {
      journal = { ...journal, fault };
      setTimeout(() => { if (wanted === key && journal.fault !== "") load(before); }, AGAIN_MS);
    } else journal = { seq, fault, before: said.before, events: before === null ? said.events : [...journal.events, ...said.events] };
    show(key, last);
  }

  window.controlRoomGuidance = {
    show,
    /** Where it stands, where the journal is read, and what leaves it. */
    attach(where, journalUrl, close) { [place, url, leave] = [where, journalUrl, close]; open(null); },
  };
})();
