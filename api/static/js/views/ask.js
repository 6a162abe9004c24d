// Ask, and read what the documents say. `#/ask` begins anew, `#/ask/<conversation>` goes on with one,
// `#/ask?document=<id>` asks of one document alone.

import { add, h, put } from "../dom.js";
import { api, events, outdated } from "../http.js";
import { navigate, readdress, title } from "../main.js";
import { ago, button, count, problemBox } from "../ui.js";
import { Composer } from "../ask/composer.js";

const RECENT = 4;
const TURNS_SHOWN = 20;
const WARMED = 2;

/** How answers and their sources are shown: needed with the first question, not to type it. */
const shown = {
  Turn: null,
  viewer: null,
  load: async () => {
    const [{ Turn }, viewer] = await Promise.all([import("../ask/turn.js"), import("../viewer.js")]);
    Object.assign(shown, { Turn, viewer });
  },
};

export function mount(root, [conversation = null], query) {
  const view = new AskView(root, conversation, query.get("document"));
  return () => view.leave();
}

class AskView {
  #root;
  #conversation;
  #document;
  #running = null;
  #left = false;

  constructor(root, conversation, document) {
    this.#root = root;
    this.#conversation = conversation;
    this.#document = document;
    if (!root.firstElementChild) add(root, skeleton());
    [this.welcome, this.turns, this.dock] = [".welcome", ".turns", ".dock"].map((one) => root.querySelector(one));
    this.#begin();
  }

  leave() {
    this.#left = true;
    this.#running?.abort();
    shown.viewer?.closeSource();
  }

  async #begin() {
    const asked = this.#document && `/v1/documents/${encodeURIComponent(this.#document)}`;
    const about = asked ? await api.get(asked).catch(() => null) : null;
    if (this.#left) return;
    this.composer = new Composer(this.dock, {
      about,
      onabout: () => navigate("/ask"),
      onask: (asked) => this.#ask(asked),
      onstop: () => this.#running?.abort(),
    });
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
    shown.load().catch(() => {}); // tried again, and told, when it is needed
    if (this.#conversation) await this.#reopen();
    else this.#greet();
    this.composer.resume();
  }

  async #greet() {
    this.#root.classList.add("empty");
    this.welcome.hidden = false;
    put(
      this.welcome,
      h("p", { class: "welcome-title", "aria-hidden": "true" }, "Ask your documents"),
      h("p", { class: "welcome-lead" }, "Every sentence of the answer shows where it stands."),
    );
    const [documents, answers] = await Promise.all([
      api.get("/v1/documents", { limit: 1 }).catch(() => null),
      api.get("/v1/answers", { limit: 40 }).catch(() => null),
    ]);
    if (this.#left || this.welcome.hidden) return;
    if (documents?.data.length === 0) add(this.welcome, nothingYet());
    else if (answers) add(this.welcome, recent(answers.data));
  }

  async #reopen() {
    title("Conversation");
    try {
      const listed = await api.get("/v1/answers", { conversation: this.#conversation, limit: TURNS_SHOWN });
      const kept = listed.data.filter((one) => !one.replay_of).reverse();
      const [receipts] = await Promise.all([Promise.all(kept.map((one) => api.get(`/v1/answers/${one.id}`))), shown.load()]);
      if (this.#left) return;
      const earlier = `The last ${TURNS_SHOWN} questions of this conversation are shown.`;
      if (listed.next_cursor) add(this.turns, h("p", { class: "notice" }, earlier));
      for (const receipt of receipts) {
        const { mode, collections } = receipt.request;
        const turn = this.#turn({ question: receipt.question, mode, collections: collections ?? undefined });
        turn.finish(receipt, { quietly: true });
      }
      if (receipts.length) title(receipts[0].question);
      else put(this.turns, h("p", { class: "notice" }, "Nothing of this conversation is kept. You can go on with it."));
      this.turns.lastElementChild?.scrollIntoView({ block: "start", behavior: "instant" });
    } catch (error) {
      if (!this.#left) put(this.turns, problemBox(error, { retry: () => this.#reopen() }));
    }
  }

  #turn(asked) {
    const turn = new shown.Turn(asked.question, {
      open: shown.viewer.openSource,
      warm: shown.viewer.warmSource,
      retry: () => this.#ask(asked),
    });
    add(this.turns, turn.element);
    return turn;
  }

  async #ask(asked) {
    if (this.#running) return;
    const running = (this.#running = new AbortController());
    try {
      await shown.load();
    } catch (error) {
      console.error(error);
      this.#running = null;
      put(this.turns, problemBox(outdated(), { retry: () => location.reload() }));
      return;
    }
    this.#root.classList.remove("empty");
    this.welcome.hidden = true;
    if (!this.#conversation) this.#name(asked.question);
    const turn = this.#turn(asked);
    turn.element.classList.add("fresh");
    turn.element.scrollIntoView({ block: "start" });
    this.composer.busy(true);
    const body = { ...asked, conversation: this.#conversation, stream: true };
    if (this.#document) body.filter = { document_id: this.#document };
    try {
      for await (const event of events("POST", "/v1/ask", { body, signal: running.signal })) turn.take(event);
      for (const citation of turn.answer?.citations.slice(0, WARMED) ?? []) shown.viewer.warmSource(citation);
    } catch (error) {
      if (running.signal.aborted) turn.stopped();
      else turn.failed(error);
    } finally {
      this.#running = null;
      this.composer.busy(false);
    }
  }

  #name(question) {
    this.#conversation = newName();
    title(question);
    if (!this.#document) readdress(`/ask/${this.#conversation}`);
  }
}

/** What the view is made of, as index.html has it too. */
function skeleton() {
  return [
    h("h1", { class: "unseen" }, "Ask your documents"),
    h("div", { class: "welcome", hidden: true }),
    h("div", { class: "turns" }),
    h("div", { class: "dock" }),
  ];
}

/** A name for a conversation that nobody can guess. (`randomUUID` is not there on plain http elsewhere.) */
function newName() {
  const random = crypto.getRandomValues(new Uint8Array(12));
  return `web-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function nothingYet() {
  return h(
    "div",
    { class: "nothing-yet" },
    h("p", null, "There is nothing to ask yet.", h("span", { data: { needs: "write" } }, " Drop files or a folder anywhere on this page, or choose them.")),
    button("Choose documents", {
      kind: "primary",
      data: { needs: "write" },
      onclick: () => import("../uploads.js").then((module) => module.pick()),
    }),
  );
}

function recent(answers) {
  const newest = new Map();
  for (const one of answers) {
    if (one.conversation?.startsWith("web-") && !newest.has(one.conversation)) newest.set(one.conversation, one);
  }
  if (newest.size === 0) return null;
  const entry = (one) => {
    const found = one.status === "not_in_documents" ? "not found" : count(one.documents.length, "document");
    return h(
      "li",
      null,
      h(
        "a",
        { href: `#/ask/${encodeURIComponent(one.conversation)}` },
        h("span", null, one.question),
        h("small", null, `${found}, ${ago(one.created_at)}`),
      ),
    );
  };
  return h(
    "section",
    { class: "recent", "aria-labelledby": "recent-title" },
    h("h2", { id: "recent-title" }, "Recently asked"),
    h("ul", null, [...newest.values()].slice(0, RECENT).map(entry)),
  );
}
