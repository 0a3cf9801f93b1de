/* /handover: the sheet of the shift, what is done with it, and all handovers before.
 *
 * Nothing counts before the server has written it down. A command carries a number of its own, so sending it again
 * does no harm. What is half written stays in this tab, whatever is renewed round it. All text is written as text.
 */
(() => {
  "use strict";

  const WITHIN_MS = 12000, DRAFT_EVERY_MS = 30000, AGAIN_MS = 5000;
  const KEPT = "control-room.handover."; // what is half written, in this tab alone
  const HOW = [["face_to_face", "Talked over face to face"], ["by_telephone", "Talked over by telephone"], ["read_alone", "Read alone, not talked over"]];
  const STATES = { waiting: "waits to be accepted", questioned: "a question waits for its answer", accepted: "accepted", withdrawn: "withdrawn", replaced: "replaced" };

  let place = null, parts = null, state = null, shown = null, revision = null, drafted = 0, turn = 0, timer = 0, times = null;
  let earlier = { sheets: [], more: null }; // handovers before those of `state`, as far as somebody went back

  const { element } = window.controlRoomCommands;
  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const press = (words, act, main = false) => element("button", { type: "button", className: main ? "press press-main" : "press", textContent: words, onclick: act });
  const person = () => parts.name.value.trim();
  const same = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();
  const when = (iso) => times.format(new Date(iso));
  const clock = (iso) => window.controlRoom.clockText(Date.parse(iso));

  // Asking and telling

  async function ask(path) {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) });
    const text = await answer.text();
    let said = null;
    try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
    if (!answer.ok || said === null) throw new Error(said?.error ?? (text.trim().slice(0, 300) || `the server answered ${answer.status}`));
    return said;
  }

  const reason = (error) => (error instanceof TypeError || error.name === "TimeoutError" ? "the server does not answer" : error.message);
  const number = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

  /** One request: null once it is written down, else {text, again, refused}: what to say, whether the same one may be sent again. */
  async function post(order) {
    let answer;
    try {
      answer = await fetch("/handover/commands", { method: "POST", headers: { "content-type": "application/json" }, cache: "no-store",
        body: JSON.stringify(order), signal: AbortSignal.timeout(WITHIN_MS) });
    } catch {
      return { text: "No confirmation came. It may or may not have been done; trying again does no harm.", again: true, refused: false };
    }
    const text = await answer.text().catch(() => "");
    let said = null;
    try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
    if (answer.ok && Array.isArray(said?.done)) return null;
    const why = said?.error ?? (text.trim().replace(/^\d+: /, "").slice(0, 300) || answer.status);
    return { text: `Not done: ${why}.`, again: answer.status >= 500, refused: answer.status === 409 };
  }

  /** Tells the server. Once it is written down `words` are said and `done` runs: at once, for the page is renewed only later. */
  async function tell(order, words, done, again = null) {
    const by = person();
    if (by === "") {
      fail("Write your name first: it stands beside what you do.", null);
      parts.name.focus();
      return;
    }
    window.controlRoomCommands.rename(by);
    const command = again ?? number();
    write(parts.said, "Being written…");
    const failed = await post({ ...order, by, command });
    if (failed !== null) {
      write(parts.said, "");
      fail(failed.text, failed.again ? () => tell(order, words, done, command) : null);
      if (failed.refused) renew();
      return;
    }
    write(parts.said, `Confirmed: ${words}.`);
    done();
    await renew();
  }

  function fail(text, again) {
    const line = element("div", { className: "desk-failure" }, element("span", { className: "symbol symbol-failing" }), element("p", { textContent: text }));
    line.firstChild.setAttribute("aria-hidden", "true");
    const leave = () => { const had = line.contains(document.activeElement); line.remove(); if (had) parts.name.focus(); };
    if (again !== null) line.append(press("Try again", () => { leave(); again(); }));
    line.append(press("Dismiss", leave));
    parts.failures.append(line);
  }

  // Forms

  function field(label, input, note = "") {
    const id = `handover-${Math.random().toString(36).slice(2)}`;
    input.id = id;
    const made = element("div", { className: "handover-field" }, element("label", { htmlFor: id, textContent: label }), input);
    if (note !== "") {
      const said = element("span", { className: "reason", id: `${id}-note`, textContent: note });
      input.setAttribute("aria-describedby", said.id);
      made.append(said);
    }
    return made;
  }

  /** A text of several lines that outlasts a reload of this tab until it was sent. */
  function area(name, rows, longest, required) {
    const input = element("textarea", { rows, maxLength: longest, required, name });
    input.value = sessionStorage.getItem(KEPT + name) ?? "";
    input.addEventListener("input", () => sessionStorage.setItem(KEPT + name, input.value));
    return input;
  }

  function clear(...inputs) {
    for (const input of inputs) { input.value = ""; sessionStorage.removeItem(KEPT + input.name); }
  }

  /** A form whose button is off while it is being written. */
  function form(title, fields, words, act) {
    const button = element("button", { type: "submit", className: "press press-main", textContent: words });
    const made = element("form", { className: "handover-form" }, element("h3", { textContent: title }), ...fields, element("div", { className: "handover-buttons" }, button));
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      try { await act(); } finally { button.removeAttribute("aria-disabled"); }
    });
    return made;
  }

  const privacy = () => `Others read it, and it is kept ${Number(place.dataset.days) > 0 ? `for ${place.dataset.days} days` : "for ever"}: write nothing personal about residents, and no health matters of anybody.`;

  function makeSign(replaces) {
    const first = area("first", 3, 4000, true), work = area("work", 3, 4000, false), watch = area("watch", 2, 4000, false);
    const fields = [
      field("What must the next shift know first?", first, "Where it is nothing, say so."),
      field("Work under way", work, "Who was called, what was agreed, what is still open."),
      field("What to watch, and until when", watch),
      element("p", { className: "reason", textContent: privacy() }),
    ];
    const words = replaces === null ? "Sign and hand over" : `Sign in place of handover ${replaces}`;
    const made = form(replaces === null ? `Hand over the ${state.handed.name} shift` : `Sign another in place of handover ${replaces}`, fields, words, async () => {
      const order = { do: "sign", first: first.value, work: work.value, watch: watch.value };
      if (replaces !== null) order.replaces = replaces;
      await tell(order, "signed; it waits to be accepted", () => { clear(first, work, watch); parts.title.focus(); });
    });
    made.dataset.form = `sign ${replaces ?? ""}`;
    return made;
  }

  function makeText(sheet, what, title, label, words, confirmed) {
    const input = area(`${what}-${sheet.number}`, 2, 1000, true);
    const made = form(title, [field(label, input)], words, async () => {
      await tell({ do: what, sheet: sheet.number, text: input.value }, confirmed, () => { clear(input); parts.title.focus(); });
    });
    made.dataset.form = `${what} ${sheet.number}`;
    return made;
  }

  function makeAccept(sheet) {
    const choices = HOW.map(([value, words]) => element("label", {}, element("input", { type: "radio", name: "how", value, required: true }), ` ${words}`));
    const how = element("fieldset", {}, element("legend", { textContent: "How was it handed over?" }), ...choices);
    const text = area(`accept-${sheet.number}`, 2, 1000, false);
    const made = form(`Take over from ${sheet.signed_by}`, [how, field("Remark (need not be)", text)], "I have read it and take over", async () => {
      const chosen = how.querySelector(":checked").value;
      const order = { do: "accept", sheet: sheet.number, sha256: shown.sha256, how: chosen, text: text.value, read: shown.entries.length };
      if (shown.number !== sheet.number) { fail("Another handover is shown. Read this one first.", null); return; }
      await tell(order, `handover ${sheet.number} accepted`, () => { clear(text); parts.title.focus(); });
    });
    made.dataset.form = `accept ${sheet.number}`;
    return made;
  }

  /** The forms that fit how it stands. One that stays keeps its node, and what is written in it. */
  function writeForms() {
    const wanted = [];
    const alone = place.dataset.sheet ? state.sheets.find((s) => s.number === Number(place.dataset.sheet)) : null;
    const open = alone ?? (state.waiting === null ? null : state.sheets.find((s) => s.number === state.waiting));
    const add = (key, make) => wanted.push([key, make]);
    if (open && ["waiting", "questioned"].includes(open.state)) {
      const mine = same(person(), open.signed_by);
      if (mine) {
        if (open.state === "questioned") add(`answer ${open.number}`, () => makeText(open, "answer", "Answer the question", "Your answer", "Answer", "answered"));
        add(`add ${open.number}`, () => makeText(open, "add", "Add to what you signed", "What you signed stays as it is; this stands beside it.", "Add", "added"));
        add(`withdraw ${open.number}`, () => makeText(open, "withdraw", "Withdraw it", "Why?", "Withdraw", "withdrawn"));
      } else {
        add(`accept ${open.number}`, () => makeAccept(open));
        add(`question ${open.number}`, () => makeText(open, "question", "Ask before you take over", `What do you want to know of ${open.signed_by}?`, "Ask", "asked"));
      }
      if (alone === null && !mine) add(`sign ${open.number}`, () => fold("Nobody takes it over?", makeSign(open.number)));
    } else if (open) {
      add(`add ${open.number}`, () => makeText(open, "add", "Add to this handover", "What was signed stays as it is; this stands beside it.", "Add", "added"));
    } else {
      add("sign ", () => makeSign(null));
    }
    const held = new Map([...parts.forms.children].map((node) => [node.dataset.form, node]));
    const nodes = wanted.map(([key, make]) => { const node = held.get(key) ?? make(); node.dataset.form = key; return node; });
    if (nodes.length !== parts.forms.children.length || nodes.some((node, i) => parts.forms.children[i] !== node)) parts.forms.replaceChildren(...nodes);
  }

  function fold(words, inside) {
    return element("details", {}, element("summary", { textContent: words }), inside);
  }

  // What is shown

  function writeState() {
    const { running, waiting, sheets } = state;
    const now = `${running.name} shift, until ${when(running.ends)}.`;
    const sheet = sheets.find((s) => s.number === waiting);
    const last = sheets.find((s) => s.state === "accepted");
    const before = last ? `Last accepted: handover ${last.number}, by ${last.accepted_by}, ${when(last.accepted_at)}.` : "No handover has been accepted here yet.";
    write(parts.now, `${now} ${sheet ? `Handover ${sheet.number}, signed by ${sheet.signed_by}, ${when(sheet.signed_at)}: ${STATES[sheet.state]}.` : before}`);
    parts.now.dataset.state = sheet?.state ?? "";
    writePast();
    writeForms();
    window.controlRoomNotes?.show(parts.notes, { open: state.notes, ended: state.ended, when, tell, field, form, area, clear, privacy, press });
  }

  /** The handovers before those that are listed. */
  async function fetchEarlier() {
    const listed = [...state.sheets, ...earlier.sheets];
    try {
      const more = await ask(`/handover/sheets?before=${listed.at(-1).number}`);
      earlier = { sheets: [...earlier.sheets, ...more.sheets], more: more.sheets_more };
      writePast();
      const links = parts.past.querySelectorAll("tbody a");
      links[listed.length]?.focus();
    } catch (error) {
      fail(`Earlier handovers cannot be read: ${reason(error)}.`, null);
    }
  }

  function writePast() {
    // What was read further back stays listed; the newest ones may have moved into it.
    const newest = new Set(state.sheets.map((sheet) => sheet.number));
    const sheets = [...state.sheets, ...earlier.sheets.filter((sheet) => !newest.has(sheet.number))];
    const left = earlier.more ?? state.sheets_more;
    const rows = sheets.map((sheet) => {
      const link = element("a", { href: `/handover?sheet=${sheet.number}`, textContent: `${sheet.number}` });
      if (String(sheet.number) === place.dataset.sheet) link.setAttribute("aria-current", "page");
      const head = element("th", { scope: "row" }, link);
      const accepted = sheet.accepted_at === null ? STATES[sheet.state] : `${sheet.accepted_by}, ${when(sheet.accepted_at)}`;
      return element("tr", {}, head, ...[sheet.shift.name, `${sheet.signed_by}, ${when(sheet.signed_at)}`, accepted].map((textContent) => element("td", { textContent })));
    });
    const heads = ["No.", "Shift", "Signed by", "Accepted by"].map((textContent) => element("th", { scope: "col", textContent }));
    const more = left > 0 ? ` The newest ${sheets.length} of ${sheets.length + left}.` : "";
    const kept = Number(place.dataset.days) > 0 ? `Kept for ${place.dataset.days} days.` : "Kept for ever.";
    const note = element("p", { className: "reason", textContent: `${kept}${more}` });
    const focused = parts.past.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    parts.past.replaceChildren(element("h2", { textContent: "Handovers" }),
      ...(rows.length === 0 ? [element("p", { className: "none", textContent: "none yet" })]
        : [element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))]), note, ...(left > 0 ? [press("Earlier", fetchEarlier)] : []));
    if (focused !== null) [...parts.past.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused)?.focus();
  }

  async function renew() {
    clearTimeout(timer);
    const mine = (turn += 1);
    try {
      const next = await ask("/handover/state");
      if (mine !== turn || place === null) return;
      state = next;
      const wanted = place.dataset.sheet ?? (state.waiting === null ? "draft" : String(state.waiting));
      const found = await ask(`/handover/sheet?number=${wanted}`);
      if (mine !== turn || place === null) return;
      shown = found.told ?? { number: null, sha256: null, entries: [] };
      drafted = Date.now();
      window.controlRoomPanels.patch(parts.sheet, found.sheet);
      parts.print.hidden = wanted === "draft";
      parts.file.hidden = parts.moment.hidden = wanted === "draft";
      if (found.told) parts.moment.href = `/timeline?at=${new Date(found.told.signed_at).toISOString().replace(/\.\d+Z$/, "Z")}`;
      parts.file.href = `/handover/file?number=${wanted}`;
      parts.file.download = `handover-${wanted}${place.dataset.simulated === "yes" ? "-sandbox" : ""}.json`;
      write(parts.fault, "");
      write(parts.age, wanted === "draft" ? `As it stood at ${clock(state.now)}; renewed while you look.` : "");
      writeState();
      timer = setTimeout(renew, DRAFT_EVERY_MS);
    } catch (error) {
      if (mine !== turn || place === null) return;
      write(parts.age, "");
      const since = drafted === 0 ? "" : ` What stands here is from ${when(drafted)}.`;
      write(parts.fault, `Not renewed: ${reason(error)}.${since}`);
      timer = setTimeout(renew, AGAIN_MS);
    }
  }

  function build(found) {
    place = found;
    const day = { timeZone: place.dataset.zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const format = new Intl.DateTimeFormat("en-GB", day);
    times = { format: (at) => format.format(at).replace(",", "") };
    parts = {
      name: element("input", { type: "text", maxLength: 80, autocomplete: "name", value: window.controlRoomCommands.name() }),
      title: element("h2", { tabIndex: -1, className: "unseen", textContent: place.dataset.sheet ? `Handover ${place.dataset.sheet}` : "Handing over" }),
      now: element("p", { className: "handover-now" }), said: element("p", { className: "handover-message" }), fault: element("p", { className: "handover-fault" }), age: element("p", { className: "reason" }),
      failures: element("div", { className: "handover-failures" }), forms: element("div", { className: "handover-forms" }),
      sheet: element("div", { className: "handover-sheet" }), notes: element("section", { className: "handover-notes" }), past: element("section", { className: "handover-past" }),
      print: press("Print", () => window.print()), file: element("a", { textContent: "As signed (JSON)", hidden: true }), moment: element("a", { textContent: "That moment on the timeline", hidden: true }),
    };
    parts.said.setAttribute("role", "status");
    parts.fault.setAttribute("role", "status");
    parts.failures.setAttribute("role", "alert");
    parts.print.hidden = true;
    parts.name.addEventListener("input", () => { if (state !== null) writeForms(); });
    parts.name.addEventListener("change", () => window.controlRoomCommands.rename(person()));
    const back = place.dataset.sheet ? [element("a", { href: "/handover", textContent: "To the handover of now" })] : [];
    const tools = element("div", { className: "handover-tools" }, parts.print, parts.file, parts.moment, ...back, parts.age, parts.fault);
    const left = element("div", { className: "handover-left" }, tools, parts.sheet);
    const right = element("div", { className: "handover-right" }, field("Your name", parts.name, "As the others know it. It is not proven: there is no sign-in yet."),
      parts.said, parts.failures, parts.forms, parts.notes, parts.past);
    place.replaceChildren(parts.title, parts.now, element("div", { className: "handover-body" }, left, right));
    renew();
  }

  window.controlRoomHandover = { post, number };

  document.addEventListener("controlroom:panel", (event) => {
    const found = document.getElementById("handover");
    if (found === null) { place = null; return; }
    if (event.detail.name !== "handover") return;
    event.preventDefault();
    const next = event.detail.children?.props?.["data-revision"] ?? "";
    if (found !== place) { revision = next; build(found); }
    else if (next !== revision) { revision = next; renew(); }
  });
  document.addEventListener("controlroom:name", () => {
    if (place === null || parts === null || parts.name === document.activeElement) return;
    parts.name.value = window.controlRoomCommands.name();
    if (state !== null) writeForms();
  });
})();
