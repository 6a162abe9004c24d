// Adding documents: drop files and folders anywhere, or choose them; the tray shows what becomes of them.
//
// `install()` is called once by the shell. `pick()` opens the dialog that chooses; `replace(document)` chooses a
// new version of one. Where drops go is said with `setDestination`. When documents have come in or changed,
// "footnote:documents" is dispatched on window.

import { add, h, put } from "./dom.js";
import { api } from "./http.js";
import { may, mayMakeCollections } from "./rights.js";
import { count, dialog, icon, toast } from "./ui.js";
import { chosen, dropped } from "./uploads/collect.js";
import { Uploads } from "./uploads/queue.js";
import { Tray } from "./uploads/tray.js";

const DEFAULT = "default";
const NEW = "\n"; // no collection can be called this

const uploads = new Uploads();
let destination = DEFAULT;
let installed = false;

/** Take drops anywhere from now on. */
export function install() {
  if (installed) return;
  installed = true;
  add(document.body, new Tray(uploads).element, dropTarget());
  window.addEventListener("beforeunload", (event) => {
    if (uploads.unsent) event.preventDefault();
  });
}

/** Say which collection drops and chosen files go to; null for the usual one. */
export function setDestination(name) {
  destination = name ?? DEFAULT;
}

/** Choose files or a folder, and the collection they go to. */
export async function pick() {
  const { element, value } = await collectionChoice();
  const content = [
    h("p", null, "Files are kept where the service runs, in its own folder.", matchMedia("(hover: hover)").matches && " You can also drop them anywhere on the page."),
    element,
  ];
  await dialog("Add documents", content, [
    { label: "Choose a folder", kind: "plain", value: () => choose(element, value, { webkitdirectory: true }) },
    { label: "Choose files", value: () => choose(element, value, { multiple: true }) },
  ]);
}

/** Choose the file that becomes the next version of a document. */
export function replace(document) {
  open({}, (found) => uploads.add(found.files, { replaces: document.id }));
}

function choose(element, value, how) {
  const { name, fresh } = value();
  if (name) {
    open(how, async (found) => {
      element.closest("dialog")?.close();
      try {
        if (fresh) await make(name);
      } catch (error) {
        toast(error.detail, { kind: "bad" });
        return;
      }
      take(found, name);
    });
  }
  return undefined; // the dialog stays until files were chosen
}

function open(how, use) {
  const input = h("input", { type: "file", ...how });
  input.addEventListener("change", () => use(chosen(input)));
  input.click();
}

async function take({ files, hidden, unread }, collection) {
  if (files.length === 0) toast("There are no files in it.");
  if (hidden) toast(`${count(hidden, "hidden file")} left out.`);
  if (unread) toast(`The browser could not open ${count(unread, "file or folder", "files or folders")}.`, { kind: "bad" });
  if (files.length) await uploads.add(files, { collection });
}

async function collectionChoice() {
  const listed = await api.get("/v1/collections").catch(() => ({ data: [] }));
  const names = [...new Set([DEFAULT, destination, ...listed.data.map((one) => one.name)])];
  const select = h(
    "select",
    { class: "select", id: "pick-collection" },
    names.map((name) => h("option", { value: name, selected: name === destination }, name)),
    mayMakeCollections() && h("option", { value: NEW }, "A new collection…"),
  );
  const name = h("input", { class: "input", id: "pick-new", maxlength: 100, autocomplete: "off" });
  const fresh = h("label", { class: "field", for: "pick-new", hidden: true }, h("span", null, "Its name"), name);
  select.addEventListener("change", () => {
    fresh.hidden = select.value !== NEW;
    if (!fresh.hidden) name.focus();
  });
  const value = () => {
    if (select.value !== NEW) return { name: select.value, fresh: false };
    if (!name.value.trim()) name.focus();
    return { name: name.value.trim(), fresh: true };
  };
  const element = h("div", null, h("label", { class: "field", for: "pick-collection" }, h("span", null, "Collection"), select), fresh);
  return { element, value };
}

/** A collection has to be there before files can go to it. */
async function make(name) {
  try {
    await api.post("/v1/collections", { name });
  } catch (error) {
    if (error.code !== "collection_exists") throw error;
  }
}

function dropTarget() {
  const where = h("p", null, "");
  const element = h("div", { class: "drop-here", hidden: true, "aria-hidden": "true" }, h("div", null, icon("upload"), h("p", { class: "drop-title" }, "Drop to add"), where));
  const hide = () => (element.hidden = true);
  const ofFiles = (event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!ofFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = may("write") ? "copy" : "none";
    if (element.hidden && may("write")) {
      put(where, "Files and whole folders, to the collection ", h("b", null, destination));
      element.hidden = false;
    }
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && hide());
  window.addEventListener("drop", async (event) => {
    if (!ofFiles(event)) return;
    event.preventDefault();
    hide();
    if (!may("write")) {
      toast("Your key may read, not add documents; ask whoever made it for another.", { kind: "bad" });
      return;
    }
    const to = destination;
    take(await dropped(event.dataTransfer), to);
  });
  return element;
}
