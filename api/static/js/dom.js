// Elements from data. Text goes in as text nodes and never as markup, so nothing a document, a file name or a
// model says can become an element; the page's policy (Trusted Types) forbids the other way altogether.

const SVG = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "open", "selected", "indeterminate", "tabIndex"]);
const ADDRESSES = new Set(["href", "src"]);
const OWN_ADDRESS = /^(#|\/(?![/\\])|blob:)/;

/**
 * Make an element: `h("button", {class: "quiet", onclick: save, "aria-label": "Save"}, icon("check"), "Save")`.
 * Children may be strings, numbers, nodes, arrays of them; null, undefined and false are left out.
 * `style` is an object of CSS properties, `data` an object of data attributes, `on…` a function.
 * Addresses outside this origin (and `javascript:`) are refused with a TypeError.
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG elements. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Replace everything in `parent`. */
export function put(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(shown).map(node));
  return parent;
}

/** Add to the end of `parent`. */
export function add(parent, ...children) {
  parent.append(...children.flat(Infinity).filter(shown).map(node));
  return parent;
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  return add(element, ...children);
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (name.startsWith("on")) {
    if (typeof value !== "function") throw new TypeError(`${name} takes a function`);
    element.addEventListener(name.slice(2), value);
  } else if (name === "style") {
    for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
  } else if (name === "data") {
    Object.assign(element.dataset, value);
  } else if (AS_PROPERTY.has(name)) {
    element[name] = value;
  } else if (value === true) {
    element.setAttribute(name, "");
  } else if (value !== false) {
    if (ADDRESSES.has(name) && !OWN_ADDRESS.test(value)) throw new TypeError(`not an address of this origin: ${value}`);
    element.setAttribute(name, value);
  }
}

function shown(child) {
  return child !== null && child !== undefined && child !== false && child !== true;
}

function node(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}
