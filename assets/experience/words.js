/* Texts of one language at a time, with plural forms, numbers and times as that language has them.
 *
 * The catalogue is the one that the sentences are made from (control_room/public/words); it comes as JSON. Numbers and
 * plural forms are the browser's, by the same Unicode rules as the server's.
 */

const REFRESH_WITHIN_MS = 3000; // after that what is known will do: a visitor waits no longer
const LOCALES = { en: "en-GB", cy: "cy-GB" };

export class Words {
  constructor(languages) {
    this.languages = languages; // [[code, name], …]
    this.language = languages[0][0];
    this.texts = {};
    this.content = {};
    this.zone = "Europe/London";
    this.kept = new Map();
  }

  /** Texts and stories of a language; kept, so that a change back needs no network. Throws where they cannot be had. */
  async use(language) {
    if (!this.kept.has(language)) {
      const [texts, content] = await Promise.all(["words", "content"].map((what) => fetchJson(`/experience/${what}/${language}.json`)));
      this.kept.set(language, { texts, content });
    }
    const { texts, content } = this.kept.get(language);
    this.language = language;
    this.texts = texts;
    this.content = content;
    const locale = this.locale = LOCALES[language] ?? language;
    this.plural = new Intl.PluralRules(locale);
    this.number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  }

  /** The stories of the language in use as they are now; those kept stay where they cannot be had. */
  async refresh() {
    const { language } = this;
    try { this.kept.get(language).content = await fetchJson(`/experience/content/${language}.json`, REFRESH_WITHIN_MS); } catch { return; }
    if (language === this.language) this.content = this.kept.get(language).content;
  }

  /** Whether the texts have come; until then nothing can be said, not even a number. */
  get areHere() { return Object.keys(this.texts).length > 0; }

  has(key) { return key in this.texts; }

  /** The text of a key; its own name where it is missing, which the tests of every screen look for. */
  say(key, values = {}) {
    const text = this.texts[key];
    if (text === undefined) return `[${key}]`;
    return this.fill(text, values);
  }

  /** A text or its plural forms, with values in its braces; `count` chooses the form. */
  fill(text, values = {}) {
    let form = text;
    if (typeof text === "object" && text !== null) {
      const count = values.count;
      form = count === 0 && text.none !== undefined ? text.none : text[this.plural.select(count)] ?? text.other;
    }
    return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? this.write(values[name]) : whole));
  }

  write(value) {
    return typeof value === "number" ? this.count(value) : value instanceof Date ? this.moment(value) : String(value);
  }

  count(value) { return (Math.abs(value) >= 10 ? this.whole : this.number).format(value); }

  /** A time of day: "3:10 in the afternoon", and on the hour "3 in the afternoon". */
  moment(date) {
    try {
      // h12, not hour12: that is "0:00 noon" in Great Britain.
      const minute = date.getUTCMinutes() === 0 ? undefined : "2-digit";
      const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: this.zone }).format(date);
      if (clock === "00:00" && this.has("span.midnight")) return `12 ${this.say("span.midnight")}`; // for which browsers have no word
      return new Intl.DateTimeFormat(this.locale, { hour: "numeric", minute, hourCycle: "h12", dayPeriod: "short", timeZone: this.zone }).format(date);
    } catch { return date.toISOString().slice(11, 16); }
  }

  /** A day given as 2026-11-23: "23 November 2026". */
  day(iso) {
    const date = new Date(`${iso}T12:00:00Z`);
    return Number.isNaN(date.getTime()) ? iso : new Intl.DateTimeFormat(this.locale, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(date);
  }

  /** Writes every text that the page names, below a part of it. */
  apply(root) {
    for (const found of root.querySelectorAll("[data-words]")) found.textContent = this.say(found.dataset.words);
    for (const found of root.querySelectorAll("[data-label]")) found.setAttribute("aria-label", this.say(found.dataset.label));
  }
}

export async function fetchJson(address, withinMs = 20000) {
  const answer = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(withinMs) });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}
