// The tray at the foot of the page: every file on its way, and what became of it.

import { add, h, put } from "../dom.js";
import { announce, button, count, icon } from "../ui.js";
import { isFinished } from "./follow.js";
import { ORDER } from "./queue.js";
import { progressOf, stateLine } from "./words.js";

const ROWS = 60;
/** What is wrong with the file itself: sending it again gives the same answer. */
const FINAL = new Set(["empty_file", "unsupported_type", "file_too_large", "bad_file_name", "bad_source"]);
const MARKS = { done: "check", failed: "warning", cancelled: "close" };

export class Tray {
  #uploads;
  #rows = new Map();
  #drawn = false;

  constructor(uploads) {
    this.#uploads = uploads;
    this.title = h("h2", { class: "tray-title", id: "tray-title" });
    this.bar = h("progress", { class: "progress", max: 1, "aria-labelledby": "tray-title" });
    this.list = h("ul", { class: "tray-list" });
    this.more = h("p", { class: "tray-more small soft", hidden: true });
    this.fold = button("Fold", { icon: "down", kind: "quiet", class: "small", hideLabel: true, onclick: () => this.#toggle() });
    this.close = button("Close", { icon: "close", kind: "quiet", class: "small", hideLabel: true, onclick: () => uploads.clear() });
    this.body = h("div", { class: "tray-body", id: "tray-body" }, this.list, this.more);
    this.element = h(
      "section",
      { class: "tray", "aria-labelledby": "tray-title", hidden: true },
      h("header", null, this.title, this.fold, this.close),
      this.bar,
      this.body,
    );
    this.#folded(false);
    uploads.addEventListener("change", () => this.#soon());
    uploads.addEventListener("over", ({ detail: item }) => this.#say(item));
  }

  /** At most once a frame, however often something changes. */
  #soon() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  #draw() {
    const { items, busy } = this.#uploads;
    const counts = this.#uploads.counts();
    this.element.hidden = items.length === 0;
    document.body.classList.toggle("has-tray", items.length > 0);
    put(this.title, headline(counts, items.length, busy));
    this.bar.value = items.length ? items.reduce((sum, item) => sum + progressOf(item), 0) / items.length : 0;
    this.bar.hidden = !busy;
    this.close.hidden = busy;
    const sorted = ORDER.flatMap((state) => items.filter((item) => item.state === state)).slice(0, ROWS);
    this.#arrange(sorted);
    this.more.hidden = items.length <= ROWS;
    put(this.more, `and ${count(items.length - ROWS, "more file")}`);
  }

  /** Rows stay the same elements, so that focus and screen readers are not thrown off by progress. */
  #arrange(items) {
    const wanted = new Set(items);
    for (const [item, row] of this.#rows) {
      if (wanted.has(item)) continue;
      row.element.remove();
      this.#rows.delete(item);
    }
    items.forEach((item, position) => {
      let row = this.#rows.get(item);
      if (!row) this.#rows.set(item, (row = new Row(item, this.#uploads)));
      row.draw();
      if (this.list.children[position] !== row.element) this.list.insertBefore(row.element, this.list.children[position] ?? null);
    });
  }

  #toggle() {
    this.#folded(!this.element.classList.contains("folded"));
  }

  #folded(folded) {
    this.element.classList.toggle("folded", folded);
    this.fold.setAttribute("aria-expanded", String(!folded));
    this.fold.setAttribute("aria-controls", "tray-body");
    this.fold.setAttribute("aria-label", folded ? "Show the files" : "Hide the files");
    this.fold.title = folded ? "Show the files" : "Hide the files";
    put(this.fold, icon(folded ? "up" : "down"));
  }

  #say(item) {
    if (item.state === "failed") announce(`${item.name}: ${item.error?.detail ?? "failed"}`);
    else if (!this.#uploads.busy) announce(headline(this.#uploads.counts(), this.#uploads.items.length, false));
  }
}

class Row {
  #item;
  #drawn = "";

  constructor(item, uploads) {
    this.#item = item;
    this.mark = h("span", { class: "tray-mark" });
    this.name = h("span", { class: "tray-name" });
    this.line = h("p", { class: "tray-line small" });
    this.bar = h("progress", { class: "progress", max: 1, "aria-label": `Progress of ${item.name}` });
    this.retry = button(`Try ${item.name} again`, { icon: "retry", kind: "quiet", class: "small", hideLabel: true, onclick: () => uploads.retry(item) });
    this.cancel = button(`Cancel ${item.name}`, { icon: "close", kind: "quiet", class: "small", hideLabel: true, onclick: () => uploads.cancel(item) });
    this.element = h("li", { class: "tray-row" }, this.mark, h("div", { class: "tray-what" }, this.name, this.line, this.bar), this.retry, this.cancel);
  }

  draw() {
    const item = this.#item;
    this.bar.hidden = item.state !== "sending" && item.state !== "reading";
    this.bar.value = progressOf(item);
    const line = stateLine(item);
    const seen = `${item.state} ${line} ${item.document?.id ?? ""}`;
    if (seen === this.#drawn) return;
    this.#drawn = seen;
    this.element.dataset.state = item.state;
    put(this.mark, icon(MARKS[item.state] ?? "document"));
    put(this.name, this.#named(item));
    put(this.line, line, item.state === "failed" && item.error && [" ", h("code", null, item.error.code)]);
    this.retry.hidden = item.state !== "cancelled" && (item.state !== "failed" || FINAL.has(item.error?.code));
    this.cancel.hidden = isOver(item);
  }

  #named(item) {
    const path = item.source ?? item.name;
    if (!item.document) return h("span", { title: path }, item.name);
    return h("a", { href: `#/library/${encodeURIComponent(item.document.id)}`, title: path }, item.name);
  }
}

function isOver(item) {
  return ["done", "failed", "cancelled"].includes(item.state) || (item.job !== null && isFinished(item.job));
}

function headline(counts, all, busy) {
  const under = counts.waiting + counts.sending + counts.queued + counts.reading;
  if (busy) return `Adding ${count(under, "document")}${all > under ? ` of ${all}` : ""}`;
  const parts = [
    counts.done && `${count(counts.done, "document")} added`,
    counts.failed && `${counts.failed} not added`,
    counts.cancelled && `${counts.cancelled} cancelled`,
  ];
  return parts.filter(Boolean).join(", ");
}
