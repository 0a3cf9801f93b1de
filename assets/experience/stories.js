/* What the content files say (control_room/public/content), as the screens want it; and figures with where they are from. */

import { make } from "./page.js";

/** How full a battery is drawn, by its band. */
export const BATTERY = { low: 0.2, half: 0.5, full: 0.9 };

/** Where a figure or a sentence is from, in words. Nothing where nobody has to say. */
export function sourceLine(words, { source, as_of: asOf }) {
  if (!source) return "";
  if (source === "sandbox") return words.say("label.sandbox");
  if (source === "live") return words.say("label.source_live");
  return [words.say("label.source", { source }), asOf ? words.say("label.as_of", { as_of: asOf }) : ""].join(". ").trim();
}

/** A figure as the screens may tell it: what was counted in a made-up city, or reckoned from such a count, is made up. */
export const honest = (figure, simulated) => (simulated && (figure.source === "live" || figure.since !== null) ? { ...figure, source: "sandbox", as_of: null } : figure);

/** Whether a figure says something: it is known, and not "at least none". */
export const isTold = (figure) => Boolean(figure) && figure.value !== null && !(figure.at_least && figure.value === 0);

/** One figure as a line: the number large, what it counts, and its source. Null where it is not known. */
export function figureLine(words, name, figure) {
  if (!isTold(figure) || !words.has(`figure.${name}`)) return null;
  const number = words.count(figure.value);
  return make("p", { class: "figure" },
    make("b", { text: figure.at_least ? words.say("figure.at_least", { number }) : number }),
    make("span", { text: words.say(`figure.${name}`, { count: figure.value }) }),
    make("small", { text: sourceLine(words, figure) }));
}

/** The first story about a kind: {title, short, figures, source, as_of}; null where there is none. */
export const findStory = (content, kind) => content?.stories?.find((story) => story.about === kind) ?? null;

/** Figures of a story that the council has published, as lines. */
export function listPublished(words, story) {
  const known = words.content?.figures ?? {};
  return (story?.figures ?? []).filter((name) => name in known).map((name) => {
    const { text, words: counts, source, as_of } = known[name];
    return make("p", { class: "figure" }, make("b", { text }), make("span", { text: counts }), make("small", { text: sourceLine(words, { source, as_of }) }));
  });
}

/** The steps that explain a kind: [{part, text}]; `part` is the id of what a step points at in the picture. */
export const listSteps = (content, kind) => content?.how?.[kind]?.steps ?? [];

export const pictureOf = (content, kind) => content?.how?.[kind]?.picture ?? kind;

/** Questions that can be asked now, each {id, question, options, right, answer, source, as_of}. */
export const listQuestions = (content) => (content?.quiz ?? []).filter(({ options, right }) => Array.isArray(options) && options[right] !== undefined);
