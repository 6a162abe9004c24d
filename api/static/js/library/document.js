// One document: how it stands, how well it was read, its versions, and what can be done with it.

import { h, put } from "../dom.js";
import { api } from "../http.js";
import { navigate, title } from "../main.js";
import { ago, button, bytes, icon, problemBox } from "../ui.js";
import { replace } from "../uploads.js";
import { closeSource } from "../viewer.js";
import { download, pathOf, read, remove } from "./actions.js";
import { furtherBadges, stateBadge } from "./badges.js";
import { describe } from "./describe.js";
import { quality } from "./quality.js";
import { tryAgain } from "./retrying.js";
import { extent, isReadable, isUnderWay, kindOf, percent, when } from "./words.js";

const LOOK_MS = 1500;
const LOOK_REFINING_MS = 5000;
const INNER_SHOWN = 100;

export function mountDocument(root, id) {
  const page = new DocumentPage(root, id);
  return () => page.leave();
}

class DocumentPage {
  #root;
  #id;
  #timer = null;
  #left = false;
  #seen = "";
  #asked = 0;

  constructor(root, id) {
    this.#root = root;
    this.#id = id;
    this.onchange = () => this.#load();
    window.addEventListener("footnote:documents", this.onchange);
    this.#load();
  }

  leave() {
    this.#left = true;
    clearTimeout(this.#timer);
    window.removeEventListener("footnote:documents", this.onchange);
    closeSource();
  }

  async #load() {
    clearTimeout(this.#timer);
    const mine = (this.#asked += 1);
    try {
      const document = await api.get(pathOf(this.#id));
      const [versions, inner, parent] = await Promise.all([
        api.get(`${pathOf(this.#id)}/versions`),
        document.children ? api.get("/v1/documents", { parent: this.#id, limit: INNER_SHOWN }) : { data: [] },
        document.parent ? api.get(pathOf(document.parent)) : null,
      ]);
      if (this.#left || mine !== this.#asked) return;
      this.#show(document, versions.data, inner.data, parent);
      if (isUnderWay(document)) this.#timer = setTimeout(() => this.#load(), LOOK_MS);
      else if (document.state === "ready") this.#timer = setTimeout(() => this.#load(), LOOK_REFINING_MS);
    } catch (error) {
      if (this.#left || mine !== this.#asked) return;
      put(this.#root, back(), h("h1", null, error.status === 410 ? "Deleted" : "Not here"), problemBox(error, { retry: () => this.#load() }));
    }
  }

  #show(document, versions, inner, parent) {
    title(document.name);
    const seen = JSON.stringify([document, versions, inner]);
    if (seen === this.#seen) return;
    const focused = this.#root.contains(window.document.activeElement) ? window.document.activeElement.dataset.action : null;
    this.#seen = seen;
    put(
      this.#root,
      back(),
      h("header", { class: "document-head" },
        h("h1", null, document.name),
        document.title && document.title !== document.name && h("p", { class: "document-title" }, document.title),
        h("p", { class: "soft" }, facts(document)),
        h("div", { class: "badges" }, stateBadge(document), furtherBadges(document))),
      this.#actions(document),
      document.error && this.#failure(document),
      document.state === "needs_ocr" && notice("Its pages are pictures, and nothing on this machine could read them. Where tesseract is installed, send the file again as a new version."),
      warnings(document),
      document.quality && quality(document),
      similar(document),
      found(inner, parent),
      this.#versions(document, versions),
      details(document),
    );
    if (focused) this.#root.querySelector(`[data-action="${focused}"]`)?.focus();
  }

  #actions(document) {
    const readable = isReadable(document);
    const action = (name, label, props) => button(label, { ...props, data: { action: name } });
    const change = (name, label, props) => button(label, { ...props, data: { action: name, needs: "write" } });
    return h("div", { class: "document-bar" },
      readable && h("a", { class: "button primary", data: { action: "ask" }, href: `#/ask?document=${encodeURIComponent(document.id)}` }, icon("ask"), "Ask about it"),
      readable && action("read", "Read", { icon: "document", onclick: (event) => read(document, document.live_version, event.currentTarget) }),
      action("download", "Download", { icon: "download", onclick: () => download(document) }),
      change("replace", "New version", { icon: "upload", onclick: () => replace(document) }),
      change("edit", "Edit", { icon: "edit", onclick: () => describe(document) }),
      change("delete", "Delete", { icon: "trash", kind: "danger", onclick: async () => (await remove(document)) && navigate("/library") }));
  }

  #failure(document) {
    return h("div", { class: "problem", role: "alert" }, icon("warning"),
      h("div", null, h("p", null, document.error.detail), h("code", null, document.error.code)),
      button("Try again", { icon: "retry", data: { action: "retry", needs: "write" }, onclick: () => tryAgain(document) }));
  }

  #versions(document, versions) {
    if (versions.length < 2) return null;
    return section("Versions", h("ol", { class: "card list versions", reversed: true },
      versions.map((one) => h("li", null,
        h("div", null, h("b", null, `Version ${one.version}`), one.name !== document.name && [" ", h("span", { class: "soft" }, one.name)],
          h("p", { class: "small soft" }, [`${when(one.created_at)}`, bytes(one.size), extent(one)].filter(Boolean).join(" · "))),
        one.live ? h("span", { class: "badge ok" }, "searched") : h("span", { class: "badge" }, one.error ? "not read" : "superseded"),
        one.chunks > 0 || one.characters ? button(`Read version ${one.version}`, { icon: "document", kind: "quiet", class: "small", hideLabel: true, onclick: (event) => read(document, one.version, event.currentTarget) }) : h("span"),
        button(`Download version ${one.version}`, { icon: "download", kind: "quiet", class: "small", hideLabel: true, onclick: () => download(document, one.version) }))),
    ));
  }
}

function back() {
  return h("p", { class: "back" }, h("a", { href: "#/library" }, icon("previous"), "Library"));
}

function facts(document) {
  return [kindOf(document).name, extent(document), bytes(document.size), `in ${document.collection}`, `added ${ago(document.created_at)}`].filter(Boolean).join(" · ");
}

function warnings({ warnings: given }) {
  if (given.length === 0) return null;
  return section("What to know about it", h("ul", { class: "warnings" }, given.map((one) => h("li", null, icon("warning"), h("span", null, one.detail)))));
}

function similar({ near_duplicates: near }) {
  if (!near?.length) return null;
  return section("Nearly the same", h("ul", { class: "card list links" },
    near.map((one) => h("li", null, h("a", { href: `#/library/${encodeURIComponent(one.document_id)}` }, one.name), h("span", { class: "small soft numbers" }, `${percent(one.similarity)} alike`)))));
}

function found(inner, parent) {
  const link = (one) => h("a", { href: `#/library/${encodeURIComponent(one.id)}` }, one.name);
  return [
    parent && section("Found in", h("ul", { class: "card list links" }, h("li", null, link(parent)))),
    inner.length > 0 && section("Found in it", h("ul", { class: "card list links" }, inner.map((one) => h("li", null, link(one), stateBadge(one))))),
  ];
}

function details(document) {
  const rows = [
    ["Collection", document.collection],
    ["Path", document.source],
    ["Added", when(document.created_at)],
    ["Ready since", document.ready_at && when(document.ready_at)],
    ...Object.entries(document.metadata).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
    ["SHA-256", h("code", null, document.sha256)],
    ["Id", h("code", null, document.id)],
  ];
  return section("Details", h("dl", { class: "details" }, rows.filter(([, value]) => value).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))));
}

function notice(text) {
  return h("p", { class: "notice-box" }, icon("info"), h("span", null, text));
}

function section(name, ...content) {
  return h("section", { class: "part" }, h("h2", null, name), ...content);
}

