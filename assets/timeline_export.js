/* "Export incident": from … to as a zip that opens in any copy of the product, with pictures of the map at chosen moments.
 *
 * Frames, panels, alarms and journal come from the server; pictures are taken here, of what the map then shows.
 */
(() => {
  "use strict";

  const AROUND_MS = 5 * 60000, SEEK_WITHIN_MS = 15000, SERVER_WITHIN_MS = 180000, KEEP_URL_MS = 60000;
  const times = () => window.controlRoomTimes;
  const element = (tag, properties = {}, ...children) => window.controlRoomCommands.element(tag, properties, ...children);

  let isBusy = false;

  async function open(root, on) {
    const { held } = window.controlRoomTrack, now = on.edge(), at = on.at();
    if (isBusy) { on.say("An export is under way."); return; }
    if (at === null || held.from === null) { on.say("Nothing has been recorded yet."); return; }
    const { momentField, dialog } = window.controlRoomTimeForms, wasLive = on.isLive();
    const from = momentField("From, in the city's time", Math.max(held.from, at - AROUND_MS), held.from, now);
    const to = momentField("To", Math.min(now, at + AROUND_MS), held.from, now);
    const order = () => { const [a, b] = [from.read(), to.read()]; if (a !== null && b !== null) to.input.setCustomValidity(b <= a ? "The end must lie after the beginning" : ""); };
    for (const field of [from, to]) field.input.addEventListener("input", order);
    const box = (text, checked) => { const input = element("input", { type: "checkbox", checked }); return [element("label", { className: "desk-once" }, input, ` ${text}`), input]; };
    const hasMap = window.controlRoomMap?.map() !== null && window.controlRoomMap !== undefined;
    const choices = [["at the beginning", false, () => from.read()], [wasLive ? "of now" : `at ${times().moment(at, now)}, which is shown`, true, () => at], ["at the end", false, () => to.read()]]
      .map(([text, checked, moment]) => { const [row, input] = box(text, checked && hasMap); return { row, input, moment }; });
    const pictures = element("fieldset", { className: "time-pictures" }, element("legend", { textContent: hasMap ? "Pictures of the map, as it stands on this screen" : "Pictures are taken on screens with a map" }), ...(hasMap ? choices.map((c) => c.row) : []));
    const notice = element("p", { className: "desk-said", textContent: "The file holds positions of vehicles and names of operators: give it to nobody who may not see this screen." });
    if (!(await dialog(root, "Export an incident", [from.row, to.row, pictures, notice], "Export"))) return;
    const [a, b] = [from.read(), to.read()];
    const moments = [...new Set(hasMap ? choices.filter((c) => c.input.checked).map((c) => c.moment()).filter((ms) => ms !== null) : [])].sort((x, y) => x - y);
    await make(root, on, a, b, moments, wasLive ? null : at);
  }

  async function make(root, on, a, b, moments, back) {
    isBusy = true;
    root.dataset.exporting = "1";
    try {
      on.say("The incident is being put together…");
      const asked = ask(root.dataset.export, a, b);
      asked.catch(() => {}); // awaited below; a picture may fail before
      const files = [];
      for (const [i, moment] of moments.entries()) {
        on.say(`Picture ${i + 1} of ${moments.length} is being taken…`);
        files.push({ name: `pictures/${times().toAddress(moment).replaceAll(":", "")}.png`, bytes: await picture(on, moment), at: moment });
      }
      if (moments.length > 0) { if (back === null) on.live(); else on.go(back); }
      const zip = await asked, whole = files.length === 0 ? zip.blob : await window.controlRoomZip.add(zip.blob, files);
      save(whole, zip.name ?? `incident-${times().toAddress(a).replaceAll(":", "")}.zip`);
      on.say(`Exported: ${times().moment(a, on.now())} to ${times().moment(b, on.now())}, ${(whole.size / 1e6).toFixed(1)} MB${files.length > 0 ? `, with ${files.length} picture${files.length === 1 ? "" : "s"}` : ""}.`);
    } catch (error) {
      on.say(`The export failed: ${error.message || "no answer"}.`);
    } finally {
      isBusy = false;
      delete root.dataset.exporting;
    }
  }

  async function ask(url, a, b) {
    const answer = await fetch(`${url}?${new URLSearchParams({ from: String(Math.round(a)), to: String(Math.round(b)) })}`, { cache: "no-store", signal: AbortSignal.timeout(SERVER_WITHIN_MS) });
    if (!answer.ok) {
      const text = await answer.text();
      let said = null;
      try { said = JSON.parse(text); } catch { /* the gate answers in plain words */ }
      throw new Error(said?.error || text.trim().slice(0, 200) || `the server answered ${answer.status}`);
    }
    const name = /filename="?([\w.+-]+)"?/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
    return { blob: await answer.blob(), name };
  }

  /** Goes to that moment and takes the map as it is then painted. */
  async function picture(on, moment) {
    const shown = new Promise((resolve, reject) => {
      const timer = setTimeout(() => { document.removeEventListener("controlroom:settled", done); reject(new Error("a moment to be pictured was not shown in time")); }, SEEK_WITHIN_MS);
      function done() { clearTimeout(timer); document.removeEventListener("controlroom:settled", done); resolve(); }
      document.addEventListener("controlroom:settled", done);
    });
    on.go(moment);
    await shown;
    const caption = `${document.getElementById("mode-mark")?.textContent.includes("SANDBOX") ? "SANDBOX · " : ""}${times().time(moment)}, ${times().date(moment)} · recorded`;
    const blob = await window.controlRoom.picture(caption);
    if (blob === null) throw new Error("the map could not be pictured");
    return new Uint8Array(await blob.arrayBuffer());
  }

  function save(blob, name) {
    const url = URL.createObjectURL(blob), link = element("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), KEEP_URL_MS);
  }

  window.controlRoomExport = { open };
})();
