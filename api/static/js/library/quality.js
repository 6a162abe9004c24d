// How well a document was read, as the service measured it: figures with what they mean.

import { h } from "../dom.js";
import { count, icon } from "../ui.js";
import { languageName, percent } from "./words.js";

const PAGES_NAMED = 12;
const WELL_FOUND = 0.9;
const WELL_READ = 0.02;

export function quality(document) {
  const found = document.quality;
  return h("section", { class: "part" },
    h("h2", null, "How well it was read"),
    h("dl", { class: "qualities" }, [
      searched(document),
      figure("Found again", found.self_retrieval === null ? "not tried" : percent(found.self_retrieval), "of sampled passages, searching for their own words", found.self_retrieval !== null && found.self_retrieval < WELL_FOUND),
      pages(document),
      figure("Unreadable text", percent(found.garbled), "characters that stand for nothing", found.garbled > WELL_READ),
      language(found.language),
      found.tables > 0 && figure("Tables", count(found.tables, "table"), "their header stays with every row"),
      found.furniture_blocks > 0 && figure("Left out", count(found.furniture_blocks, "line or block", "lines and blocks"), "running heads, feet and page numbers, never quoted as evidence"),
    ].filter(Boolean)));
}

function searched({ chunks, refined, quality: { tokens_truncated: lost, characters } }) {
  const fine = refined.total ? refined.done / refined.total : 0;
  const state = fine === 1 ? "all with the finer vectors" : `${percent(fine)} with the finer vectors so far`;
  return figure("Searchable", count(chunks, "passage"), `${count(characters, "character")}, ${lost ? `${lost} tokens not seen` : state}`, lost > 0);
}

function pages({ quality: found, pages_without_text: empty, page_kind: kind }) {
  if (kind !== "page" || !found.pages) return null;
  const said = [
    found.pages_recognised > 0 && `${count(found.pages_recognised, "page")} read from pictures`,
    empty.length > 0 ? `without text: ${listed(empty)}` : found.pages_without_text === 0 && "all with text",
  ];
  return figure("Pages", count(found.pages, "page"), said.filter(Boolean).join("; "), empty.length > 0);
}

function language(found) {
  if (!found) return figure("Language", "not told", "too little text to say");
  const understood = { true: "the search model speaks it", false: "the search model does not speak it: words are found, meanings less", null: "unknown to the search model" };
  return figure("Language", languageName(found.code), understood[String(found.spoken)], found.spoken === false);
}

function figure(name, value, meaning, doubtful = false) {
  return h("div", { class: doubtful ? "doubtful" : null }, h("dt", null, name), h("dd", null, h("b", null, doubtful && icon("warning"), value), h("span", null, meaning)));
}

function listed(pages) {
  const some = pages.slice(0, PAGES_NAMED).join(", ");
  return pages.length > PAGES_NAMED ? `${some} and ${pages.length - PAGES_NAMED} more` : some;
}
