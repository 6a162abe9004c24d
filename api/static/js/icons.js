// Line icons on a 24-unit grid, drawn by path so that they take the colour of their text.

import { svg } from "./dom.js";

const PATHS = {
  ask: "M4 5h16v11H10l-5 4v-4H4z",
  library: "M5 4h4v16H5zM11 4h4v16h-4zM17.2 5l3.3.8-3.6 14-3.2-.8",
  conversations: "M12 7v5l3.5 2M20.5 12a8.5 8.5 0 1 1-2.6-6.1M20.5 3.5v4h-4",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  add: "M12 5v14M5 12h14",
  send: "M12 19V6M6 11.5 12 5.5l6 6",
  stop: "M7 7h10v10H7z",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  quote: "M10 7H5v6h4c0 2-1 3.5-3 4M20 7h-5v6h4c0 2-1 3.5-3 4",
  warning: "M12 4 21 19.5H3zM12 10v4.5M12 17v.4",
  previous: "M14.5 6l-6 6 6 6",
  next: "M9.5 6l6 6-6 6",
  up: "M6 14.5l6-6 6 6",
  down: "M6 9.5l6 6 6-6",
  zoom_in: "M11 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12M15.5 15.5 20 20M11 8.5v5M8.5 11h5",
  zoom_out: "M11 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12M15.5 15.5 20 20M8.5 11h5",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  light: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  search: "M11 4.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M16 16l4.5 4.5",
  document: "M6 3.5h8l4 4v13H6zM14 3.5v4h4",
  folder: "M3.5 6h6l2 2.5h9v10h-17z",
  upload: "M12 16V5M7 9.5 12 4.5l5 5M5 19.5h14",
  download: "M12 4.5v11M7 11l5 5 5-5M5 19.5h14",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 4v4.5H15",
  edit: "M5 19l1-4L16 5l3 3L9 18z",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  filter: "M4 6h16M7 12h10M10 18h4",
  key: "M8 11a4 4 0 1 1 0 8 4 4 0 0 1 0-8M11 12.5 19.5 4M16 7.5l2.5 2.5",
  shield: "M12 3.5l7.5 3v5c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9v-5z",
  info: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17M12 11v5.5M12 7.6v.3",
  sign_out: "M10 4.5H5v15h5M14 8l4 4-4 4M18 12H9",
};

/** An icon by its name; decoration only, so say in words or with `aria-label` what it stands for. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
