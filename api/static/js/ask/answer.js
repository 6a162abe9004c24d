// What belongs to a finished answer: footnotes, conflicts, notes, how much was looked at, nearest passages.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { count } from "../ui.js";
import { tally } from "./sentences.js";

const FRESHNESS = {
  superseded: { label: "superseded", title: "There is a newer version of this document" },
  deleted: { label: "deleted", title: "This document was deleted" },
};

/** Says that a source is not what it was; nothing for one that is current. */
export function freshnessBadge(status) {
  const known = FRESHNESS[status];
  return known ? h("span", { class: "badge warn", title: known.title }, known.label) : null;
}

/** The footnotes; `open(number, control)` shows one in its source. */
export function footnotes(citations, open) {
  const entry = (citation) => {
    const control = h(
      "button",
      { type: "button", class: "footnote", data: { footnote: citation.number } },
      h("span", { class: "footnote-number", "aria-hidden": "true" }, citation.number),
      h(
        "span",
        { class: "footnote-body" },
        h(
          "span",
          { class: "footnote-source" },
          h("b", null, citation.document.name || "Deleted document"),
          citation.locator && h("span", { class: "faint" }, citation.locator),
          freshnessBadge(citation.document.status),
        ),
        citation.quote && h("q", { class: "footnote-quote" }, citation.quote),
      ),
    );
    control.addEventListener("click", () => open(citation.number, control));
    return h("li", null, control);
  };
  return h("ol", { class: "footnotes", "aria-label": "Footnotes" }, citations.map(entry));
}

/** Sources that contradict each other: no side is taken. */
export function conflicts(found, open) {
  const side = (conflict, at) => {
    const number = conflict.citations[at];
    const control = h("button", { type: "button", class: "number", "aria-label": `Footnote ${number}` }, number);
    control.addEventListener("click", () => open(number, control));
    return h("li", null, h("b", null, conflict.values[at]), " ", control);
  };
  return found.map((conflict) =>
    h(
      "section",
      { class: "notice conflict", "aria-label": "The sources disagree" },
      icon("warning"),
      h(
        "div",
        null,
        h("p", null, h("b", null, "The sources disagree"), ` on “${conflict.about}”:`),
        h("ul", { class: "sides" }, conflict.citations.map((_, at) => side(conflict, at))),
      ),
    ),
  );
}

export function notes(found) {
  return found.map((note) =>
    h("p", { class: "notice", data: { code: note.code } }, icon("info"), h("span", null, note.detail)),
  );
}

/** Passages that come nearest when the documents do not hold the answer. */
export function nearest(hits, open) {
  return h(
    "ol",
    { class: "nearest", "aria-label": "Nearest passages" },
    hits.map((hit) => {
      const control = h(
        "button",
        { type: "button", class: "footnote" },
        h(
          "span",
          { class: "footnote-body" },
          h(
            "span",
            { class: "footnote-source" },
            h("b", null, hit.document.name),
            h("span", { class: "faint" }, hit.locator),
          ),
          h("span", { class: "footnote-quote passage" }, hit.text),
        ),
      );
      control.addEventListener("click", () => open(hit, control));
      return h("li", null, control);
    }),
  );
}

/** What was looked at, as a sentence: an answer speaks for that much and no more. */
function coverageText(coverage) {
  const { passages_seen: seen, passages_matching: matching, documents, documents_matching: holding } = coverage;
  if (coverage.sections_total) {
    const sections = count(coverage.sections_total, "section");
    return `Quotes ${coverage.sections_seen} of ${sections} of ${count(documents, "document")}`;
  }
  const passages = seen < matching ? `${seen} of ${count(matching, "matching passage")}` : count(seen, "passage");
  return `Looked at ${passages} in ${count(holding ?? documents, "document")}`;
}

/** The last line: verdicts, coverage, time. */
export function summary(answer) {
  const seconds = (answer.timings.total_ms ?? 0) / 1000;
  const complete = answer.coverage.complete;
  const facts = [
    coverageText(answer.coverage),
    complete === true ? "all of it shown" : complete === false ? "not all of it shown" : null,
    `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`,
    answer.model ? answer.model.name : "no model used",
    answer.cached?.part === "answer" ? "answered before" : null,
  ];
  return h(
    "div",
    { class: "summary" },
    answer.sentences.length > 0 && tally(answer.sentences),
    h("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
  );
}
