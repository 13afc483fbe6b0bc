// Before the first paint: the chosen theme and direction, so that nothing flashes. A file of its own because the page's
// policy allows no inline script. src/frame/theme.ts writes what this reads.
(() => {
  try {
    const theme = localStorage.getItem("earshot.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    if (localStorage.getItem("earshot.direction") === "rtl") document.documentElement.dir = "rtl";
  } catch {
    // Storage is forbidden here: the system's theme it is.
  }
})();
