/* Times as people at the time bar read and write them: in the city's clock, whatever this computer's is. */
(() => {
  "use strict";

  const S = 1000, MIN = 60 * S, H = 60 * MIN, DAY = 24 * H;
  const formats = new Map();
  let zone = "Europe/London";

  function format(fields) {
    const key = `${zone} ${JSON.stringify(fields)}`;
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: zone, hourCycle: "h23" }));
    return formats.get(key);
  }

  const HMS = { hour: "2-digit", minute: "2-digit", second: "2-digit" }, HM = { hour: "2-digit", minute: "2-digit" };
  const DATE = { weekday: "short", day: "numeric", month: "short" };
  const time = (ms) => format(HMS).format(ms);
  const minute = (ms) => format(HM).format(ms);
  const date = (ms) => format(DATE).format(ms).replace(",", "");

  /** The day as well, where it is not that of `now`. */
  const moment = (ms, now) => (date(ms) === date(now) ? time(ms) : `${time(ms)}, ${date(ms)}`);

  /** Wall clock of the city as if it were UTC: what must be added to UTC to get it. */
  function offset(ms) {
    const parts = Object.fromEntries(format({ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" })
      .formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(ms / S) * S;
  }

  /** Value of a datetime-local field for that moment. */
  const toField = (ms) => new Date(Math.floor(ms / S) * S + offset(ms)).toISOString().slice(0, 19);

  /** Moments (ms) at which the city's clock shows the value of a datetime-local field: one; none or two in the nights when clocks change. */
  function fromField(text) {
    const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
    if (found === null) return [];
    const [y, mo, d, h, mi, s] = found.slice(1).map((part) => Number(part ?? 0));
    const wall = Date.UTC(y, mo - 1, d, h, mi, s);
    const tries = [wall - offset(wall - DAY), wall - offset(wall + DAY)];
    return [...new Set(tries)].filter((ms) => ms + offset(ms) === wall).sort((a, b) => a - b);
  }

  /** "45 s", "12 min", "1 h 4 min", "2 d 3 h": how long that is. */
  function span(ms) {
    const s = Math.round(Math.abs(ms) / S);
    if (s < 60) return `${s} s`;
    if (s < 3600) return s < 600 && s % 60 > 0 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.round(s / 60)} min`;
    const minutes = Math.round(s / 60);
    if (minutes < 1440) return minutes % 60 > 0 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
    const hours = Math.round(minutes / 60);
    return hours % 24 > 0 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
  }

  /** A moment in an address: "2026-11-23T08:15:00Z" as ms; null where it is none (a place, `?at=52.04,-0.75`, is none). */
  function fromAddress(text) {
    if (text === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return null;
    const ms = Date.parse(text);
    return Number.isFinite(ms) ? ms : null;
  }
  const toAddress = (ms) => new Date(Math.round(ms / S) * S).toISOString().replace(".000", "");

  /** What the server said of a moment: ms, or a text of ISO 8601. */
  const asMs = (value) => (typeof value === "number" ? value : Date.parse(value));

  /** Distances between the ticks of a bar that shows so much, and whether every n-th is the name of an hour. */
  const TICKS = [[15 * MIN, MIN], [H, 5 * MIN], [6 * H, 30 * MIN], [Infinity, 2 * H]];
  const tickOf = (spanMs) => TICKS.find(([most]) => spanMs <= most)[1];

  /** Ticks of the city's clock between two moments, on its own full minutes and hours. */
  function ticks(from, to, spanMs) {
    const step = tickOf(spanMs), found = [];
    // By the clock on the wall: in the nights when it changes, an hour of it is passed over or comes twice.
    for (let at = Math.ceil((from + offset(from)) / step) * step - offset(from); at <= to; at += step) {
      const shown = (at + offset(at)) % step === 0 ? at : at - ((at + offset(at)) % step);
      if (shown >= from && shown !== found.at(-1)) found.push(shown);
    }
    return found;
  }

  window.controlRoomTimes = {
    S, MIN, H, DAY, time, minute, date, moment, span, toField, fromField, fromAddress, toAddress, asMs, ticks,
    setZone(name) { zone = name; },
  };
})();
