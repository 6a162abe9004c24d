// What may leave this machine, and what was kept from leaving it.

import { h } from "../dom.js";
import { count, icon } from "../ui.js";
import { part } from "./service.js";

const GUARDS = {
  audit_hook: "every connection that is not configured is refused",
  kernel: "the kernel gives it no network at all",
  none: "nothing watches over its connections",
};
const PROCESSES = { api: "Service", worker: "Worker", generator: "Language model", parser: "Document reader" };

export function privacy(seen) {
  const open = seen.allowed.length + (seen.langchain_tracing ? 1 : 0);
  const guarded = seen.processes.every((one) => one.guard !== "none");
  return part("Privacy",
    h("div", { class: `privacy-state ${open || !guarded ? "open" : ""}` }, icon("shield"),
      h("div", null, h("p", null, h("b", null, headline(open, guarded))),
        h("p", { class: "soft" }, "No telemetry, no downloads, no request of this page to anywhere else."))),
    seen.allowed.length > 0 && h("ul", { class: "card list allowed" }, seen.allowed.map((one) => h("li", null, h("b", null, one.destination), h("p", { class: "small soft" }, `${one.reason} Allowed by ${one.setting}, for ${one.processes.join(" and ")}.`)))),
    seen.langchain_tracing && h("p", { class: "notice-box" }, icon("warning"), h("span", null, "langchain-core's tracing client is on.")),
    h("ul", { class: "card list parts" }, seen.processes.map((one) => h("li", null, h("span", null, PROCESSES[one.process] ?? one.process), h("span", { class: "small soft" }, GUARDS[one.guard]), refused(one)))));
}

function headline(open, guarded) {
  if (!guarded) return "Not every process is guarded.";
  return open ? `${count(open, "connection")} may be made, as configured.` : "Nothing leaves this machine.";
}

function refused({ refused: counts }) {
  if (counts === null) return h("span", { class: "badge" }, "no network");
  const many = Object.values(counts).reduce((sum, one) => sum + one, 0);
  return h("span", { class: `badge ${many ? "warn" : ""}` }, `${many} refused`);
}
