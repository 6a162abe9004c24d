// What the caller may do here, as the service tells. A control says with `data-needs` what it takes; one rule of the
// stylesheet hides it from whoever may not. The service decides in any case: until it has told, everything is shown.

import { api } from "./http.js";

const ORDER = ["read", "write", "admin"];

/** Ask the service, once for each key. */
export async function learn() {
  const status = await api.get("/v1/status").catch(() => null);
  if (status) Object.assign(document.documentElement.dataset, { right: status.caller.right, restricted: status.caller.restricted });
}

/** Whether the caller may do what takes this right. */
export function may(right) {
  const own = ORDER.indexOf(document.documentElement.dataset.right ?? "admin");
  return own >= ORDER.indexOf(right);
}

/** Whether the caller may make collections: a key that is good for some of them only makes no others. */
export function mayMakeCollections() {
  return may("write") && document.documentElement.dataset.restricted !== "true";
}
