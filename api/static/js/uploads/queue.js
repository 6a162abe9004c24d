// The files on their way: sent three at a time, then followed until they can be searched. It lives as long as the
// page, whatever view is open.

import { api, Problem } from "../http.js";
import { bytes } from "../ui.js";
import { Follower, isFinished } from "./follow.js";
import { send } from "./send.js";

const AT_ONCE = 3;
/** In the order in which the tray shows them. */
export const ORDER = ["sending", "reading", "failed", "queued", "waiting", "cancelled", "done"];
const OVER = new Set(["failed", "cancelled", "done"]);

export class Uploads extends EventTarget {
  items = [];
  #sending = 0;
  #limit = null;
  #telling = null;
  #follower = new Follower({ tell: (job) => this.#hear(job), lost: (id, problem) => this.#lost(id, problem) });

  /** Take files in. `replaces` is the id of the document that gets a new version. */
  async add(files, { collection = "default", replaces = null } = {}) {
    const taken = files.map(({ file, source }) => ({
      key: randomKey(), file, source, collection, replaces, name: file.name, size: file.size,
      state: "waiting", sent: 0, waits: null, job: null, document: null, duplicate: false, error: null, stop: null,
    }));
    this.items.push(...taken);
    this.#changed();
    this.#limit ??= await api.get("/v1/status").then((status) => status.max_upload_bytes, () => null);
    this.#pump();
    return taken;
  }

  cancel(item) {
    if (item.state === "waiting") this.#end(item, "cancelled");
    else if (item.state === "sending") item.stop.abort();
    else if (item.job && !isFinished(item.job)) this.#cancelJob(item);
  }

  retry(item) {
    item.error = null;
    if (item.job) {
      this.#again(item);
      return;
    }
    Object.assign(item, { state: "waiting", sent: 0 });
    this.#changed();
    this.#pump();
  }

  /** Take what is over off the list. */
  clear() {
    this.items = this.items.filter((item) => !OVER.has(item.state));
    this.#changed();
  }

  get busy() {
    return this.items.some((item) => !OVER.has(item.state));
  }

  /** Whether leaving the page would lose something: what is sent is safe with the service. */
  get unsent() {
    return this.items.some((item) => item.state === "waiting" || item.state === "sending");
  }

  counts() {
    const counts = Object.fromEntries(ORDER.map((state) => [state, 0]));
    for (const item of this.items) counts[item.state] += 1;
    return counts;
  }

  #pump() {
    for (const item of this.items) {
      if (this.#sending === AT_ONCE) return;
      if (item.state === "waiting") this.#send(item);
    }
  }

  async #send(item) {
    if (this.#limit !== null && item.size > this.#limit) {
      const detail = `It has ${bytes(item.size)} and the service takes ${bytes(this.#limit)} at most; split it, or raise FOOTNOTE_MAX_UPLOAD_BYTES.`;
      this.#end(item, "failed", new Problem(413, { code: "file_too_large", detail }));
      return;
    }
    this.#sending += 1;
    item.state = "sending";
    item.stop = new AbortController();
    this.#changed();
    try {
      this.#sent(item, await send(item, {
        signal: item.stop.signal,
        onsent: (sent) => this.#set(item, { sent, waits: null }),
        onwait: (waits) => this.#set(item, { sent: 0, waits }),
      }));
    } catch (error) {
      if (error.name === "AbortError") this.#end(item, "cancelled");
      else this.#end(item, "failed", error);
    }
    this.#sending -= 1;
    this.#pump();
  }

  #sent(item, { document, job, duplicate }) {
    Object.assign(item, { sent: item.size, document, job, duplicate, state: "queued" });
    this.#tellLibrary();
    if (isFinished(job)) this.#hear(job);
    else this.#follower.watch(job);
    this.#changed();
  }

  #hear(job) {
    for (const item of this.items.filter((one) => one.job?.id === job.id)) {
      item.job = job;
      if (job.state === "succeeded") this.#end(item, "done");
      else if (job.state === "cancelled") this.#end(item, "cancelled");
      else if (isFinished(job)) this.#end(item, "failed", new Problem(422, job.error ?? {}));
      else this.#set(item, { state: job.state === "running" ? "reading" : "queued" });
    }
  }

  #lost(id, problem) {
    const detail = "The document was deleted before it was read; add it again if that was a mistake.";
    const error = problem ?? new Problem(410, { code: "document_deleted", detail });
    for (const item of this.items) if (item.job?.id === id) this.#end(item, "failed", error);
  }

  async #cancelJob(item) {
    try {
      this.#hear(await api.delete(`/v1/jobs/${encodeURIComponent(item.job.id)}`));
      this.#follower.forget(item.job.id);
    } catch (error) {
      if (!isFinished(item.job)) this.#set(item, { error });
    }
  }

  async #again(item) {
    try {
      const job = await api.post(`/v1/jobs/${encodeURIComponent(item.job.id)}/retry`);
      this.#set(item, { job, state: "queued", error: null });
      this.#follower.watch(job);
    } catch (error) {
      this.#end(item, "failed", error);
    }
  }

  #end(item, state, error = null) {
    Object.assign(item, { state, error, stop: null, waits: null });
    if (item.job) this.#tellLibrary();
    this.dispatchEvent(new CustomEvent("over", { detail: item }));
    this.#changed();
  }

  #set(item, change) {
    Object.assign(item, change);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Views that show documents listen to this; many at once are told once. */
  #tellLibrary() {
    this.#telling ??= setTimeout(() => {
      this.#telling = null;
      window.dispatchEvent(new Event("footnote:documents"));
    }, 400);
  }
}

function randomKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return `web-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
