// States, kinds and qualities of documents in words a reader knows.

import { count } from "../ui.js";

export const STATES = {
  queued: { label: "Waiting", kind: "", title: "It waits to be read" },
  processing: { label: "Being read", kind: "accent", title: "It is being read now" },
  ready: { label: "Ready", kind: "ok", title: "It can be asked; finer vectors follow in the background" },
  refined: { label: "Refined", kind: "ok", title: "It can be asked, with the finer of its two vectors" },
  needs_ocr: { label: "Needs text", kind: "warn", title: "Its pages are pictures without text, and nothing here could read them" },
  failed: { label: "Not read", kind: "bad", title: "It could not be read" },
};
const OFFICE = "application/vnd.openxmlformats-officedocument.";
const OPEN = "application/vnd.oasis.opendocument.";

/** Kinds as people call them, with the media types that are meant and a short mark for lists. */
export const KINDS = [
  { name: "PDF", mark: "PDF", types: ["application/pdf"] },
  { name: "Word and text processing", mark: "DOC", types: [`${OFFICE}wordprocessingml.document`, `${OPEN}text`, "application/rtf"] },
  {
    name: "Tables", mark: "TAB",
    types: [`${OFFICE}spreadsheetml.sheet`, "application/vnd.ms-excel.sheet.macroenabled.12", "application/vnd.ms-excel.sheet.binary.macroenabled.12", "application/vnd.ms-excel", `${OPEN}spreadsheet`, "text/csv", "text/tab-separated-values"],
  },
  { name: "Slides", mark: "PPT", types: [`${OFFICE}presentationml.presentation`, `${OPEN}presentation`] },
  { name: "Web pages", mark: "HTM", types: ["text/html"] },
  { name: "Text and Markdown", mark: "TXT", types: ["text/plain", "text/markdown"] },
  { name: "Mail", mark: "MSG", types: ["message/rfc822", "application/vnd.ms-outlook"] },
  { name: "Pictures", mark: "IMG", types: ["image/png", "image/jpeg", "image/tiff", "image/webp"] },
  { name: "Books", mark: "EPB", types: ["application/epub+zip"] },
  { name: "Code and data", mark: "DAT", types: ["text/x-source-code", "application/json", "application/jsonl"] },
  { name: "Archives", mark: "ZIP", types: ["application/zip"] },
];
const PAGES = { page: "page", slide: "slide", sheet: "sheet" };

export function kindOf(document) {
  return KINDS.find((kind) => kind.types.includes(document.media_type)) ?? { name: document.media_type ?? "Not read yet", mark: "" };
}

/** "96 pages", "12 slides"; null where the format has none or they are not known yet. */
export function extent({ pages, page_kind: kind }) {
  return pages && PAGES[kind] ? count(pages, PAGES[kind]) : null;
}

/** The path of the folder a document came from, without its own name. */
export function folderOf({ source }) {
  const at = source?.lastIndexOf("/") ?? -1;
  return at > 0 ? source.slice(0, at) : null;
}

export function isUnderWay({ state }) {
  return state === "queued" || state === "processing";
}

/** Whether there is something in it that can be opened and asked. */
export function isReadable(document) {
  return document.live_version !== null;
}

export function percent(share) {
  return share > 0 && share < 0.01 ? "under 1 %" : `${Math.round(share * 100)} %`;
}

/** "German", from "de"; the code itself where the browser does not know it. */
export function languageName(code) {
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code);
  } catch {
    return code;
  }
}

export function when(time) {
  return new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

