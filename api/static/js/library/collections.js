// The dialog in which collections are made and removed.

import { add, h, put } from "../dom.js";
import { api } from "../http.js";
import { mayMakeCollections } from "../rights.js";
import { button, confirm, count, dialog, problemBox } from "../ui.js";

const DEFAULT = "default";

/** Resolves, once it is closed, with the names of those that were removed. */
export async function manageCollections() {
  const gone = new Set();
  const list = h("ul", { class: "card list collections" });
  const trouble = h("div", null);
  const name = h("input", { class: "input", id: "collection-name", maxlength: 100, autocomplete: "off", placeholder: "minutes" });
  const attempt = async (change) => {
    try {
      await change();
      put(trouble);
      await draw();
    } catch (error) {
      put(trouble, problemBox(error));
    }
  };
  const draw = async () => {
    const { data } = await api.get("/v1/collections");
    put(list, data.map((one) => row(one, () => attempt(() => removeOne(one)))));
  };
  const removeOne = async (one) => {
    if (!(await confirm(`Remove the collection “${one.name}”?`, "It is empty; no document is lost.", "Remove"))) return;
    await api.delete(`/v1/collections/${encodeURIComponent(one.id)}`);
    gone.add(one.name);
  };
  const create = async () => {
    const wanted = name.value.trim();
    if (wanted) await attempt(() => api.post("/v1/collections", { name: wanted }).then(() => (name.value = "")));
    name.focus();
    return undefined;
  };
  const making = mayMakeCollections();
  const content = [
    h("p", null, "A question can be asked of one collection alone, and a key can be good for some only."),
    list,
    trouble,
    making && h("label", { class: "field", for: name.id }, h("span", null, "A new one"), name),
  ];
  await attempt(async () => undefined);
  await dialog("Collections", content, making ? [{ label: "Create", value: create }] : [], { cancel: "Close" });
  return gone;
}

function row(one, remove) {
  const control = button(`Remove ${one.name}`, { icon: "trash", kind: "quiet", class: "small", hideLabel: true, data: { needs: "write" }, onclick: remove });
  control.disabled = one.documents > 0 || one.name === DEFAULT;
  if (control.disabled) control.title = one.name === DEFAULT ? "The default collection stays" : "Only an empty collection can be removed";
  const item = h("li", null, h("span", { class: "collection-name" }, one.name), h("span", { class: "small soft numbers" }, count(one.documents, "document")));
  return add(item, control);
}
