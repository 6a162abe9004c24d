// What is happening to a file, in words and as a share.

import { bytes, count } from "../ui.js";

const STAGES = {
  parsing: "Reading",
  splitting: "Dividing into passages",
  embedding: "Making it searchable",
  assessing: "Checking what was read",
  publishing: "Checking that it is found",
};
/** Where in the whole way each state begins, and what share of it is its own. */
const SENDING = 0.3;
const PARSING = 0.4;

/** 0 to 1 over the whole way: sent, read, embedded. */
export function progressOf(item) {
  if (["done", "failed", "cancelled"].includes(item.state)) return 1;
  if (item.state === "waiting") return 0;
  if (item.state === "sending") return SENDING * share(item.sent, item.size);
  if (item.state === "queued" || !item.job) return SENDING;
  const { pages, chunks, stage } = item.job;
  if (stage === "parsing") return SENDING + PARSING * share(pages.done, pages.total);
  return SENDING + PARSING + (1 - SENDING - PARSING) * share(chunks.done, chunks.total);
}

export function stateLine(item) {
  switch (item.state) {
    case "waiting":
      return `Waiting to be sent, ${bytes(item.size)}`;
    case "sending":
      if (item.waits !== null) return `The service is busy; trying again in ${count(Math.ceil(item.waits), "second")}`;
      return `Sending, ${bytes(item.sent)} of ${bytes(item.size)}`;
    case "queued":
      return item.job?.position ? `Sent; ${count(item.job.position, "document")} before it` : "Sent; waiting to be read";
    case "reading":
      return reading(item.job);
    case "done":
      return finished(item);
    case "cancelled":
      return item.job ? "Cancelled; it stays in the library unread" : "Cancelled";
    default:
      return item.error?.detail ?? "It could not be added.";
  }
}

function reading({ stage, pages, chunks, eta_seconds: eta, warnings }) {
  const parts = [STAGES[stage] ?? "Reading"];
  if (stage === "parsing" && pages.total) parts.push(`page ${pages.done} of ${pages.total}`);
  if (stage === "embedding" && chunks.total) parts.push(`${chunks.done} of ${chunks.total} passages`);
  if (eta !== null && eta >= 2) parts.push(left(eta));
  if (warnings.length) parts.push(count(warnings.length, "warning"));
  return parts.join(", ");
}

function finished({ duplicate, replaces, job }) {
  if (duplicate) return "Already in the library";
  const parts = [replaces ? "New version ready to ask" : "Ready to ask"];
  if (job?.pages.total > 1) parts.push(count(job.pages.total, "page"));
  if (job?.warnings.length) parts.push(count(job.warnings.length, "warning"));
  return parts.join(", ");
}

function left(seconds) {
  return seconds < 90 ? `about ${count(Math.round(seconds), "second")} left` : `about ${count(Math.round(seconds / 60), "minute")} left`;
}

function share(done, total) {
  return total > 0 ? Math.min(1, done / total) : 0;
}
