// Reading a document once more after it could not be read.

import { api } from "../http.js";
import { toast } from "../ui.js";

const STATES = ["failed", "dead", "cancelled"];
const LOOKED_AT = 200;

export async function tryAgain(document) {
  try {
    const job = await jobOf(document);
    if (!job) {
      toast("Its job is not kept any more; send the file again as a new version.", { kind: "bad" });
      return;
    }
    await api.post(`/v1/jobs/${encodeURIComponent(job.id)}/retry`);
    toast("It is being read once more.");
    window.dispatchEvent(new Event("footnote:documents"));
  } catch (error) {
    toast(error.detail, { kind: "bad" });
  }
}

async function jobOf(document) {
  for (const state of STATES) {
    const { data } = await api.get("/v1/jobs", { state, limit: LOOKED_AT });
    const found = data.find((job) => job.document_id === document.id && job.version === document.version);
    if (found) return found;
  }
  return null;
}
