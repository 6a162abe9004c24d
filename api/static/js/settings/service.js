// What works, with which models, how fast, and how much there is.

import { h } from "../dom.js";
import { bytes, count } from "../ui.js";

const PARTS = { search: "Search", generator: "Language model", worker: "Reading documents", storage: "Storage" };
const PART_BADGES = { ready: "ok", starting: "warn", failed: "bad" };
const DRAFTING = {
  free: "It writes in its own words; every sentence is checked before it is shown.",
  copy: "It may only copy words of the documents; that is what it was found to be good for.",
  off: "Answers are quotations; the model is not asked.",
};
const HASH_SHOWN = 12;

export function service(status, ready) {
  const parts = Object.entries(ready?.parts ?? {});
  return part("Service",
    h("ul", { class: "card list parts" }, parts.map(([name, one]) => h("li", null,
      h("span", null, PARTS[name] ?? name),
      h("span", { class: "small soft" }, one.state === "ready" ? "" : one.phase),
      h("span", { class: `badge ${PART_BADGES[one.state] ?? ""}` }, one.state)))),
    h("p", { class: "small soft" }, `Footnote ${status.software} · answers are kept ${status.answers_kept_days ? count(status.answers_kept_days, "day") : "not at all"} · files up to ${bytes(status.max_upload_bytes)}`));
}

export function model({ generator, embedder }) {
  return part("Models", h("dl", { class: "details" },
    fact("Writes", generator ? named(generator) : "not loaded"),
    generator && fact("Drafting", DRAFTING[generator.drafting] ?? generator.drafting),
    generator && fact("Context", count(generator.context_tokens, "token")),
    fact("Searches", embedder ? named(embedder) : "not loaded")));
}

export function speeds({ speeds: found }) {
  if (!found) return null;
  const figure = (name, value, unit, meaning) => h("div", null, h("dt", null, name), h("dd", null, h("b", null, value === null ? "–" : rounded(value), value !== null && h("small", null, ` ${unit}`)), h("span", null, meaning)));
  return part("Speeds", h("dl", { class: "qualities" },
    figure("Search", found.search_ms, "ms", "to find the passages of a question"),
    figure("Answers", found.answer_ms === null ? null : found.answer_ms / 1000, "s", "from question to last sentence"),
    figure("Reads", found.read_tokens_per_second, "tokens/s", "of the prompt, by the language model"),
    figure("Writes", found.written_tokens_per_second, "tokens/s", "of the answer")),
  h("p", { class: "small soft" }, "Means since the service started, over everything it was asked."));
}

export function room({ sizes: found }) {
  if (!found) return null;
  return part("Room", h("dl", { class: "details" },
    fact("Passages in the index", count(found.vectors, "vector")),
    fact("Original files", bytes(found.file_bytes)),
    fact("Database", bytes(found.database_bytes)),
    fact("Search index", bytes(found.index_bytes)),
    fact("Memory", bytes(found.memory_bytes)),
    found.free_bytes !== null && fact("Free on the disk", bytes(found.free_bytes))));
}

export function part(name, ...content) {
  return h("section", { class: "part" }, h("h2", null, name), ...content);
}

export function fact(name, ...value) {
  return h("div", null, h("dt", null, name), h("dd", null, ...value));
}

function named({ name, sha256 }) {
  if (!sha256) return [h("span", null, name)];
  return [h("span", null, name), " ", h("code", { class: "faint", title: `SHA-256 of the weights: ${sha256}` }, sha256.slice(0, HASH_SHOWN))];
}

function rounded(value) {
  return value >= 100 ? Math.round(value) : value.toFixed(1);
}
