// Shows a passage in its source beside whatever view is open: the page as a picture with the cited words marked,
// or the text around them.

import { add, h, put } from "./dom.js";
import { api, request } from "./http.js";
import { button, copy, icon, problemBox, toast } from "./ui.js";
import { freshnessBadge } from "./ask/answer.js";
import { quoteWithReference } from "./ask/reference.js";
import { PageSource, warmPage } from "./source/pages.js";
import { TextSource } from "./source/text.js";

const DRAWN = new Set(["application/pdf", "image/png", "image/jpeg", "image/tiff", "image/webp"]);
const panel = document.getElementById("source");
let shown = null;

/**
 * Open `place` ({document: {id, name, version?}, page?, start?, end?, quote?, number?, locator?}); `places` are its
 * siblings (the citations of an answer), for going from one to the next. `opener` gets the focus back.
 */
export function openSource(place, places = [place], opener = document.activeElement) {
  shown?.leave();
  shown = new Viewer(places, Math.max(0, places.indexOf(place)), shown?.opener ?? opener);
  shown.show();
  panel.querySelector(".source-title").focus({ preventScroll: true });
}

/** Close it, if it is open. */
export function closeSource() {
  if (!shown) return;
  const { opener } = shown;
  shown.leave();
  shown = null;
  panel.hidden = true;
  put(panel);
  aside(false);
  mark(null);
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}

/** Have the picture of a citation drawn before it is asked for. */
export function warmSource(place) {
  if (place?.boxes?.length) warmPage(place, panel.clientWidth || Math.min(innerWidth, Math.max(384, innerWidth * 0.46)));
}

class Viewer {
  #source = null;
  #left = new AbortController();

  constructor(places, at, opener) {
    this.places = places;
    this.at = at;
    this.opener = opener;
  }

  get place() {
    return this.places[this.at];
  }

  leave() {
    this.#left.abort();
    this.#source?.leave();
  }

  go(step) {
    const next = this.at + step;
    if (next < 0 || next >= this.places.length) return;
    this.leave();
    shown = new Viewer(this.places, next, this.opener);
    shown.show();
    const control = panel.querySelector(`[data-step="${step}"]`);
    (control && !control.disabled ? control : panel.querySelector(".source-title")).focus({ preventScroll: true });
  }

  async show() {
    const { place } = this;
    this.tools = h("div", { class: "source-tools" });
    this.body = h("div", { class: "source-body" });
    this.badges = h("span", { class: "source-badges" }, freshnessBadge(place.document.status));
    put(panel, this.#head(), this.tools, this.body, place.quote ? this.#quote() : null);
    panel.hidden = false;
    aside(true);
    mark(place.number);
    const about = this.#about();
    // A citation with boxes is on a page that can be drawn: no need to ask first what the document is.
    if (place.boxes?.length) this.#attach(new PageSource(this.body, this.tools, place, about, this.#left.signal));
    try {
      const document = await about;
      if (this.#left.signal.aborted) return;
      this.#describe(document);
      if (!this.#source) {
        const Source = DRAWN.has(document.media_type) && document.pages ? PageSource : TextSource;
        this.#attach(new Source(this.body, this.tools, place, about, this.#left.signal));
      }
    } catch (error) {
      if (this.#left.signal.aborted) return;
      put(this.tools);
      put(this.body, error.status === 410 ? this.#deleted() : problemBox(error, { retry: () => this.show() }));
    }
  }

  key(event) {
    if (event.key === "Escape") closeSource();
    else if (event.key === "j") this.go(1);
    else if (event.key === "k") this.go(-1);
    else if (event.key === "c" && this.place.quote) this.#copy();
    else return this.#source?.key?.(event) ?? false;
    return true;
  }

  #attach(source) {
    this.#source = source;
  }

  /** The document, as the version that is cited had it. */
  async #about() {
    const { id, version } = this.place.document;
    const options = { signal: this.#left.signal };
    const document = await api.get(`/v1/documents/${encodeURIComponent(id)}`, null, options);
    if (!version || version === document.version) return document;
    const versions = await api.get(`/v1/documents/${encodeURIComponent(id)}/versions`, null, options);
    const cited = versions.data.find((one) => one.version === version);
    return cited ? { ...document, ...cited, id, newest: document.version } : document;
  }

  #describe(document) {
    const { version, status } = this.place.document;
    const older = document.newest && document.newest !== version;
    put(
      this.badges,
      older
        ? h(
            "span",
            { class: "badge warn", title: "The answer was taken from this older version" },
            `version ${version}, superseded by ${document.newest}`,
          )
        : freshnessBadge(status),
    );
  }

  #head() {
    const { place } = this;
    return h(
      "header",
      { class: "source-head" },
      h(
        "div",
        { class: "source-line" },
        place.number ? h("span", { class: "footnote-number", "aria-hidden": "true" }, place.number) : icon("document"),
        h(
          "h2",
          { class: "source-title", tabindex: "-1", title: place.document.name },
          place.document.name || "Deleted document",
        ),
        this.places.length > 1 && this.#steps(),
        button("Close the source", { icon: "close", kind: "quiet", hideLabel: true, class: "small", onclick: closeSource }),
      ),
      h("p", { class: "source-where" }, standing(place), this.badges),
    );
  }

  /** To the siblings of this place. */
  #steps() {
    const what = this.place.number ? "footnote" : "passage";
    const step = (by, label, name) =>
      button(label, {
        icon: name,
        kind: "quiet",
        hideLabel: true,
        class: "small",
        "data-step": by,
        disabled: !this.places[this.at + by],
        onclick: () => this.go(by),
      });
    return h(
      "span",
      { class: "source-steps" },
      step(-1, `Previous ${what}`, "up"),
      h("span", { class: "small soft numbers" }, `${this.at + 1} of ${this.places.length}`),
      step(1, `Next ${what}`, "down"),
    );
  }

  #quote() {
    return h(
      "footer",
      { class: "source-quote" },
      h("blockquote", { class: "source-words" }, this.place.quote),
      h(
        "div",
        { class: "source-actions" },
        button("Copy quote", { icon: "copy", class: "small", onclick: () => this.#copy() }),
        button("Download", { icon: "download", kind: "quiet", class: "small", onclick: () => download(this.place.document) }),
      ),
    );
  }

  #copy() {
    copy(quoteWithReference(this.place), "Quote copied with its reference.");
  }

  #deleted() {
    return h(
      "div",
      { class: "source-gone" },
      icon("trash"),
      h("p", null, h("b", null, "This document was deleted.")),
      h(
        "p",
        { class: "soft" },
        "Its text, pages and file are gone from this service; the answer can no longer be checked against it.",
      ),
    );
  }
}

/** "page 2 · Volunteers": where the words stand. The locator of a text without pages is its headings already. */
function standing({ locator = "", headings = [] }) {
  const under = headings.join(" > ");
  const steps = under && !locator.includes(under) ? [locator, ...headings] : [locator];
  return steps.filter(Boolean).join(" · ").replaceAll(" > ", " › ");
}

/** The original file, as a download: with the key, which a plain link would not send. */
async function download({ id, name, version }) {
  try {
    const response = await request("GET", `/v1/documents/${encodeURIComponent(id)}/file`, { query: { version } });
    const address = URL.createObjectURL(await response.blob());
    const link = h("a", { href: address, download: name });
    add(document.body, link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    toast(error.message, { kind: "bad" });
  }
}

const narrow = matchMedia("(max-width: 56rem)");

/** Beside the view, or over it on a narrow screen: what is covered must not be reached by keyboard either. */
function aside(open) {
  document.getElementById("app").classList.toggle("has-source", open);
  for (const id of ["main", "bar"]) document.getElementById(id).inert = open && narrow.matches;
}

narrow.addEventListener("change", () => aside(shown !== null));

/** Show in the answer which footnote is open. */
function mark(number) {
  const turn = shown?.opener?.closest(".turn");
  for (const one of document.querySelectorAll("[data-footnote]")) {
    one.classList.toggle("open", Boolean(number && turn?.contains(one) && one.dataset.footnote === String(number)));
  }
}

panel.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  if (shown?.key(event)) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && shown && !document.querySelector("dialog[open]")) closeSource();
});
