// The dialog that changes what is said of a document: its name, its place in a folder, its metadata.

import { add, h, put } from "../dom.js";
import { api } from "../http.js";
import { button, dialog, problemBox, toast } from "../ui.js";
import { pathOf } from "./actions.js";

export async function describe(document) {
  const name = h("input", { class: "input", id: "describe-name", value: document.name, maxlength: 255, required: true });
  const source = h("input", { class: "input", id: "describe-source", value: document.source ?? "", maxlength: 1024, placeholder: "minutes/2025/may.pdf" });
  const metadata = new Pairs(document.metadata);
  const trouble = h("div", null);
  const save = async () => {
    const patch = changed(document, name.value.trim(), source.value.trim(), metadata.value());
    if (patch === null) return true;
    try {
      await api.patch(pathOf(document.id), patch);
    } catch (error) {
      put(trouble, problemBox(error));
      return undefined;
    }
    toast(patch.name ? "Saved. The new name is a new version, which is being read." : "Saved.");
    window.dispatchEvent(new Event("footnote:documents"));
    return true;
  };
  const content = [
    h("label", { class: "field", for: name.id }, h("span", null, "Name"), name),
    h("label", { class: "field", for: source.id }, h("span", null, "Path in its folder"), source),
    metadata.element,
    trouble,
  ];
  await dialog("Edit", content, [{ label: "Save", value: save }]);
}

/** Only what differs; null when nothing does. A source can be changed, not taken away. */
function changed(document, name, source, metadata) {
  const patch = {};
  if (name && name !== document.name) patch.name = name;
  if (source && source !== document.source) patch.source = source;
  if (JSON.stringify(metadata) !== JSON.stringify(document.metadata)) patch.metadata = metadata;
  return Object.keys(patch).length ? patch : null;
}

/** Rows of name and value. What was no text keeps its type, and a new value that is JSON becomes what it says. */
class Pairs {
  #rows = [];

  constructor(metadata) {
    this.list = h("div", { class: "pairs" });
    this.element = h("fieldset", { class: "field" }, h("legend", null, "Metadata"), this.list,
      button("Add a field", { icon: "add", kind: "quiet", class: "small", onclick: () => this.#add("", "").focus() }));
    for (const [name, value] of Object.entries(metadata)) this.#add(name, value);
  }

  value() {
    const filled = this.#rows.filter(({ name }) => name.value.trim());
    return Object.fromEntries(filled.map(({ name, value, before }) => [name.value.trim(), value.value === shown(before) ? before : typed(value.value)]));
  }

  #add(name, before) {
    const row = {
      before,
      name: h("input", { class: "input", "aria-label": "Name of the field", value: name, maxlength: 64, placeholder: "author" }),
      value: h("input", { class: "input", "aria-label": `Value of ${name || "the field"}`, value: shown(before), placeholder: "A. Weber" }),
    };
    const element = h("div", { class: "pair" }, row.name, row.value,
      button(`Remove ${name || "the field"}`, { icon: "close", kind: "quiet", hideLabel: true, onclick: () => {
        this.#rows.splice(this.#rows.indexOf(row), 1);
        element.remove();
      } }));
    this.#rows.push(row);
    add(this.list, element);
    return row.name;
  }
}

function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function typed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "string" ? text : value;
  } catch {
    return text;
  }
}
