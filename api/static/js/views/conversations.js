// What was asked before: searched, gone on with, deleted.

import { add, h, put } from "../dom.js";
import { Endless } from "../endless.js";
import { api } from "../http.js";
import { readdress } from "../main.js";
import { ago, announce, button, confirm, count, icon, problemBox, toast } from "../ui.js";

const PAGE = 40;
const TYPING_MS = 220;
const DAY_MS = 86_400_000;

export function mount(root, _params, query) {
  const view = new History(root, query.get("contains") ?? "");
  return () => view.leave();
}

class History {
  #asked = 0;
  #cursor = null;
  #loading = false;
  #typing = null;
  #left = false;
  #group = null;

  constructor(root, containing) {
    this.search = h("input", { type: "search", class: "input", placeholder: "Search questions and answers", "aria-label": "Search questions and answers", maxlength: 255, value: containing });
    this.search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#begin(), TYPING_MS);
    });
    this.heading = h("h1", { tabindex: -1 }, "History");
    this.groups = h("div", { class: "history" });
    this.state = h("div", { class: "list-state" });
    this.moreButton = button("Show more", { onclick: () => this.#more(), hidden: true });
    const end = h("div", { class: "list-end" }, this.moreButton);
    add(root, h("header", { class: "view-head" }, this.heading, h("div", { class: "view-actions" }, h("a", { class: "button primary", href: "#/ask" }, icon("ask"), "New question"))),
      h("div", { class: "filters one", role: "search" }, h("div", { class: "search-field" }, icon("search"), this.search)), this.groups, this.state, end);
    this.endless = new Endless(end, () => this.#more());
    this.#begin();
  }

  leave() {
    this.#left = true;
    clearTimeout(this.#typing);
    this.endless.leave();
  }

  async #begin() {
    const mine = (this.#asked += 1);
    const containing = this.search.value.trim();
    readdress(containing ? `/conversations?${new URLSearchParams({ contains: containing })}` : "/conversations");
    try {
      const { data, next_cursor: cursor } = await api.get("/v1/conversations", { contains: containing, limit: PAGE });
      if (this.#left || mine !== this.#asked) return;
      put(this.groups);
      this.#group = null;
      this.#add(data, cursor);
      this.endless.look();
      put(this.state, data.length === 0 && empty(containing));
      announce(data.length ? `${count(data.length, "conversation")}${cursor ? " and more" : ""}` : "No conversations");
    } catch (error) {
      if (!this.#left && mine === this.#asked) put(this.state, problemBox(error, { retry: () => this.#begin() }));
    }
  }

  async #more() {
    if (this.#cursor === null || this.#loading || this.#left) return;
    const mine = this.#asked;
    this.#loading = true;
    let failed = false;
    try {
      const { data, next_cursor: cursor } = await api.get("/v1/conversations", { contains: this.search.value.trim(), limit: PAGE, cursor: this.#cursor });
      if (!this.#left && mine === this.#asked) {
        put(this.state); // what an earlier try may have left there
        this.#add(data, cursor);
      }
    } catch (error) {
      failed = mine === this.#asked;
      if (!this.#left && failed) put(this.state, problemBox(error, { retry: () => (put(this.state), this.#more()) }));
    } finally {
      this.#loading = false;
    }
    if (!failed && !this.#left) this.endless.look(); // after a failure the person decides
  }

  #add(conversations, cursor) {
    this.#cursor = cursor;
    this.moreButton.hidden = cursor === null;
    for (const one of conversations) {
      const day = dayOf(one.last.created_at);
      if (this.#group?.day !== day) {
        this.#group = { day, list: h("ul", { class: "conversations" }) };
        add(this.groups, h("section", null, h("h2", null, day), this.#group.list));
      }
      add(this.#group.list, this.#row(one));
    }
  }

  #row(one) {
    const missing = one.last.status === "not_in_documents";
    const element = h("li", { class: "conversation" },
      h("div", null,
        h("a", { href: `#/ask/${encodeURIComponent(one.name)}` }, one.first.question),
        h("p", { class: "conversation-answer" }, missing ? h("i", null, "Not in these documents.") : one.last.answer || h("i", null, "Its words are gone with the document they came from.")),
        h("p", { class: "small faint" }, `${count(one.turns, "question")}, ${ago(one.last.created_at)}`)),
      button(`Delete “${one.first.question}”`, { icon: "trash", kind: "quiet", class: "small", hideLabel: true, data: { needs: "write" }, onclick: () => this.#remove(one, element) }));
    return element;
  }

  async #remove(one, element) {
    const text = "Its questions and answers are deleted for good, with their receipts. The documents stay.";
    if (!(await confirm("Delete this conversation?", text, "Delete"))) return;
    try {
      await api.delete(`/v1/conversations/${encodeURIComponent(one.name)}?answers=true`);
    } catch (error) {
      if (error.code !== "conversation_not_found") {
        toast(error.detail, { kind: "bad" });
        return;
      }
    }
    const next = element.nextElementSibling ?? element.previousElementSibling;
    const group = element.closest("section");
    element.remove();
    if (!group.querySelector("li")) group.remove();
    if (!this.groups.childElementCount) put(this.state, empty(this.search.value.trim()));
    (next?.querySelector("a") ?? this.heading).focus();
    toast("The conversation is deleted.");
  }
}

function empty(containing) {
  if (containing) return h("div", { class: "nothing" }, h("p", null, "Nothing that was asked or answered holds these words."));
  return h("div", { class: "nothing" }, h("p", { class: "nothing-title" }, "Nothing asked yet"), h("p", null, "Every question and its answer is kept here, on this machine, until you delete it."), h("a", { class: "button primary", href: "#/ask" }, "Ask something"));
}

function dayOf(time) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const then = new Date(time).getTime();
  if (then >= midnight) return "Today";
  if (then >= midnight - DAY_MS) return "Yesterday";
  if (then >= midnight - 6 * DAY_MS) return "This week";
  return new Date(time).toLocaleDateString("en-GB", { month: "long", year: "numeric" });
}
