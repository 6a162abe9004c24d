// A document without pages to draw: its text around the cited words. Only a window of it is fetched.

import { h, put } from "../dom.js";
import { api } from "../http.js";
import { button, problemBox } from "../ui.js";

const AROUND = 1600;
const MORE = 4000;

export class TextSource {
  #place;
  #signal;
  #from = 0;
  #to = 0;
  #length = Infinity;
  #busy = false;

  constructor(body, tools, place, about, signal) {
    this.#place = place;
    this.#signal = signal;
    this.above = h("span");
    this.below = h("span");
    this.cited = h("mark", { tabindex: "-1" });
    const quiet = { kind: "quiet", class: "small" };
    this.earlier = button("Earlier text", { ...quiet, icon: "up", hidden: true, onclick: () => this.#more(-1) });
    this.later = button("Later text", { ...quiet, icon: "down", hidden: true, onclick: () => this.#more(1) });
    this.text = h("div", { class: "text-source" }, this.above, this.cited, this.below);
    this.scroller = h(
      "div",
      { class: "text-scroller", tabindex: "0", role: "group", "aria-label": "Text" },
      [this.earlier, this.text, this.later],
    );
    this.cite = button("To the cited words", { ...quiet, icon: "quote", onclick: () => this.#reveal() });
    put(tools, place.start === undefined ? null : this.cite);
    put(body, this.scroller);
    about.then((document) => this.#know(document), () => {});
    this.#open();
  }

  leave() {}

  #know(document) {
    this.#length = document.characters ?? Infinity;
    this.#face();
  }

  async #open() {
    const { start = 0, end = start } = this.#place;
    const from = Math.max(0, start - AROUND);
    try {
      const window_ = await this.#fetch(from, end + AROUND);
      const characters = Array.from(window_.text); // offsets count code points, as the service does
      put(this.above, characters.slice(0, start - from).join(""));
      put(this.cited, characters.slice(start - from, end - from).join(""));
      put(this.below, characters.slice(end - from).join(""));
      [this.#from, this.#to] = [window_.start, window_.end];
      if (window_.end < end + AROUND) this.#length = window_.end;
      this.#face();
      this.#reveal();
    } catch (error) {
      if (!this.#signal.aborted) put(this.scroller, problemBox(error, { retry: () => this.#again() }));
    }
  }

  #again() {
    put(this.scroller, this.earlier, this.text, this.later);
    this.#open();
  }

  async #more(way) {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (way < 0) await this.#earlier();
      else await this.#later();
    } catch (error) {
      if (!this.#signal.aborted) put(this.scroller, problemBox(error));
    } finally {
      this.#busy = false;
      this.#face();
    }
  }

  async #earlier() {
    const found = await this.#fetch(Math.max(0, this.#from - MORE), this.#from);
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.above.prepend(found.text);
    this.scroller.scrollTop = this.scroller.scrollHeight - below; // what is being read stays where it is
    this.#from = found.start;
  }

  async #later() {
    const found = await this.#fetch(this.#to, this.#to + MORE);
    this.below.append(found.text);
    if (found.end < this.#to + MORE) this.#length = found.end;
    this.#to = found.end;
  }

  #fetch(start, end) {
    const { id, version } = this.#place.document;
    return api.get(`/v1/documents/${encodeURIComponent(id)}/text`, { start, end, version }, { signal: this.#signal });
  }

  #face() {
    this.earlier.hidden = this.#from <= 0;
    this.later.hidden = this.#to === 0 || this.#to >= this.#length;
  }

  #reveal() {
    if (this.#place.start === undefined) return;
    const top = this.cited.offsetTop - this.scroller.offsetTop;
    this.scroller.scrollTop = Math.max(0, top - this.scroller.clientHeight / 3);
  }
}
