// The question box: what to ask, of which documents, and how it may be answered.

import { add, h, put } from "../dom.js";
import { icon } from "../icons.js";
import { api } from "../http.js";
import { button, count } from "../ui.js";

const MODES = {
  auto: ["Best answer", "Sentences that hold, quotations for the rest"],
  quote: ["Quotations only", "The documents' own words; the model is not used"],
  answer: ["As the model writes", "Everything it wrote, each sentence with its verdict"],
};
const MOST_CHARS = 4000;

export class Composer {
  #chosen = new Set();
  #mode = "auto";
  #busy = false;

  /**
   * In `place`, around the box that stands there where the page came with one. `onask({question, collections, mode})`
   * and `onstop()`; `about` is a document to ask about alone.
   */
  constructor(place, { onask, onstop, about = null, onabout = () => {} }) {
    this.onask = onask;
    this.onstop = onstop;
    this.box = boxIn(place);
    const act = () => (this.#busy ? this.onstop() : this.submit());
    this.action = h("button", { type: "button", class: "composer-send", onclick: act });
    this.scope = menu("scope", "Which documents");
    this.mode = menu("mode", "How to answer");
    this.about = h("span", { class: "about", hidden: true });
    while (this.box.nextSibling) this.box.nextSibling.remove();
    add(
      this.box.parentElement,
      h(
        "div",
        { class: "composer-row" },
        [this.about, this.mode.element, this.scope.element], // what comes late moves nothing that is there
        h("span", { class: "composer-space" }),
        this.action,
      ),
      h("p", { id: "composer-help", class: "unseen" }, "Enter asks, Shift and Enter begins a new line."),
    );
    this.box.addEventListener("input", () => this.#fit());
    this.box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#face();
    this.#modes();
    this.#collections([]);
    if (about) this.#only(about, onabout);
    else api.get("/v1/collections").then((found) => this.#collections(found.data), () => {});
  }

  /** Go on with what was typed before any of this was there, and ask it where that was wanted. */
  resume() {
    const { early } = this.box.dataset;
    delete this.box.dataset.early;
    this.#fit();
    if (early === "asked") this.submit();
  }

  submit() {
    const question = this.box.value.trim();
    if (!question || this.#busy) return;
    this.box.value = "";
    this.#fit();
    this.onask({ question, collections: this.#chosen.size ? [...this.#chosen] : undefined, mode: this.#mode });
  }

  focus() {
    this.box.focus({ preventScroll: true });
  }

  busy(now) {
    this.#busy = now;
    this.#face();
  }

  #pressed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape" && this.#busy) {
      event.stopPropagation();
      this.onstop();
    }
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
    this.action.disabled = !this.#busy && !this.box.value.trim();
  }

  #face() {
    const label = this.#busy ? "Stop" : "Ask";
    this.action.setAttribute("aria-label", label);
    this.action.title = this.#busy ? "Stop (Esc)" : "Ask (Enter)";
    this.action.disabled = !this.#busy && !this.box.value.trim();
    put(this.action, icon(this.#busy ? "stop" : "send"));
  }

  #modes() {
    const choose = (mode) => {
      this.#mode = mode;
      this.mode.label(MODES[mode][0]);
      this.mode.close();
    };
    put(
      this.mode.panel,
      Object.entries(MODES).map(([mode, [name, what]]) =>
        h(
          "label",
          { class: "choice" },
          h("input", { type: "radio", name: "mode", value: mode, checked: mode === this.#mode, onchange: () => choose(mode) }),
          h("span", null, h("b", null, name), h("small", null, what)),
        ),
      ),
    );
    this.mode.label(MODES[this.#mode][0]);
  }

  #collections(found) {
    const shown = () => {
      const [only] = this.#chosen;
      this.scope.label(this.#chosen.size > 1 ? count(this.#chosen.size, "collection") : (only ?? "All documents"));
    };
    const choose = (name, checked) => {
      if (checked) this.#chosen.add(name);
      else this.#chosen.delete(name);
      shown();
    };
    this.scope.element.hidden = found.length < 2;
    put(
      this.scope.panel,
      h("p", { class: "menu-lead" }, "Look only in these collections; none chosen means all."),
      found.map((one) =>
        h(
          "label",
          { class: "choice" },
          h("input", { type: "checkbox", value: one.name, onchange: (event) => choose(one.name, event.target.checked) }),
          h("span", null, h("b", null, one.name), h("small", null, count(one.documents, "document"))),
        ),
      ),
    );
    shown();
  }

  #only(about, onabout) {
    this.scope.element.hidden = true;
    this.about.hidden = false;
    const all = { icon: "close", kind: "quiet", hideLabel: true, class: "small", onclick: onabout };
    add(this.about, icon("document"), h("span", null, about.name), button("Ask all documents", all));
  }
}

/** The box of index.html, where it is: moved, it would lose the caret of whoever is typing in it. */
function boxIn(place) {
  const there = place.querySelector("textarea");
  if (there) return there;
  const made = h("textarea", {
    id: "question", class: "composer-text", rows: 1, maxlength: MOST_CHARS, "aria-label": "Your question",
    placeholder: "Type a question", "aria-describedby": "composer-help", enterkeyhint: "send",
  });
  put(place, h("div", { class: "composer" }, made));
  return made;
}

/** A button that opens a panel above itself; Escape and a click elsewhere close it. */
function menu(name, label) {
  const text = h("span", null, label);
  const said = h("span", { class: "unseen" }, `${label}: `);
  const summary = h("summary", { class: "button quiet small", title: label }, said, text, icon("down"));
  const panel = h("div", { class: "menu-panel", role: "group", "aria-label": label });
  const element = h("details", { class: `menu menu-${name}` }, summary, panel);
  const close = () => {
    element.open = false;
  };
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && element.open) {
      event.stopPropagation();
      close();
      summary.focus();
    }
  });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) close();
  });
  const outside = (event) => {
    if (!element.contains(event.target)) close();
  };
  element.addEventListener("toggle", () => {
    if (element.open) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
  });
  return { element, panel, close, label: (now) => put(text, now) };
}
