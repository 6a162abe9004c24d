// The service as it is: models, speeds, room, privacy, keys, and how the page looks. Each part comes when it is known.

import { add, h, put } from "../dom.js";
import { api, key } from "../http.js";
import { button, problemBox } from "../ui.js";
import { appearance } from "../settings/appearance.js";
import { keys } from "../settings/keys.js";
import { privacy } from "../settings/privacy.js";
import { model, room, service, speeds } from "../settings/service.js";

const LOOK_MS = 5000;

export function mount(root) {
  const view = new Settings(root);
  return () => view.leave();
}

class Settings {
  #left = false;
  #timer = null;

  constructor(root) {
    this.figures = h("div", null, h("p", { class: "soft" }, "Looking at the service"));
    this.privacy = h("div", null);
    this.keys = h("div", null);
    this.browser = h("div", null);
    add(root, h("h1", null, "Settings"), h("div", { class: "settings" }, this.figures, this.privacy, this.keys, appearance(), this.browser));
    this.#begin();
    this.#showPrivacy();
  }

  leave() {
    this.#left = true;
    clearTimeout(this.#timer);
  }

  async #begin() {
    try {
      const status = await this.#look();
      if (!this.#left && status.caller.right === "admin") put(this.keys, keys());
    } catch (error) {
      if (!this.#left) put(this.figures, problemBox(error, { retry: () => this.#begin() }));
    }
  }

  async #look() {
    const [status, ready] = await Promise.all([api.get("/v1/status"), api.get("/readyz").catch((error) => error.document)]);
    if (!this.#left) {
      put(this.figures, service(status, ready), model(status), speeds(status), room(status));
      if (key.get() && !this.browser.hasChildNodes()) put(this.browser, signOut());
      this.#timer = setTimeout(() => this.#again(), LOOK_MS);
    }
    return status;
  }

  async #again() {
    try {
      await this.#look();
    } catch (error) {
      // What was seen last stays. Nobody is asked for a key again and again.
      if (!this.#left && error.status !== 401) this.#timer = setTimeout(() => this.#again(), LOOK_MS);
    }
  }

  async #showPrivacy() {
    try {
      const seen = await api.get("/v1/privacy");
      if (!this.#left) put(this.privacy, privacy(seen));
    } catch (error) {
      if (!this.#left) put(this.privacy, problemBox(error, { retry: () => this.#showPrivacy() }));
    }
  }
}

function signOut() {
  const leave = () => {
    key.clear();
    location.reload();
  };
  return h(
    "section",
    { class: "part" },
    h("h2", null, "This browser"),
    h("p", { class: "soft" }, "It keeps a key to the service. Signing out forgets it here; the key itself stays good."),
    button("Sign out", { icon: "sign_out", onclick: leave }),
  );
}
