// The small marks that say how a document stands.

import { h } from "../dom.js";
import { count, icon } from "../ui.js";
import { STATES, kindOf, percent } from "./words.js";

export function stateBadge({ state, refined }) {
  const known = STATES[state] ?? { label: state, kind: "", title: "" };
  const share = state === "ready" && refined.total ? `, refined ${percent(refined.done / refined.total)}` : "";
  return h("span", { class: `badge ${known.kind}`, title: known.title, data: { state } }, known.label, share && h("span", { class: "unseen" }, share));
}

/** Warnings, a version that waits to replace the one that is searched, many versions. */
export function furtherBadges(document) {
  const waits = document.live_version !== null && document.live_version !== document.version;
  return [
    document.warnings.length > 0 &&
      h("span", { class: "badge warn", title: document.warnings.map((one) => one.detail).join("\n") }, icon("warning"), count(document.warnings.length, "warning")),
    waits && h("span", { class: "badge", title: "Until the newest version is read, the one before is searched" }, `version ${document.live_version} is searched`),
    !waits && document.version > 1 && h("span", { class: "badge" }, `version ${document.version}`),
  ];
}

export function kindMark(document) {
  const kind = kindOf(document);
  return h("span", { class: "kind", title: kind.name, "aria-hidden": "true" }, kind.mark || icon("document"));
}
