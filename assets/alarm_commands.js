/* What an operator does to alarms, told to the server and believed only once it is confirmed.
 *
 * A command is written durably before it is answered. An answer that does not come, or that refuses, is a
 * failure that stays on the screen until somebody has dismissed it; it is never swallowed, never assumed.
 */
(() => {
  "use strict";

  const WITHIN_MS = 12000; // the server gives up at 10 s, and says so
  const AT_ONCE = 400; // ids in one request: a body holds 64 kB
  const SHOWN_MS = 10000;
  const NAME = "control-room.name";

  const DONE = { acknowledge: "acknowledged", comment: "commented", assign: "assigned", shelve: "shelved", unshelve: "unshelved",
    out_of_service: "taken out of service", in_service: "put into service", reset: "reset" };
  const VERB = { acknowledge: "acknowledge", comment: "comment on", assign: "assign", shelve: "shelve", unshelve: "unshelve",
    out_of_service: "take out of service", in_service: "put into service", reset: "reset" };

  let failures = null, confirmed = null, url = null, hidden = 0;

  const plural = (count) => `${count.toLocaleString("en-GB")} alarm${count === 1 ? "" : "s"}`;

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  /** The answer to one request; throws a sentence. `unsure` where it may have been done all the same. */
  async function post(command) {
    let answer;
    try {
      answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(command),
        signal: AbortSignal.timeout(WITHIN_MS), cache: "no-store" });
    } catch {
      const error = new Error("No confirmation came. It may or may not have been done: look at the list, then try again.");
      error.unsure = true;
      throw error;
    }
    let said = null;
    const text = await answer.text().catch(() => "");
    try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
    if (!answer.ok) throw new Error(said?.error || text.trim().slice(0, 300) || `the server answered ${answer.status}`);
    if (said === null || !Array.isArray(said.done)) throw new Error("The server's answer could not be read. Look at the list.");
    return said;
  }

  /** Sends a command; true when every alarm of it is confirmed or was so before.
   *
   * options: why, for_s, once, to. titles: id -> title, for sentences about one alarm.
   */
  async function send(action, alarms, options, by, titles) {
    const done = [], already = [], refused = [];
    try {
      for (let i = 0; i < alarms.length; i += AT_ONCE) {
        const said = await post({ action, alarms: alarms.slice(i, i + AT_ONCE), by, ...options });
        done.push(...said.done);
        already.push(...said.already);
        refused.push(...said.refused);
      }
    } catch (error) {
      const some = done.length > 0 ? ` ${plural(done.length)} of ${alarms.length} were ${DONE[action]} before.` : "";
      const rest = alarms.slice(done.length + already.length + refused.length);
      fail(`Could not ${VERB[action]} ${name(rest, titles)}. ${sentence(error.message)}${some}`, () => send(action, rest, options, by, titles));
      return false;
    }
    if (refused.length > 0) {
      const reasons = [...new Set(refused.map((r) => r.why))].slice(0, 3).map(sentence).join(" ");
      fail(`Could not ${VERB[action]} ${name(refused.map((r) => r.alarm), titles)}. ${reasons}`, null);
    }
    if (done.length > 0) confirm(`Confirmed: ${name(done, titles)} ${DONE[action]}.`);
    else if (already.length > 0) confirm(`${name(already.map((a) => a.alarm ?? a), titles)}: ${sentence(already[0].why ?? "it was so before")}`);
    return refused.length === 0;
  }

  const sentence = (text) => { const t = String(text).trim(); return t === "" ? "" : t[0].toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? "" : "."); };
  const name = (ids, titles) => (ids.length === 1 ? `“${titles.get(ids[0]) ?? ids[0]}”` : plural(ids.length));

  function confirm(text) {
    clearTimeout(hidden);
    confirmed.textContent = text;
    hidden = setTimeout(() => { confirmed.textContent = ""; }, SHOWN_MS);
  }

  function fail(text, again) {
    const line = element("div", { className: "desk-failure" }, element("span", { className: "symbol symbol-failing" }), element("p", { textContent: text }));
    const leave = () => { const focus = line.contains(document.activeElement); line.remove(); if (focus) document.dispatchEvent(new CustomEvent("controlroom:desk-focus")); };
    if (again !== null) line.append(element("button", { type: "button", textContent: "Try again", onclick: () => { leave(); again(); } }));
    line.append(element("button", { type: "button", textContent: "Dismiss", onclick: leave }));
    line.firstChild.setAttribute("aria-hidden", "true");
    failures.append(line);
  }

  window.controlRoomCommands = {
    element,
    send,
    /** Where confirmations and failures are said. */
    attach(failing, confirming, address) {
      [failures, confirmed, url] = [failing, confirming, address];
      failures.setAttribute("role", "alert");
      confirmed.setAttribute("role", "status");
    },
    /** The name of the person at this desk; empty before it was given. */
    name: () => localStorage.getItem(NAME) ?? "",
    rename(text) {
      localStorage.setItem(NAME, text.trim().slice(0, 80));
      document.dispatchEvent(new CustomEvent("controlroom:name"));
    },
  };
})();
