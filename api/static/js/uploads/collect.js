// What a person dropped or chose, as files with the path each has in the folder it came with.

const NOISE = new Set(["thumbs.db", "desktop.ini", "__macosx"]);

/**
 * Files of a drop, folders followed to their ends: `{files: [{file, source}], hidden, unread}`, where `source` is
 * null for a file that came by itself, `hidden` counts files that programs keep for themselves and `unread`
 * what the browser would not hand over. To be called while the drop event is handled: later its items are gone.
 */
export async function dropped(transfer) {
  const items = Array.from(transfer.items ?? []).filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = { files: [], hidden: 0, unread: 0 };
  for (const entry of entries) {
    if (entry instanceof File) found.files.push({ file: entry, source: null });
    else if (entry) await walk(entry, found, false);
  }
  return found;
}

/** The same for a file input; one that chooses folders says where each file lies. */
export function chosen(input) {
  const found = { files: [], hidden: 0, unread: 0 };
  for (const file of input.files) {
    const source = file.webkitRelativePath || null;
    if (source && source.split("/").some(isNoise)) found.hidden += 1;
    else found.files.push({ file, source });
  }
  return found;
}

async function walk(entry, found, inFolder) {
  if (inFolder && isNoise(entry.name)) {
    found.hidden += 1;
    return;
  }
  try {
    if (entry.isDirectory) {
      for (const inner of await everything(entry.createReader())) await walk(inner, found, true);
    } else {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.files.push({ file, source: inFolder ? entry.fullPath.replace(/^\/+/, "") : null });
    }
  } catch {
    found.unread += 1;
  }
}

/** A reader gives a folder in parts; the last one is empty. */
async function everything(reader) {
  const all = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return all;
    all.push(...part);
  }
}

function isNoise(name) {
  return name.startsWith(".") || NOISE.has(name.toLowerCase());
}
