// What can be done with a document from anywhere: opened, downloaded, deleted.

import { h } from "../dom.js";
import { api, key } from "../http.js";
import { confirm, count, toast } from "../ui.js";
import { openSource } from "../viewer.js";

export function pathOf(id) {
  return `/v1/documents/${encodeURIComponent(id)}`;
}

/** Show its text beside the view, from the beginning. */
export function read(document, version = document.live_version, control = null) {
  const place = { document: { id: document.id, name: document.name, version }, page: 1, start: 0, end: 0 };
  openSource(place, [place], control);
}

/** Save the original. With a key it cannot be a mere link: links carry none. */
export async function download(document, version = null) {
  const path = `${pathOf(document.id)}/file`;
  const save = (address) => h("a", { href: address, download: document.name }).click();
  if (!key.get()) {
    save(version ? `${path}?version=${version}` : path);
    return;
  }
  try {
    const address = URL.createObjectURL(await api.blob(path, { version }));
    save(address);
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (error) {
    toast(error.detail, { kind: "bad" });
  }
}

/** Delete it after asking; resolves with whether it is gone. */
export async function remove(document) {
  const more = [
    document.version > 1 && `all ${document.version} versions`,
    document.children > 0 && `the ${count(document.children, "document")} found in it`,
  ].filter(Boolean);
  const what = ["its text", ...more, "the original file"];
  const text = `It goes from every search at once, with ${what.slice(0, -1).join(", ")} and ${what.at(-1)}. Answers keep the place they quoted, not the words. This cannot be undone.`;
  if (!(await confirm(`Delete “${document.name}”?`, text, "Delete"))) return false;
  try {
    await api.delete(pathOf(document.id));
  } catch (error) {
    if (error.code !== "document_deleted") {
      toast(error.detail, { kind: "bad" });
      return false;
    }
  }
  toast(`“${document.name}” is deleted.`);
  window.dispatchEvent(new Event("footnote:documents"));
  return true;
}
