// How the page looks: as the system does, light or dark.

import { h } from "../dom.js";
import { icon, theme } from "../ui.js";
import { part } from "./service.js";

const CHOICES = { system: "As the system", light: "Light", dark: "Dark" };

export function appearance() {
  const now = theme.get();
  return part("Appearance", h("fieldset", { class: "theme-choices" }, h("legend", { class: "unseen" }, "Theme"),
    Object.entries(CHOICES).map(([value, label]) => h("label", { class: "theme-choice" },
      h("input", { type: "radio", name: "theme", value, checked: value === now, onchange: () => theme.set(value) }), icon(value), h("span", null, label)))));
}
