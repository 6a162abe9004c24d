// Keys of the service, for those who may make them.

import { h, put } from "../dom.js";
import { api, key } from "../http.js";
import { ago, button, confirm, copy, dialog, icon, problemBox, toast } from "../ui.js";
import { part } from "./service.js";

const SCOPES = {
  read: "Read: search, ask, look at everything",
  write: "Write: also add, change and delete documents",
  admin: "Admin: also make and revoke keys",
};
const LASTING = { "": "Never", 7: "In a week", 30: "In 30 days", 90: "In 90 days", 365: "In a year" };
const DAY_MS = 86_400_000;

export function keys() {
  const list = h("div", null, h("p", { class: "soft" }, "Looking for keys"));
  const draw = async () => {
    try {
      const { data } = await api.get("/v1/keys");
      put(list, shown(data, draw));
    } catch (error) {
      put(list, problemBox(error, { retry: draw }));
    }
  };
  draw();
  return part("Keys", list, h("div", null, button("Create a key", { icon: "key", onclick: () => create(draw) })));
}

function shown(data, draw) {
  if (data.length === 0) return h("p", { class: "soft" }, "There are none: whoever sits at this machine may do everything. With the first key, everybody needs one, you as well.");
  const active = data.filter((one) => one.state === "active");
  const over = data.filter((one) => one.state !== "active");
  return [
    h("ul", { class: "card list key-list" }, active.map((one) => row(one, draw))),
    over.length > 0 && h("details", { class: "over" }, h("summary", null, `Revoked and expired (${over.length})`), h("ul", { class: "card list key-list" }, over.map((one) => row(one, draw)))),
  ];
}

function row(one, draw) {
  const good = one.collections === null ? "all collections" : one.collections.join(", ") || "collections that are gone";
  const facts = [`good for ${good}`, one.last_used_at ? `used ${ago(one.last_used_at)}` : "never used", ends(one)];
  return h("li", null,
    h("div", null, h("b", null, one.name), " ", h("code", { class: "faint" }, `${one.prefix}…`), h("p", { class: "small soft" }, facts.join(" · "))),
    h("span", { class: `badge ${one.state === "active" ? "accent" : ""}` }, one.state === "active" ? one.scope : one.state),
    one.state === "active" && button(`Revoke ${one.name}`, { icon: "trash", kind: "quiet", class: "small", hideLabel: true, onclick: () => revoke(one, draw) }));
}

function ends({ expires_at: end }) {
  return end ? `until ${new Date(end).toLocaleDateString("en-GB", { dateStyle: "medium" })}` : "no end";
}

async function revoke(one, draw) {
  if (!(await confirm(`Revoke “${one.name}”?`, "Whoever uses it is shut out at the next request. This cannot be undone; make a new key instead.", "Revoke"))) return;
  try {
    await api.delete(`/v1/keys/${encodeURIComponent(one.id)}`);
    toast(`“${one.name}” opens nothing any more.`);
  } catch (error) {
    toast(error.detail, { kind: "bad" });
  }
  draw();
}

async function create(draw) {
  let first; // asked anew: that no key is shown may only mean that none is shown yet
  try {
    first = (await api.get("/v1/keys")).data.length === 0;
  } catch (error) {
    toast(error.detail, { kind: "bad" });
    return;
  }
  const fields = await form(first);
  const trouble = h("div", null);
  const make = async () => {
    if (!fields.name.value.trim()) {
      fields.name.focus();
      return undefined;
    }
    try {
      return await api.post("/v1/keys", fields.value());
    } catch (error) {
      put(trouble, problemBox(error));
      return undefined;
    }
  };
  const made = await dialog("Create a key", [fields.element, trouble], [{ label: "Create", value: make }]);
  if (made === null) return;
  if (key.get() === null && made.key.scope === "admin") key.set(made.token, false); // or this page would be shut out
  await reveal(made);
  draw();
}

async function form(first) {
  const { data } = await api.get("/v1/collections").catch(() => ({ data: [] }));
  const name = h("input", { class: "input", id: "key-name", maxlength: 100, autocomplete: "off", placeholder: "reading room" });
  const scope = h("select", { class: "select", id: "key-scope" }, Object.entries(SCOPES).map(([value, label]) => h("option", { value }, label)));
  const lasts = h("select", { class: "select", id: "key-end" }, Object.entries(LASTING).map(([value, label]) => h("option", { value, selected: value === "" }, label)));
  const boxes = data.map((one) => h("input", { type: "checkbox", value: one.name }));
  if (first) put(scope, h("option", { value: "admin" }, SCOPES.admin));
  const element = h("div", null,
    first && h("p", { class: "notice-box" }, icon("info"), h("span", null, "It is the first one: from now on everybody needs a key, and this page signs in with it. It has to be an admin key, or nobody could make another here.")),
    h("label", { class: "field", for: name.id }, h("span", null, "What it is for"), name),
    h("label", { class: "field", for: scope.id }, h("span", null, "What it may do"), scope),
    h("label", { class: "field", for: lasts.id }, h("span", null, "When it ends"), lasts),
    !first && data.length > 0 && h("fieldset", { class: "field" }, h("legend", null, "Good for (all, if none is chosen)"), boxes.map((box, at) => h("label", { class: "check" }, box, h("span", null, data[at].name)))));
  const value = () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const days = Number(lasts.value);
    return {
      name: name.value.trim(),
      scope: scope.value,
      ...(chosen.length ? { collections: chosen } : {}),
      ...(days ? { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() } : {}),
    };
  };
  return { element, name, value };
}

/** The token is in no answer but this one. */
async function reveal({ key: made, token }) {
  const shown = h("input", { class: "input token", readonly: true, value: token, "aria-label": "The key", onfocus: (event) => event.currentTarget.select() });
  const content = [
    h("p", null, `Copy “${made.name}” now. It is shown this once and never again; what is kept cannot be turned back into it.`),
    h("div", { class: "token-row" }, shown, button("Copy", { icon: "copy", onclick: () => copy(token, "The key is copied.") })),
  ];
  while ((await dialog("The new key", content, [{ label: "I have it", value: true }], { cancel: null })) === null) {
    if (await confirm("Close without the key?", "It cannot be shown again; if you have not copied it, it is of no use.", "Close")) return;
  }
}

