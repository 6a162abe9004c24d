// A classic script, so that it runs before the first paint: what cannot wait for the modules.
(() => {
  const page = document.documentElement;
  try {
    const chosen = localStorage.getItem("footnote.theme"); // the other one must not flash
    if (chosen === "light" || chosen === "dark") page.dataset.theme = chosen;
  } catch {
    // Storage is switched off in this browser; the system's theme holds.
  }
  // The page comes with an empty question box, which can be typed in at once. Nobody else should see it.
  if (!/^(#\/?(ask)?)?$/.test(location.hash)) page.dataset.elsewhere = "";
  document.addEventListener("keydown", (event) => {
    const { target, key, shiftKey, isComposing } = event;
    if (target.dataset.early === undefined || key !== "Enter" || shiftKey || isComposing) return;
    event.preventDefault();
    target.dataset.early = "asked"; // the composer asks it as soon as it is there
  });
})();
