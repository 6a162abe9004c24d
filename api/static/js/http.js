// Requests to this service and nowhere else: JSON, problem documents as errors, keys, event streams.

const KEY = "footnote.key";

/** A refusal of the service (RFC 9457). `code` is stable; `detail` ends with what to do next. */
export class Problem extends Error {
  constructor(status, document, retryAfter = null) {
    super(document.detail || document.title || `The service answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = document.code || "unknown";
    this.detail = this.message;
    this.document = document;
    this.retryAfter = retryAfter;
  }
}

/** A file of the page could not be loaded: another release serves now, or none. */
export function outdated() {
  return new Problem(0, { code: "page_outdated", detail: "Footnote was updated or stopped; reload the page." });
}

/** The key that requests carry: of this tab, or of this browser where it was kept. */
export const key = {
  get() {
    return stored((storage) => storage.getItem(KEY)) || null;
  },
  set(token, keep) {
    this.clear();
    (keep ? localStorage : sessionStorage).setItem(KEY, token);
    window.dispatchEvent(new Event("footnote:key")); // another one may be allowed other things
  },
  clear() {
    stored((storage) => storage.removeItem(KEY));
  },
};

/** Headers for requests that are made without `request`, such as uploads with progress. */
export function authorization() {
  const token = key.get();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * A response, or a `Problem`. `body` is sent as JSON, unless it is a FormData. A refused key asks for another
 * one, until one is taken or nobody gives one. `query` members that are null or undefined are left out; arrays are repeated.
 */
export async function request(method, path, { body, query, headers, signal } = {}) {
  for (;;) {
    const carried = key.get();
    const response = await send(method, path + encoded(query), { body, headers, signal });
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status !== 401) throw problem;
    // A refusal that comes late, of a request sent before somebody signed in, asks nobody a second time.
    if (key.get() === carried && !(await signIn(problem))) throw problem;
  }
}

async function send(method, address, { body, headers, signal }) {
  const form = body instanceof FormData;
  const options = { method, signal, headers: { ...authorization(), ...headers } };
  if (body !== undefined) {
    if (!form) options.headers["Content-Type"] = "application/json";
    options.body = form ? body : JSON.stringify(body);
  }
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {
      code: "not_reachable",
      detail: "The service does not answer. Is it running? Start it and try again.",
    });
  }
}

async function problemOf(response) {
  const document = await response.json().catch(() => ({}));
  const after = Number(response.headers.get("Retry-After"));
  return new Problem(response.status, document, after > 0 ? after : null);
}

async function json(method, path, options) {
  const response = await request(method, path, options);
  return response.status === 204 ? null : response.json();
}

export const api = {
  get: (path, query, options) => json("GET", path, { ...options, query }),
  post: (path, body, options) => json("POST", path, { ...options, body }),
  put: (path, body, options) => json("PUT", path, { ...options, body }),
  patch: (path, body, options) => json("PATCH", path, { ...options, body }),
  delete: (path, options) => json("DELETE", path, options),
  blob: async (path, query, options) => (await request("GET", path, { ...options, query })).blob(),
  text: async (path, query, options) => (await request("GET", path, { ...options, query })).text(),
};

/** Server-sent events over fetch (which, unlike EventSource, can send a key): yields `{event, data}`. */
export async function* events(method, path, options = {}) {
  const headers = { Accept: "text/event-stream", ...options.headers };
  const response = await request(method, path, { ...options, headers });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let ended = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      ended = done;
      if (ended) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const found = parsed(block);
        if (found.event === "error") throw new Problem(found.data.status ?? 500, found.data);
        if (found.event !== "heartbeat") yield found;
      }
    }
  } finally {
    if (!ended) reader.cancel().catch(() => {}); // the reader has gone: the service need not go on
  }
}

function parsed(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return { event, data: data.length ? JSON.parse(data.join("\n")) : null };
}

let signingIn = null;

/** Ask for a key once, however many requests were refused; false when the person would rather not. */
function signIn(problem) {
  signingIn ??= import("./sign_in.js")
    .then((module) => module.askForKey(problem))
    .finally(() => {
      signingIn = null;
    });
  return signingIn;
}

function encoded(query) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") found.append(name, one);
    }
  }
  const text = found.toString();
  return text ? `?${text}` : "";
}

function stored(use) {
  let found = null;
  for (const name of ["sessionStorage", "localStorage"]) {
    try {
      found ||= use(window[name]);
    } catch {
      // Switched off in this browser: there is no key to be found in it.
    }
  }
  return found;
}
