// One file on its way to the service. fetch does not tell how much it has sent, so this is an XMLHttpRequest.

import { api, authorization, Problem } from "../http.js";

const BUSY = new Set([429, 503]);
const TRIES = 6;
const PAUSE_S = 2;

/**
 * Send `item.file`; resolves with `{document, job, duplicate}` or throws a `Problem`. `onsent(bytes)` hears how
 * far it is, `onwait(seconds)` that the service is busy and when it will be tried again. The Idempotency-Key makes
 * trying again safe whatever became of the request before.
 */
export async function send(item, { signal, onsent, onwait }) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(item, signal, onsent);
    } catch (error) {
      if (!(error instanceof Problem) || attempt === TRIES) throw error;
      if (error.status === 401) await api.get("/v1/status"); // asks for a key, as every refused request does
      else if (BUSY.has(error.status)) await pause(error.retryAfter ?? PAUSE_S * attempt, signal, onwait);
      else throw error;
    }
  }
}

function once(item, signal, onsent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const end = (settle, value) => {
      signal.removeEventListener("abort", abort);
      settle(value);
    };
    request.open(item.replaces ? "PUT" : "POST", item.replaces ? documentPath(item.replaces) : "/v1/documents");
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", item.key);
    request.upload.addEventListener("progress", (event) => onsent(Math.min(event.loaded, item.size)));
    request.addEventListener("load", () => {
      const answered = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300 && answered) end(resolve, answered);
      else end(reject, refusal(request, answered));
    });
    request.addEventListener("error", () => end(reject, unreachable()));
    request.addEventListener("abort", () => end(reject, new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else request.send(form(item));
  });
}

function form(item) {
  const fields = new FormData();
  if (!item.replaces) {
    fields.append("collection", item.collection);
    if (item.source) fields.append("source", item.source);
  }
  fields.append("file", item.file, item.name);
  return fields;
}

function documentPath(id) {
  return `/v1/documents/${encodeURIComponent(id)}`;
}

function refusal(request, answered) {
  const after = Number(request.getResponseHeader("Retry-After"));
  return new Problem(request.status, answered ?? {}, after > 0 ? after : null);
}

function unreachable() {
  return new Problem(0, {
    code: "not_sent",
    detail: "The file could not be read any more, or the service does not answer; try again.",
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pause(seconds, signal, onwait) {
  onwait(seconds);
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });
}
