/* Small hands for the page. Whatever comes from outside goes in as text, never as markup. */

export const find = (id) => document.getElementById(id);

export function make(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

/** A text in its place; written only where it is another, so that nothing is read out twice. */
export function say(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text;
}

const pictures = new Map();
let copies = 0;

/** A drawing of ours as an SVG element; null where it cannot be had. Its scripts, if any ever came in, are left behind. */
export async function drawing(name) {
  if (!/^[a-z0-9-]+$/.test(name)) return null;
  if (!pictures.has(name)) {
    pictures.set(name, fetch(`/assets/experience/pictures/${name}.svg`).then((answer) => (answer.ok ? answer.text() : null)).catch(() => null));
  }
  const text = await pictures.get(name);
  if (text === null) { pictures.delete(name); return null; }
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return null;
  for (const found of svg.querySelectorAll("script, foreignObject")) found.remove();
  // Its own title and description are English; the page says them in its language.
  for (const part of ["title", "desc"]) svg.querySelector(part)?.setAttribute("data-words", `drawing.${name}.${part}`);
  nameParts(svg, copies += 1);
  return document.importNode(svg, true);
}

/** Ids of this copy's own: two copies of a drawing in one page would share gradients, and lose them with the first that hides.
 *  A part is found by its class, which is its id in the file. */
function nameParts(svg, copy) {
  for (const part of svg.querySelectorAll("[id]")) {
    part.classList.add(part.id);
    part.id += `-${copy}`;
  }
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    for (const attribute of element.attributes) {
      const { name, value } = attribute;
      if (name === "href" && value.startsWith("#")) attribute.value = `${value}-${copy}`;
      else if (value.startsWith("url(#")) attribute.value = value.replace(")", `-${copy})`);
      else if (name === "aria-labelledby") attribute.value = value.split(" ").map((id) => `${id}-${copy}`).join(" ");
    }
  }
}
