// A classic script, so that it runs before the first paint: a chosen theme must not flash the other one.
(() => {
  try {
    const chosen = localStorage.getItem("footnote.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is switched off in this browser; the system's theme holds.
  }
})();
