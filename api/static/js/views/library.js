// The documents there are. `#/library` lists them, `#/library?collection=…&state=…&kind=…&name=…` some of them,
// `#/library/<document>` shows one.

import { mountDocument } from "../library/document.js";
import { mountList } from "../library/list.js";

export function mount(root, [document = null], query) {
  return document ? mountDocument(root, document) : mountList(root, query);
}
