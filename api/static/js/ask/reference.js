// How a place in a document is named, on the page and on the clipboard.

/** "lighthouse-handbook.pdf, page 2". */
export function placeName(place) {
  return [place.document.name || "a deleted document", place.locator].filter(Boolean).join(", ");
}

/** The words at a place, with where they stand, for pasting elsewhere. */
export function quoteWithReference(place) {
  return `“${place.quote}” (${placeName(place)}, version ${place.document.version})`;
}

/** An answer with its footnotes, as plain text. */
export function answerWithReferences(answer) {
  const notes = answer.citations.map(
    (one) => `[${one.number}] ${placeName(one)}, version ${one.document.version}: “${one.quote}”`,
  );
  return [answer.answer, ...(notes.length ? ["", ...notes] : [])].join("\n");
}
