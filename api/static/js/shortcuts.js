// Keys that work everywhere, and the list of all of them.

import { h } from "./dom.js";
import { dialog } from "./ui.js";

const KEYS = [
  ["Enter", "Ask; Shift and Enter begins a new line"],
  ["/", "To the question"],
  ["Esc", "Stop an answer, close the source"],
  ["← →", "In a source: previous and next page"],
  ["k j", "In a source: previous and next footnote"],
  ["+ − 0", "In a source: larger, smaller, as wide as it fits"],
  ["c", "In a source: copy the quote"],
  ["?", "This list"],
];

export function install() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    if (event.key === "/") focusQuestion(event);
    else if (event.key === "?") show();
  });
}

export function show() {
  const rows = KEYS.map(([keys, what]) =>
    h("div", null, h("dt", null, keys.split(" ").map((key) => h("kbd", null, key))), h("dd", null, what)),
  );
  dialog("Keyboard", h("dl", { class: "keys" }, rows), []);
}

function focusQuestion(event) {
  const box = document.getElementById("question");
  if (!box) return;
  event.preventDefault();
  box.focus();
}
