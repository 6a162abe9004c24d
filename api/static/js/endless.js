// A list that grows as one scrolls: asks for more whenever its end is near.

const NEAR = "600px";

export class Endless {
  #end;
  #watcher;

  /** `more()` is called when `end` comes near the lower edge of `main`, the part of the page that scrolls. */
  constructor(end, more) {
    this.#end = end;
    const near = (seen) => seen.at(-1).isIntersecting && more();
    this.#watcher = new IntersectionObserver(near, { root: document.getElementById("main"), rootMargin: NEAR });
    this.#watcher.observe(end);
  }

  /**
   * To be called when `more` could be of use again. An observer tells of changes only: where an end is still near after
   * rows were added, or was near while an earlier request ran, it would never ask again. Whoever is observed anew is told of.
   */
  look() {
    this.#watcher.unobserve(this.#end);
    this.#watcher.observe(this.#end);
  }

  leave() {
    this.#watcher.disconnect();
  }
}
