/* What the content files say (control_room/public/content), as the screens want it; and figures with where they are from. */

import { make } from "./page.js";

/** Where a figure or a sentence is from, in words. Nothing where nobody has to say. */
export function sourceLine(words, { source, as_of: asOf }) {
  if (!source) return "";
  if (source === "sandbox") return words.say("label.sandbox_why");
  if (source === "live") return words.say("label.source_live");
  return [words.say("label.source", { source }), asOf ? words.say("label.as_of", { as_of: asOf }) : ""].join(". ").trim();
}

/** One figure as a line: the number large, what it counts, and its source. Null where it is not known. */
export function figureLine(words, name, figure) {
  if (!figure || figure.value === null || !words.has(`figure.${name}`)) return null;
  const number = words.count(figure.value);
  return make("p", { class: "figure" },
    make("b", { text: figure.at_least ? words.say("figure.at_least", { number }) : number }),
    make("span", { text: words.say(`figure.${name}`, { count: figure.value }) }),
    make("small", { text: sourceLine(words, figure) }));
}

/** The story of a kind's trial: {title, purpose, paragraphs, figures}; empty where there is none. */
export function listStory(content, kind) {
  return content?.stories?.find?.((story) => story.about === kind) ?? {};
}
