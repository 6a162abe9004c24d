// What every view needs: buttons, notices, dialogs, and how dates, sizes and counts are put into words.

import { add, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { Problem } from "./http.js";

export { icon };

/** A button of icon and label; `kind` is "primary", "plain", "quiet" or "danger". With `hideLabel`, icon only. */
export function button(label, { icon: name, kind = "plain", hideLabel = false, ...props } = {}) {
  const named = hideLabel ? { "aria-label": label, title: label } : {};
  return h(
    "button",
    { type: "button", ...named, ...props, class: `button ${kind}${hideLabel ? " only-icon" : ""} ${props.class ?? ""}` },
    name && icon(name),
    !hideLabel && h("span", null, label),
  );
}

/** A short notice at the edge of the page, gone by itself. `action` is `{label, run}`. */
export function toast(text, { kind = "info", seconds = 6, action = null } = {}) {
  const notice = h(
    "div",
    { class: `toast ${kind}` },
    h("span", null, text),
    action && button(action.label, { kind: "quiet", onclick: () => (notice.remove(), action.run()) }),
    button("Dismiss", { icon: "close", kind: "quiet", hideLabel: true, onclick: () => notice.remove() }),
  );
  add(document.getElementById("toasts"), notice);
  setTimeout(() => notice.remove(), seconds * 1000);
  return notice;
}

/** Say to screen readers what sighted people see happen. */
export function announce(text) {
  put(document.getElementById("announcer"), text);
}

/** What went wrong, in a box: the detail of the service with its code. */
export function problemBox(error, { retry = null } = {}) {
  const known = error instanceof Problem;
  if (!known) console.error(error);
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon("warning"),
    h(
      "div",
      null,
      h("p", null, known ? error.detail : "Something went wrong on this page; reload it."),
      known && h("code", null, error.code),
    ),
    retry && button("Try again", { icon: "retry", onclick: retry }),
  );
}

let dialogs = 0; // one may open above another, and each is named by its own title

/**
 * A modal dialog; resolves with what its buttons give, or null when it is closed.
 * `actions` are `{label, value, kind?}`; `value` may be a function that returns undefined to keep it open. `cancel`
 * names the button that only closes it; null leaves it out.
 */
export function dialog(title, content, actions, { cancel = actions.length ? "Cancel" : "Close" } = {}) {
  return new Promise((resolve) => {
    let outcome = null;
    const heading = h("h2", { id: `dialog-title-${(dialogs += 1)}` }, title);
    const form = h("form", { method: "dialog" }, heading, h("div", { class: "dialog-body" }, content));
    const box = h("dialog", { class: "dialog", "aria-labelledby": heading.id }, form);
    const act = async (action) => {
      const value = typeof action.value === "function" ? await action.value() : action.value;
      if (value === undefined) return;
      outcome = value;
      box.close();
    };
    add(
      form,
      h(
        "div",
        { class: "dialog-actions" },
        cancel && button(cancel, { kind: "quiet", onclick: () => box.close() }),
        actions.map((action) =>
          h("button", { type: "submit", class: `button ${action.kind ?? "primary"}`, value: action.label }, action.label),
        ),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const action = actions.find((one) => one.label === event.submitter?.value) ?? actions[0];
      if (action) act(action);
    });
    box.addEventListener("click", (event) => event.target === box && box.close());
    box.addEventListener("close", () => {
      box.remove();
      resolve(outcome);
    });
    add(document.body, box);
    box.showModal();
  });
}

/** Ask before something that cannot be undone; resolves with true or false. */
export async function confirm(title, text, label, kind = "danger") {
  return (await dialog(title, h("p", null, text), [{ label, value: true, kind }])) === true;
}

/** Put text on the clipboard and say so. */
export async function copy(text, said = "Copied.") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copiedBySelection(text)) {
      toast("The browser does not allow copying here; select the text instead.", { kind: "bad" });
      return;
    }
  }
  toast(said, { seconds: 2.5 });
}

/** The old way, for plain http on another machine, where browsers offer no clipboard. */
function copiedBySelection(text) {
  const focused = document.activeElement;
  const area = h("textarea", { value: text, class: "unseen", "aria-hidden": "true" });
  add(document.body, area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}

const NUMBERS = new Intl.NumberFormat("en");
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

export function count(number, one, many = `${one}s`) {
  return `${NUMBERS.format(number)} ${number === 1 ? one : many}`;
}

/** "3 hours ago", from an ISO time. */
export function ago(time) {
  const seconds = (Date.now() - new Date(time).getTime()) / 1000;
  for (const [unit, length] of STEPS) {
    if (seconds >= length) return RELATIVE.format(-Math.round(seconds / length), unit);
  }
  return "just now";
}

export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  for (; number >= 1000 && step < units.length - 1; step += 1) number /= 1000;
  return `${number >= 100 || step === 0 ? Math.round(number) : number.toFixed(1)} ${units[step]}`;
}

/** The chosen theme: "system", "light" or "dark". */
export const theme = {
  get: () => document.documentElement.dataset.theme ?? "system",
  set(choice) {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === "system") localStorage.removeItem("footnote.theme");
      else localStorage.setItem("footnote.theme", choice);
    } catch {
      // Storage is switched off: the choice holds until the page is left.
    }
  },
};
