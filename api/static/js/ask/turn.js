// One question and its answer, while it comes and when it is there.

import { add, h, put } from "../dom.js";
import { announce, button, copy, count, problemBox } from "../ui.js";
import { conflicts, footnotes, nearest, notes, summary } from "./answer.js";
import { answerWithReferences } from "./reference.js";
import { Sentences } from "./sentences.js";

/** Why an answer is only partly one, in words. */
function partly(answer) {
  if (answer.conflicts.length) return "The sources do not agree.";
  if (answer.sentences.some((one) => one.verdict === "unsupported")) return "What the documents do not support is marked.";
  return answer.notes.length ? "" : "The documents may not answer this in full, or not beyond doubt.";
}

export class Turn {
  /** `open(place, places, control)` shows a place beside the answer, `warm(place)` prepares for it; `retry` asks again. */
  constructor(question, { open, warm, retry }) {
    this.answer = null;
    this.citations = [];
    this.open = open;
    this.warm = warm;
    this.retry = retry;
    this.text = h("div", { class: "answer-text" });
    this.draft = h("p", { class: "draft", hidden: true });
    this.stage = h("p", { class: "stage" }, "Searching your documents");
    this.after = h("div", { class: "after" });
    this.sentences = this.#written();
    this.element = h(
      "article",
      { class: "turn", "aria-busy": "true" },
      h("h2", { class: "question" }, question),
      h("div", { class: "answer" }, this.text, this.draft, this.stage, this.after),
    );
  }

  /** Take one event of the stream. */
  take({ event, data }) {
    if (event === "retrieval") {
      put(this.stage, `Reading ${count(data.hits.length, "passage")}`);
    } else if (event === "token") {
      this.draft.hidden = false;
      this.stage.hidden = true;
      add(this.draft, data.text);
    } else if (event === "sentence") {
      this.#clearDraft();
      this.#cite(data.citations);
      this.sentences.add(data.sentence, this.citations);
    } else if (event === "done") {
      this.finish(data);
    }
  }

  /** Show a whole answer: the last event of a stream, or one that was kept. */
  finish(answer, { quietly = false } = {}) {
    this.answer = answer;
    this.citations = answer.citations;
    this.#clearDraft();
    this.#end();
    if (this.sentences.count !== answer.sentences.length) this.#writeAnew(answer);
    const missing = answer.status === "not_in_documents";
    this.element.dataset.status = answer.status;
    put(this.after, missing ? this.#missing(answer) : this.#found(answer), this.#foot(answer));
    if (!quietly) announce(missing ? "Not in these documents." : `${answer.answer}`);
  }

  /** The person stopped it: what is checked so far stays. */
  stopped() {
    this.#clearDraft();
    this.#end();
    const what = this.sentences.count ? "What stands above was checked." : "Nothing had been checked yet.";
    put(this.after, h("p", { class: "notice" }, `Stopped. ${what}`), this.#again());
    announce("Stopped.");
  }

  failed(error) {
    this.#clearDraft();
    this.#end();
    put(this.after, problemBox(error, { retry: this.retry }));
  }

  #written() {
    const place = (number) => this.citations.find((one) => one.number === number);
    const open = (number, control) => this.#openNumber(number, control);
    return new Sentences(this.text, open, (number) => this.warm(place(number)));
  }

  #writeAnew(answer) {
    put(this.text);
    this.sentences = this.#written();
    for (const sentence of answer.sentences) this.sentences.add(sentence, answer.citations);
  }

  #cite(citations) {
    const known = new Set(this.citations.map((one) => one.number));
    this.citations = [...this.citations, ...citations.filter((one) => !known.has(one.number))];
  }

  #openNumber(number, control) {
    const place = this.citations.find((one) => one.number === number);
    if (place) this.open(place, this.citations, control);
  }

  #clearDraft() {
    put(this.draft);
    this.draft.hidden = true;
  }

  #end() {
    this.stage.hidden = true;
    this.element.removeAttribute("aria-busy");
  }

  #found(answer) {
    const open = (number, control) => this.#openNumber(number, control);
    return [
      answer.status === "partial" &&
        h("p", { class: "state" }, h("span", { class: "badge warn" }, "Partly answered"), " ", partly(answer)),
      conflicts(answer.conflicts, open),
      notes(answer.notes),
      footnotes(answer.citations, open),
    ];
  }

  #missing(answer) {
    const places = answer.nearest.map((hit) => ({ ...hit, quote: hit.text }));
    const open = (place, control) => this.open(place, places, control);
    return [
      h("p", { class: "missing" }, "Not in these documents."),
      notes(answer.notes),
      h(
        "p",
        { class: "nearest-lead" },
        places.length ? "Nothing there answers this. What comes nearest:" : "Nothing there comes near it.",
      ),
      places.length > 0 && nearest(places, open),
    ];
  }

  #foot(answer) {
    return h(
      "footer",
      { class: "answer-foot" },
      answer.understood_as && h("p", { class: "understood" }, "Understood as: ", h("i", null, answer.understood_as)),
      summary(answer),
      h(
        "div",
        { class: "answer-actions" },
        button("Copy with references", {
          icon: "copy",
          kind: "quiet",
          class: "small",
          onclick: () => copy(answerWithReferences(answer), "Copied with its references."),
        }),
        this.#retryButton(),
      ),
    );
  }

  #again() {
    return h("div", { class: "answer-actions" }, this.#retryButton());
  }

  #retryButton() {
    return button("Ask again", { icon: "retry", kind: "quiet", class: "small", onclick: this.retry });
  }
}
