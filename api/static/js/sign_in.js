// Asks for a key when the service wants one.

import { h } from "./dom.js";
import { key } from "./http.js";
import { dialog } from "./ui.js";

/** Resolves with true when a key was given. */
export async function askForKey(problem) {
  const had = key.get() !== null;
  const token = h("input", {
    type: "password", id: "sign-in-key", class: "input", autocomplete: "current-password", required: true,
    placeholder: "fn_…", spellcheck: "false", autofocus: true,
  });
  const keep = h("input", { type: "checkbox", id: "sign-in-keep" });
  const content = [
    h("p", null, had ? problem.detail : "This service answers to whoever has a key."),
    h("label", { class: "field", for: token.id }, h("span", null, "Key"), token),
    h("label", { class: "check", for: keep.id }, keep, "Keep it in this browser until I sign out"),
  ];
  const given = await dialog("Sign in", content, [{ label: "Sign in", value: () => token.value.trim() || undefined }]);
  if (given === null) return false;
  key.set(given, keep.checked);
  return true;
}
