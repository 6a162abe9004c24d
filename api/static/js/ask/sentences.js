// Sentences of an answer, each with its verdict and its footnote numbers.

import { add, h } from "../dom.js";
import { icon } from "../icons.js";
import { placeName } from "./reference.js";

const VERDICTS = {
  supported: { icon: "check", label: "supported", title: "Checked: the cited words support this sentence" },
  verbatim: { icon: "quote", label: "word for word", title: "Word for word as it stands in the source" },
  unsupported: { icon: "warning", label: "not supported", title: "Not supported by the documents: do not rely on it" },
};

/**
 * Takes sentences one by one into `root`. Written ones run on as prose, quotations stand for themselves, and what
 * belongs to a group (a document, a compared thing) is listed under its name.
 */
export class Sentences {
  #root;
  #open;
  #warm;
  #block = null;
  #kind = "";
  #count = 0;

  /** `open(number, control)` shows the source of a footnote; `warm(number)` is told that it may be wanted. */
  constructor(root, open, warm) {
    this.#root = root;
    this.#open = open;
    this.#warm = warm;
  }

  get count() {
    return this.#count;
  }

  add(sentence, citations) {
    const verdict = known(sentence.verdict);
    const quoted = verdict === "verbatim";
    const kind = sentence.group ? `group ${sentence.group}` : quoted ? "quotes" : "prose";
    if (kind !== this.#kind) this.#begin(kind, sentence.group);
    const parts = [
      h("span", { class: "said" }, sentence.text),
      " ",
      verdictMark(verdict),
      sentence.citations.map((number) => this.#number(number, citations)),
      " ",
    ];
    const tag = kind === "prose" ? "span" : kind === "quotes" ? "blockquote" : "li";
    const lead = this.#count === 0 ? " lead" : "";
    add(this.#block, h(tag, { class: `sentence ${verdict}${lead}`, data: { verdict } }, parts));
    this.#count += 1;
  }

  #begin(kind, group) {
    this.#kind = kind;
    if (group) this.#block = h("ul", { class: "grouped" });
    else this.#block = h(kind === "prose" ? "p" : "div", { class: kind });
    if (group) add(this.#root, h("h3", { class: "group" }, group));
    add(this.#root, this.#block);
  }

  #number(number, citations) {
    const citation = citations.find((one) => one.number === number);
    const named = citation ? `Footnote ${number}: ${placeName(citation)}` : `Footnote ${number}`;
    const control = h(
      "button",
      {
        type: "button",
        class: "number",
        data: { footnote: number },
        "aria-label": named,
        title: citation && placeName(citation),
      },
      number,
    );
    control.addEventListener("click", () => this.#open(number, control));
    control.addEventListener("pointerenter", () => this.#warm(number), { once: true });
    return control;
  }
}

/** A verdict that this page does not know is none to rely on. */
function known(verdict) {
  return Object.hasOwn(VERDICTS, verdict) ? verdict : "unsupported";
}

function verdictMark(verdict) {
  const { title, icon: name, label } = VERDICTS[verdict];
  // Quotation marks say already that it is word for word.
  const said = h("span", { class: verdict === "verbatim" ? "unseen" : null }, label);
  return h("span", { class: `verdict ${verdict}`, title }, icon(name), said);
}

/** "1 supported, 2 word for word", with the marks that stand for them. */
export function tally(sentences) {
  return h(
    "ul",
    { class: "tally", "aria-label": "Verdicts" },
    Object.entries(VERDICTS).map(([verdict, { title, icon: name, label }]) => {
      const many = sentences.filter((one) => known(one.verdict) === verdict).length;
      return many > 0 && h("li", { class: `verdict ${verdict}`, title }, icon(name), `${many} ${label}`);
    }),
  );
}
