// How far the reading of sent documents is. Browsers allow six connections to a service, over all its tabs, so one
// event stream follows the job that is at work, and the others are asked about together now and then.

import { api, events } from "../http.js";

const EVERY_MS = 1200;
const NEXT_MS = 100;
const AFTER_TROUBLE_MS = 3000;
const AT_ONCE = 100;
const FINISHED = new Set(["succeeded", "failed", "dead", "cancelled"]);

export function isFinished(job) {
  return FINISHED.has(job.state);
}

/** Follows jobs until they are finished: `tell(job)` hears of every change, `lost(id, problem)` of jobs that are gone. */
export class Follower {
  #tell;
  #lost;
  #jobs = new Map();
  #stream = null;
  #timer = null;

  constructor({ tell, lost }) {
    this.#tell = tell;
    this.#lost = lost;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stream?.stop.abort();
      else this.#follow();
    });
  }

  watch(job) {
    if (isFinished(job)) {
      this.#tell(job);
      return;
    }
    this.#jobs.set(job.id, job);
    this.#follow();
    this.#timer ??= setTimeout(() => this.#ask(), EVERY_MS);
  }

  forget(id) {
    this.#jobs.delete(id);
    if (this.#stream?.id === id) this.#stream.stop.abort();
  }

  #take(job) {
    if (!this.#jobs.has(job.id)) return;
    if (isFinished(job)) this.#jobs.delete(job.id);
    else this.#jobs.set(job.id, job);
    this.#tell(job);
  }

  #lose(id, problem) {
    this.#jobs.delete(id);
    this.#lost(id, problem);
  }

  /** Open the stream of the job that runs, or of the one that is to run next. */
  async #follow() {
    if (this.#stream || document.hidden || this.#jobs.size === 0) return;
    const jobs = [...this.#jobs.values()];
    const { id } = jobs.find((job) => job.state === "running") ?? jobs[0];
    const stop = new AbortController();
    this.#stream = { id, stop };
    let pause = NEXT_MS;
    try {
      for await (const { data } of events("GET", `/v1/jobs/${encodeURIComponent(id)}/events`, { signal: stop.signal })) {
        this.#take(data);
        if (data.state === "queued" && [...this.#jobs.values()].some((job) => job.state === "running")) break;
      }
    } catch (error) {
      // Anything but a deleted document (a service that restarts, say) is left to the question that is asked anyway.
      if (error.code === "document_deleted" || error.code === "job_not_found") this.#lose(id, error);
      else if (!stop.signal.aborted) pause = this.#trouble(error);
    } finally {
      this.#stream = null;
      stop.abort();
    }
    if (this.#jobs.size) setTimeout(() => this.#follow(), pause);
  }

  /** How long to wait after an error. Who would not give a key when asked for one is not asked again and again. */
  #trouble(error) {
    if (error.status === 401) this.#jobs.clear();
    return AFTER_TROUBLE_MS;
  }

  async #ask() {
    const wanted = [...this.#jobs.keys()].filter((id) => id !== this.#stream?.id).slice(0, AT_ONCE);
    let pause = EVERY_MS;
    try {
      if (wanted.length) {
        const { data } = await api.get("/v1/jobs", { id: wanted });
        const found = new Set(data.map((job) => job.id));
        for (const job of data) this.#take(job);
        for (const id of wanted) if (!found.has(id)) this.#lose(id, null);
        // Those asked about go to the end, so that of more than a hundred each has its turn.
        for (const id of wanted) this.#again(id);
      }
    } catch (error) {
      pause = this.#trouble(error);
    }
    this.#timer = this.#jobs.size ? setTimeout(() => this.#ask(), pause) : null;
  }

  #again(id) {
    const job = this.#jobs.get(id);
    if (!job) return;
    this.#jobs.delete(id);
    this.#jobs.set(id, job);
  }
}
