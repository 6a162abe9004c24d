// The list of documents: searched, filtered, longer as one scrolls, and kept up to date while documents are read.

import { add, h, put } from "../dom.js";
import { Endless } from "../endless.js";
import { api } from "../http.js";
import { readdress } from "../main.js";
import { announce, ago, button, bytes, count, icon, problemBox } from "../ui.js";
import { pick, setDestination } from "../uploads.js";
import { closeSource } from "../viewer.js";
import { read, remove } from "./actions.js";
import { furtherBadges, kindMark, stateBadge } from "./badges.js";
import { manageCollections } from "./collections.js";
import { KINDS, STATES, extent, folderOf, isReadable, isUnderWay } from "./words.js";

const PAGE = 50;
const MOST = 200;
const TYPING_MS = 220;
const LOOK_MS = 2500;
const FILTERS = ["name", "collection", "state", "kind"];
const WRITING = { needs: "write" };

export function mountList(root, query) {
  const list = new LibraryList(root, query);
  return () => list.leave();
}

class LibraryList {
  #root;
  #documents = [];
  #rows = new Map();
  #cursor = null;
  #asked = 0;
  #loading = false;
  #trouble = null; // with fetching more, shown until that has gone well
  #timer = null;
  #typing = null;
  #left = false;

  constructor(root, query) {
    this.#root = root;
    this.#build(query);
    this.onchange = () => this.#refresh();
    window.addEventListener("footnote:documents", this.onchange);
    this.endless = new Endless(this.end, () => this.#more());
    this.#fillCollections();
    this.#begin();
  }

  leave() {
    this.#left = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#typing);
    this.endless.leave();
    window.removeEventListener("footnote:documents", this.onchange);
    setDestination(null);
    closeSource();
  }

  #build(query) {
    const option = (value, label) => h("option", { value, selected: value === query.get("collection") }, label);
    this.fields = {
      name: h("input", { type: "search", class: "input", placeholder: "Search by name", "aria-label": "Search by name", maxlength: 255, value: query.get("name") ?? "" }),
      collection: h("select", { class: "select", "aria-label": "Collection" }, option("", "Collection"), query.get("collection") && option(query.get("collection"), query.get("collection"))),
      state: choice("State", Object.entries(STATES).map(([value, { label }]) => [value, label]), query.get("state")),
      kind: choice("Kind", KINDS.map(({ name }) => [name, name]), query.get("kind")),
    };
    this.fields.name.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#begin(), TYPING_MS);
    });
    for (const name of ["collection", "state", "kind"]) this.fields[name].addEventListener("change", () => this.#begin());
    this.list = h("ul", { class: "documents", "aria-label": "Documents" });
    this.state = h("div", { class: "list-state" });
    this.moreButton = button("Show more", { onclick: () => this.#more(), hidden: true });
    this.end = h("div", { class: "list-end" }, this.moreButton);
    this.heading = h("h1", { tabindex: -1 }, "Library");
    add(
      this.#root,
      h("header", { class: "view-head" }, this.heading, h("div", { class: "view-actions" },
        button("Collections", { icon: "folder", onclick: () => this.#manage() }))),
      h("div", { class: "filters", role: "search" }, h("div", { class: "search-field" }, icon("search"), this.fields.name), this.fields.collection, this.fields.state, this.fields.kind),
      this.list, this.state, this.end,
    );
  }

  #query() {
    const kind = KINDS.find((one) => one.name === this.fields.kind.value);
    return {
      name: this.fields.name.value.trim(),
      collection: this.fields.collection.value,
      state: this.fields.state.value,
      media_type: kind?.types,
    };
  }

  #isFiltered() {
    return FILTERS.some((name) => this.fields[name].value.trim() !== "");
  }

  async #begin() {
    const mine = (this.#asked += 1);
    setDestination(this.fields.collection.value || null);
    this.#address();
    try {
      const { data, next_cursor: cursor } = await api.get("/v1/documents", { ...this.#query(), limit: PAGE });
      if (this.#left || mine !== this.#asked) return;
      this.#documents = data;
      this.#cursor = cursor;
      this.#trouble = null;
      this.#draw();
      this.endless.look();
      announce(data.length ? `${count(data.length, "document")}${cursor ? " and more" : ""}` : "No documents");
    } catch (error) {
      if (this.#left || mine !== this.#asked) return;
      this.#documents = [];
      this.#draw();
      put(this.state, problemBox(error, { retry: () => this.#begin() }));
    }
    this.#schedule();
  }

  async #more() {
    if (this.#cursor === null || this.#loading || this.#left) return;
    const mine = this.#asked;
    this.#loading = true;
    let failed = false;
    try {
      const { data, next_cursor: cursor } = await api.get("/v1/documents", { ...this.#query(), limit: PAGE, cursor: this.#cursor });
      if (this.#left || mine !== this.#asked) return;
      const known = new Set(this.#documents.map((one) => one.id));
      this.#documents.push(...data.filter((one) => !known.has(one.id)));
      this.#cursor = cursor;
      this.#trouble = null;
      this.#draw();
    } catch (error) {
      failed = mine === this.#asked;
      if (failed && !this.#left) put(this.state, (this.#trouble = problemBox(error, { retry: () => this.#more() })));
    } finally {
      this.#loading = false;
    }
    if (!failed && !this.#left) this.endless.look(); // after a failure the person decides
  }

  /** Look again at what is shown, as far as one request goes, without moving anything. */
  async #refresh() {
    const mine = this.#asked;
    const limit = Math.min(MOST, Math.max(PAGE, this.#documents.length));
    const found = await api.get("/v1/documents", { ...this.#query(), limit }).catch((error) => error);
    if (found.status === 401) return; // nobody is asked for a key again and again
    if (found.data && !this.#left && mine === this.#asked && !this.#loading) {
      const beyond = this.#documents.length > limit ? this.#documents.slice(limit) : [];
      if (beyond.length === 0) this.#cursor = found.next_cursor;
      const fresh = new Set(found.data.map((one) => one.id));
      this.#documents = [...found.data, ...beyond.filter((one) => !fresh.has(one.id))];
      this.#draw();
    }
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    const open = this.#documents.some((one) => isUnderWay(one) || one.state === "ready");
    if (!this.#left && open) this.#timer = setTimeout(() => (document.hidden ? this.#schedule() : this.#refresh()), LOOK_MS);
  }

  #draw() {
    const shown = new Set(this.#documents.map((one) => one.id));
    for (const [id, row] of this.#rows) {
      if (shown.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    this.#documents.forEach((one, position) => {
      const seen = JSON.stringify(one);
      let row = this.#rows.get(one.id);
      if (!row) this.#rows.set(one.id, (row = { element: h("li", { class: "document" }), seen: "" }));
      if (row.seen !== seen) put(row.element, this.#row(one));
      row.seen = seen;
      if (this.list.children[position] !== row.element) this.list.insertBefore(row.element, this.list.children[position] ?? null);
    });
    this.moreButton.hidden = this.#cursor === null;
    put(this.state, this.#documents.length === 0 ? this.#empty() : this.#trouble);
  }

  #row(one) {
    const facts = [extent(one), bytes(one.size), one.collection !== "default" && one.collection, folderOf(one) && `${folderOf(one)}/`, one.parent && "found in another document", ago(one.created_at)];
    return [
      kindMark(one),
      h("div", { class: "document-what" },
        h("a", { class: "document-name", href: `#/library/${encodeURIComponent(one.id)}` }, one.name),
        h("p", { class: "small soft" }, one.error ? one.error.detail : facts.filter(Boolean).join(" · "))),
      h("div", { class: "badges" }, furtherBadges(one), stateBadge(one)),
      h("div", { class: "document-actions" },
        button(`Read ${one.name}`, { icon: "document", kind: "quiet", class: "small", hideLabel: true, disabled: !isReadable(one), onclick: (event) => read(one, one.live_version, event.currentTarget) }),
        button(`Delete ${one.name}`, { icon: "trash", kind: "quiet", class: "small", hideLabel: true, data: WRITING, onclick: () => this.#remove(one) })),
    ];
  }

  async #remove(one) {
    const at = this.#documents.indexOf(one);
    if (!(await remove(one))) return;
    const next = this.list.children[at + 1] ?? this.list.children[at - 1];
    (next?.querySelector("a") ?? this.heading).focus();
  }

  #empty() {
    if (this.#isFiltered()) {
      return h("div", { class: "nothing" }, h("p", null, "No document is like that."), button("Show all", { onclick: () => this.#clear() }));
    }
    return h("div", { class: "nothing" },
      h("p", { class: "nothing-title" }, "Nothing here yet"),
      h("p", { data: WRITING }, "Drop files or whole folders anywhere on this page. PDFs, Word, Excel, web pages, mail, pictures and plain text are read."),
      button("Add documents", { icon: "add", kind: "primary", data: WRITING, onclick: pick }));
  }

  #clear() {
    for (const name of FILTERS) this.fields[name].value = "";
    this.#begin();
    this.fields.name.focus();
  }

  #address() {
    const chosen = new URLSearchParams(FILTERS.map((name) => [name, this.fields[name].value.trim()]).filter(([, value]) => value));
    readdress(chosen.size ? `/library?${chosen}` : "/library");
  }

  async #fillCollections() {
    const { data } = await api.get("/v1/collections").catch(() => ({ data: [] }));
    if (this.#left) return;
    const now = this.fields.collection.value;
    const names = [...new Set([...data.map((one) => one.name), now].filter(Boolean))];
    put(this.fields.collection, h("option", { value: "" }, "Collection"), names.map((name) => h("option", { value: name }, name)));
    this.fields.collection.value = now;
  }

  async #manage() {
    const gone = await manageCollections();
    if (this.#left) return;
    if (gone.has(this.fields.collection.value)) this.fields.collection.value = "";
    await this.#fillCollections();
    if (!this.#left) this.#begin();
  }
}

/** A select that is named by its first entry, which chooses nothing. */
function choice(label, options, now) {
  return h("select", { class: "select", "aria-label": label }, h("option", { value: "" }, label), options.map(([value, text]) => h("option", { value, selected: value === now }, text)));
}
