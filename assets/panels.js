/* Renews a panel: a Dash component tree (html components only) patched into the page's own nodes.
 *
 * Why not `dash_clientside.set_props`: it walks the whole layout and renders the panel anew, about
 * 25 ms of the main thread a time; this takes under a millisecond, and what did not change is not touched,
 * so nothing flickers and a screen reader is not interrupted. Panels have no callbacks, which is why it may.
 */
(() => {
  "use strict";

  const NAMES = { className: "class", tabIndex: "tabindex", colSpan: "colspan", rowSpan: "rowspan" };
  const PLAIN = /^(id|title|scope|role|lang|hidden|datetime|dir)$|^(data|aria)-[a-z-]+$/;
  const TAGS = new Set(("A Article Aside B Caption Code Dd Div Dl Dt Em Footer H2 H3 H4 Header I Li Main Ol P Section Small Span "
    + "Strong Sub Sup Table Tbody Td Tfoot Th Thead Time Tr Ul").split(" "));

  const asList = (children) => (Array.isArray(children) ? children : children === null || children === undefined ? [] : [children])
    .flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

  function attributes(props) {
    const found = new Map();
    for (const [name, value] of Object.entries(props)) {
      const attribute = NAMES[name] || (PLAIN.test(name) ? name : null);
      if (attribute !== null && value !== null && value !== false) found.set(attribute, value === true ? "" : String(value));
      // A link of ours only: a title a supplier wrote must never become an address.
      if (name === "href" && /^\/(?!\/)/.test(String(value))) found.set("href", String(value));
    }
    return found;
  }

  function patchElement(element, component) {
    const props = component.props || {}, wanted = attributes(props);
    // data-age-state is the page's own: it follows from data-since, not from the server. So is what data-own names.
    const own = (wanted.get("data-own") || "").split(" ").concat(wanted.has("data-since") ? "data-age-state" : []);
    for (const [name, value] of wanted) if (element.getAttribute(name) !== value && !own.includes(name)) element.setAttribute(name, value);
    for (const name of element.getAttributeNames()) if (!wanted.has(name) && !own.includes(name)) element.removeAttribute(name);
    // The text of an age is the page's as well, and so are the notes about a thing.
    if (!wanted.has("data-since") && !wanted.has("data-notes-kind")) patch(element, props.children);
  }

  function make(component) {
    const element = document.createElement(component.type.toLowerCase());
    patchElement(element, component);
    return element;
  }

  const keyOf = (child) => (typeof child === "object" ? child.props?.["data-key"] : undefined);

  /** Elements by their `data-key`: a row that goes on being wanted keeps its node, wherever it now stands. */
  function patchKeyed(parent, wanted) {
    const held = new Map(), focused = document.activeElement;
    for (const element of [...parent.childNodes]) {
      const key = element.dataset?.key;
      if (key === undefined || held.has(key) || !wanted.some((child) => keyOf(child) === key)) element.remove();
      else held.set(key, element);
    }
    let node = parent.firstChild;
    for (const child of wanted) {
      if (!TAGS.has(child.type)) throw new Error(`a panel holds ${child.namespace}.${child.type}; panels are made of plain html components`);
      const same = held.get(keyOf(child));
      const element = same !== undefined && same.localName === child.type.toLowerCase() ? same : make(child);
      if (element === same) patchElement(element, child);
      else if (same !== undefined) { if (node === same) node = same.nextSibling; same.remove(); }
      if (element === node) node = node.nextSibling;
      else parent.insertBefore(element, node);
    }
    if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** Makes the children of `parent` what the component (or list, or text) says. */
  function patch(parent, children) {
    const wanted = asList(children);
    if (wanted.length > 0 && wanted.every((child) => keyOf(child) !== undefined)) { patchKeyed(parent, wanted); return; }
    let node = parent.firstChild;
    for (const child of wanted) {
      const next = node === null ? null : node.nextSibling;
      if (typeof child !== "object") {
        const text = String(child);
        if (node !== null && node.nodeType === Node.TEXT_NODE) { if (node.data !== text) node.data = text; }
        else if (node === null) parent.appendChild(document.createTextNode(text));
        else parent.replaceChild(document.createTextNode(text), node);
      } else if (!TAGS.has(child.type)) {
        throw new Error(`a panel holds ${child.namespace}.${child.type}; panels are made of plain html components`);
      } else if (node !== null && node.nodeType === Node.ELEMENT_NODE && node.localName === child.type.toLowerCase()) {
        patchElement(node, child);
      } else if (node === null) {
        parent.appendChild(make(child));
      } else {
        parent.replaceChild(make(child), node);
      }
      node = next;
    }
    while (node !== null) {
      const next = node.nextSibling;
      parent.removeChild(node);
      node = next;
    }
  }

  window.controlRoomPanels = { patch };
})();
