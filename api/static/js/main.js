// The shell: navigation, routing and what stays while views change.
//
// A view is a module in views/ with
//
//   export function mount(root, params, query) -> unmount | undefined
//
// `root` is an element that is the view's own, empty unless it is the one that the page came with (index.html has
// that of `ask`, so that a question can be typed before any module has come); `params` are the further steps of
// the path, decoded (`#/library/doc_1` gives ["doc_1"]); `query` is a URLSearchParams of what follows `?` in the
// hash.
// `unmount` ends what the view began (streams, timers, listeners outside `root`). A view sets the document's
// title with `title()` and its own h1. Changing only params of the same view mounts it anew.
//
// Elsewhere: `navigate("/library/doc_1")` goes to a view; `openSource(place, places)` of viewer.js shows a
// passage beside any view; uploads.js has `install()` (drop anywhere) and `pick()` (the file chooser), and
// tells of finished documents with a "footnote:documents" event on window.

import { h, put } from "./dom.js";
import { api, outdated } from "./http.js";
import { icon, problemBox, theme } from "./ui.js";

const VIEWS = {
  ask: { label: "Ask", icon: "ask", load: () => import("./views/ask.js") },
  library: { label: "Library", icon: "library", load: () => import("./views/library.js") },
  conversations: { label: "History", icon: "conversations", load: () => import("./views/conversations.js") },
  settings: { label: "Settings", icon: "settings", load: () => import("./views/settings.js") },
};
const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const READY_EVERY_MS = 2000;

let unmount = null;
let turn = 0;
let shown = null; // the hash of what is mounted

/** Go to a view, by the path after `#`. */
export function navigate(path, { replace = false } = {}) {
  if (location.hash === `#${path}`) route();
  else if (replace) location.replace(`#${path}`);
  else location.hash = path;
}

/** Change the address without mounting anew: the view already shows what it names. One that has been changed
 * meanwhile stays: the view that asks is about to be left, and must not take away where somebody is going. */
export function readdress(path) {
  if (location.hash !== shown) return;
  history.replaceState(null, "", `#${path}`);
  shown = location.hash;
  mark();
}

/** Name the page, as the browser's tab and history show it. */
export function title(text) {
  document.title = text ? `${text} – Footnote` : "Footnote";
}

function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [name, ...params] = path.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "ask", params, query: new URLSearchParams(query) };
}

function decoded(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

async function route() {
  const { name, params, query } = where();
  if (!Object.hasOwn(VIEWS, name)) {
    navigate("/ask", { replace: true });
    return;
  }
  const mine = (turn += 1);
  const { hash } = location;
  mark();
  let module;
  try {
    module = await VIEWS[name].load();
  } catch (error) {
    console.error(error);
    put(document.getElementById("main"), problemBox(outdated(), { retry: () => location.reload() }));
    return;
  }
  if (mine !== turn) return;
  unmount?.();
  shown = hash;
  const main = document.getElementById("main");
  const plain = name === "ask" && params.length === 0 && query.size === 0;
  let root = plain ? main.querySelector(".view[data-early]") : null;
  if (root) {
    delete root.dataset.early;
  } else {
    root = h("div", { class: `view view-${name}` });
    put(main, root);
  }
  main.scrollTo(0, 0);
  title(VIEWS[name].label);
  unmount = module.mount(root, params, query) ?? null;
}

function mark() {
  const { name } = where();
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function bar() {
  const links = Object.entries(VIEWS).map(([name, view]) =>
    h("li", null, h("a", { href: `#/${name}`, data: { view: name } }, icon(view.icon), h("span", null, view.label))),
  );
  const upload = h(
    "button",
    {
      type: "button",
      class: "bar-add",
      data: { needs: "write" },
      title: "Add documents",
      onclick: () => import("./uploads.js").then((module) => module.pick()),
    },
    icon("add"),
    h("span", null, "Add", h("span", null, " documents")),
  );
  return [
    h("a", { class: "brand", href: "#/ask", "aria-label": "Footnote, ask a question" }, "Footnote", h("sup", null, "1")),
    h("nav", { "aria-label": "Views" }, h("ul", null, links)),
    upload,
    h("div", { class: "bar-foot" }, health(), themeSwitch()),
  ];
}

function themeSwitch() {
  const order = Object.keys(THEMES);
  const face = () => {
    const now = theme.get();
    control.setAttribute("aria-label", `Theme: ${THEMES[now]}. Change`);
    control.title = `Theme: ${THEMES[now]}`;
    put(control, icon(now));
  };
  const control = h("button", {
    type: "button",
    class: "button quiet only-icon",
    onclick: () => {
      theme.set(order[(order.indexOf(theme.get()) + 1) % order.length]);
      face();
    },
  });
  face();
  return control;
}

/** Whether the service can answer yet, looked at until it can. */
function health() {
  const text = h("span", null, "");
  const shown = h("span", { class: "health", role: "status" }, h("i", { "aria-hidden": "true" }), text);
  const look = async () => {
    let state = "ready";
    let said = "Ready";
    try {
      await api.get("/readyz");
    } catch (error) {
      const parts = Object.entries(error.document?.parts ?? {}).filter(([, part]) => part.state !== "ready");
      state = error.code === "not_ready" ? "starting" : "away";
      const phases = new Set(parts.map(([, part]) => sentence(part.phase)));
      said = parts.length ? [...phases].join(", ") : "Not reachable";
      setTimeout(look, READY_EVERY_MS);
    }
    shown.dataset.state = state;
    if (text.textContent !== said) put(text, said);
  };
  look();
  window.addEventListener("footnote:unreachable", look);
  return shown;
}

function sentence(phase) {
  return phase ? phase[0].toUpperCase() + phase.slice(1) : "Starting";
}

/** What can wait until the page can be used: the fewer files are needed before, the sooner that is. */
async function installTheRest() {
  const [uploads, rights, shortcuts] = await Promise.all([import("./uploads.js"), import("./rights.js"), import("./shortcuts.js")]);
  uploads.install();
  shortcuts.install();
  window.addEventListener("footnote:key", rights.learn);
  rights.learn();
}

put(document.getElementById("bar"), bar());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its hash is no view
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", route);
route().finally(installTheRest);
