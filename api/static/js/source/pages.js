// A document whose pages can be drawn: one page as a picture, the cited words marked on it.

import { h, put, svg } from "../dom.js";
import { api } from "../http.js";
import { announce, button, problemBox } from "../ui.js";

const SCALES = [1, 1.5, 2, 3, 4];
const ZOOMS = [1, 1.25, 1.5, 2, 2.5, 3];
const USUAL_POINTS = 595;
const MARGIN = 32;
const KEPT = 24;
const LINE_OVERLAP = 0.5;
const COLUMN_GAP = 3; // heights of a line

/** Pictures by address, the least recently used first: object URLs hold memory until they are revoked. */
const pictures = new Map();

function picture(address) {
  let found = pictures.get(address);
  pictures.delete(address);
  found ??= api.blob(address).then((blob) => URL.createObjectURL(blob));
  pictures.set(address, found);
  found.catch(() => pictures.delete(address));
  for (const [oldest, url] of pictures) {
    if (pictures.size <= KEPT) break;
    pictures.delete(oldest);
    url.then((one) => URL.revokeObjectURL(one), () => {});
  }
  return found;
}

function pageAddress(place, page) {
  return `/v1/documents/${encodeURIComponent(place.document.id)}/pages/${page}`;
}

function pictureAddress(place, page, scale) {
  const version = place.document.version ? `&version=${place.document.version}` : "";
  return `${pageAddress(place, page)}.png?scale=${scale}${version}`;
}

/** The smallest offered scale that is sharp at this width. */
function scaleFor(width, points) {
  const wanted = (width * devicePixelRatio) / points;
  return SCALES.find((scale) => scale >= wanted * 0.97) ?? SCALES.at(-1);
}

/** Draw the page of a citation ahead of time. */
export function warmPage(place, width) {
  picture(pictureAddress(place, place.page, scaleFor(width - MARGIN, USUAL_POINTS))).catch(() => {});
}

export class PageSource {
  #place;
  #signal;
  #page;
  #pages = null;
  #zoom = 0;
  #points = USUAL_POINTS;
  #shownScale = 0;
  #turn = 0;

  constructor(body, tools, place, about, signal) {
    this.#place = place;
    this.#signal = signal;
    this.#page = place.page ?? 1;
    this.body = body;
    this.image = h("img", { class: "page-image", alt: "", draggable: "false" });
    this.marks = svg("svg", { class: "page-marks", "aria-hidden": "true", preserveAspectRatio: "none" });
    this.words = h("figcaption", { class: "unseen" });
    this.sheet = h("figure", { class: "page-sheet" }, this.image, this.marks, this.words);
    this.scroller = h("div", { class: "page-scroller", tabindex: "0", role: "group", "aria-label": "Page" }, this.sheet);
    put(body, this.scroller);
    this.#controls(tools);
    this.resize = new ResizeObserver(() => this.#size());
    this.resize.observe(body);
    about.then((document) => this.#know(document), () => {});
    this.#turnTo(this.#page);
  }

  leave() {
    this.resize.disconnect();
  }

  key(event) {
    if (event.key === "ArrowLeft" || event.key === "PageUp") this.#step(-1);
    else if (event.key === "ArrowRight" || event.key === "PageDown") this.#step(1);
    else if (event.key === "+" || event.key === "=") this.#zoomBy(1);
    else if (event.key === "-") this.#zoomBy(-1);
    else if (event.key === "0") this.#zoomBy(-ZOOMS.length);
    else return false;
    return true;
  }

  #controls(tools) {
    const quiet = { kind: "quiet", hideLabel: true };
    this.before = button("Previous page", { ...quiet, icon: "previous", class: "small", onclick: () => this.#step(-1) });
    this.after = button("Next page", { ...quiet, icon: "next", class: "small", onclick: () => this.#step(1) });
    this.where = h("span", { class: "small soft numbers page-where" });
    this.smaller = button("Smaller", { ...quiet, icon: "zoom_out", class: "small", onclick: () => this.#zoomBy(-1) });
    this.larger = button("Larger", { ...quiet, icon: "zoom_in", class: "small", onclick: () => this.#zoomBy(1) });
    this.back = button("Back to the cited words", {
      kind: "quiet",
      class: "small",
      icon: "retry",
      hidden: true,
      onclick: () => this.#turnTo(this.#place.page),
    });
    const space = h("span", { class: "composer-space" });
    put(tools, this.before, this.where, this.after, this.back, space, this.smaller, this.larger);
    this.#face();
  }

  #know(document) {
    if (this.#signal.aborted) return;
    this.#pages = document.pages;
    this.#face();
  }

  #face() {
    const controls = [this.before, this.after, this.back, this.smaller, this.larger];
    const held = controls.find((one) => one === document.activeElement);
    put(this.where, this.#pages ? `Page ${this.#page} of ${this.#pages}` : `Page ${this.#page}`);
    this.before.disabled = this.#page <= 1;
    this.after.disabled = this.#pages !== null && this.#page >= this.#pages;
    this.smaller.disabled = this.#zoom === 0;
    this.larger.disabled = this.#zoom === ZOOMS.length - 1;
    this.back.hidden = this.#place.start === undefined || this.#page === this.#place.page;
    // A control that had the focus and can no longer have it would take the keys with it.
    if (held && (held.disabled || held.hidden)) this.scroller.focus({ preventScroll: true });
  }

  #step(by) {
    const page = this.#page + by;
    if (page >= 1 && (this.#pages === null || page <= this.#pages)) this.#turnTo(page);
  }

  #zoomBy(steps) {
    this.#zoom = Math.min(ZOOMS.length - 1, Math.max(0, this.#zoom + steps));
    const { scrollTop, scrollHeight, scrollLeft, scrollWidth } = this.scroller;
    this.#size();
    this.scroller.scrollTop = (scrollTop / scrollHeight) * this.scroller.scrollHeight;
    this.scroller.scrollLeft = (scrollLeft / scrollWidth) * this.scroller.scrollWidth;
    this.#face();
    this.#sharpen();
  }

  get #width() {
    return Math.max(200, this.body.clientWidth - MARGIN) * ZOOMS[this.#zoom];
  }

  #size() {
    this.sheet.style.width = `${this.#width}px`;
  }

  async #turnTo(page) {
    const mine = (this.#turn += 1);
    this.#page = page;
    this.#face();
    this.#size();
    this.sheet.classList.add("loading");
    const { version } = this.#place.document;
    const details = api.get(pageAddress(this.#place, page), { version }, { signal: this.#signal });
    const drawn = this.#draw(page, mine);
    try {
      const [layout] = await Promise.all([details, drawn]);
      if (mine !== this.#turn || this.#signal.aborted) return;
      this.#lay(layout);
      announce(`Page ${page}`);
    } catch (error) {
      if (mine !== this.#turn || this.#signal.aborted) return;
      put(this.body, problemBox(error, { retry: () => this.#retry(page) }));
    }
  }

  #retry(page) {
    put(this.body, this.scroller);
    this.#turnTo(page);
  }

  async #draw(page, mine) {
    const scale = scaleFor(this.#width, this.#points);
    const url = await picture(pictureAddress(this.#place, page, scale));
    if (mine !== this.#turn || this.#signal.aborted) return;
    this.#shownScale = scale;
    this.image.src = url;
    await this.image.decode();
    this.sheet.classList.remove("loading");
  }

  /** Draw the page again where the zoom wants more pixels; what is there stays until then. */
  async #sharpen() {
    if (scaleFor(this.#width, this.#points) > this.#shownScale) await this.#draw(this.#page, this.#turn).catch(() => {});
  }

  #lay(layout) {
    this.#points = layout.width;
    this.image.alt = `Page ${layout.label || layout.page} of ${this.#place.document.name}`;
    this.sheet.style.aspectRatio = `${layout.width} / ${layout.height}`;
    this.marks.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    const lines = linesOf(this.#boxes(layout));
    put(this.marks, lines.map((box) => rectangle(box, layout.height)));
    put(this.words, lines.length && this.#place.quote ? `The cited words on this page: ${this.#place.quote}` : "");
    this.#reveal(lines, layout.height);
    this.#sharpen();
  }

  #boxes(layout) {
    const { start, end } = this.#place;
    if (start === undefined || end === undefined) return [];
    const words = layout.words.filter((word) => word.start < end && word.end > start).map((word) => word.box);
    return words.length || layout.page !== this.#place.page ? words : (this.#place.boxes ?? []);
  }

  #reveal(lines, height) {
    const top = lines.length ? ((height - Math.max(...lines.map((box) => box[3]))) / height) * this.sheet.clientHeight : 0;
    this.scroller.scrollTop = Math.max(0, top - this.scroller.clientHeight / 3);
    this.scroller.scrollLeft = lines.length ? (lines[0][0] / this.#points) * this.sheet.clientWidth - MARGIN : 0;
  }
}

/** Boxes of words joined into one per line. Coordinates are points, origin bottom left. */
function linesOf(boxes) {
  const lines = [];
  for (const box of boxes) {
    const last = lines.at(-1);
    if (last && continues(last, box)) lines[lines.length - 1] = around(last, box);
    else lines.push(box);
  }
  return lines;
}

/** Whether a box goes on with the line, to its right: as high, and not as far away as another column. */
function continues([x0, y0, x1, y1], [left, bottom, , top]) {
  const height = Math.min(top - bottom, y1 - y0);
  const shared = Math.min(y1, top) - Math.max(y0, bottom);
  return shared > LINE_OVERLAP * height && left >= x0 && left - x1 < COLUMN_GAP * (top - bottom);
}

function around(one, other) {
  return [Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[2], other[2]), Math.max(one[3], other[3])];
}

function rectangle([x0, y0, x1, y1], height) {
  return svg("rect", { x: x0 - 1.5, y: height - y1 - 0.5, width: x1 - x0 + 3, height: y1 - y0 + 1, rx: 2 });
}
